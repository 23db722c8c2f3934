"""The reports as anybody would compute them who had all events in a list."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from pantheon.events.v1.completion_pb2 import CompletionFinished
from pantheon.usage.v1.ledger_pb2 import LEDGER_STATE_ESTIMATED, OUTCOME_FAILED, OUTCOME_SUCCEEDED
from pantheon.usage.v1.report_pb2 import (
    DIMENSION_DAY,
    DIMENSION_KEY,
    DIMENSION_MODEL,
    DIMENSION_ORGANISATION,
    DIMENSION_PROJECT,
    DIMENSION_PROVIDER,
    DIMENSION_QUARTER_HOUR,
    DIMENSION_SANDBOX,
    DIMENSION_TAG,
    DIMENSION_USER,
    Dimension,
    UsageTotals,
)
from services.runtime import times

Keys = tuple[str, ...]
Sums = tuple[object, ...]

_ATTRIBUTES: dict[int, Callable[[CompletionFinished], str]] = {
    DIMENSION_MODEL: lambda event: event.started.target.model,
    DIMENSION_PROVIDER: lambda event: event.started.target.provider,
    DIMENSION_ORGANISATION: lambda event: event.started.attribution.organisation_id,
    DIMENSION_PROJECT: lambda event: event.started.attribution.project_id,
    DIMENSION_USER: lambda event: event.started.attribution.user_id,
    DIMENSION_KEY: lambda event: event.started.attribution.key_id,
    DIMENSION_SANDBOX: lambda event: str(event.started.target.sandbox).lower(),
}


def time_of(event: CompletionFinished) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=UUID(event.event_id).int >> 80)


def quarter_of(event: CompletionFinished) -> datetime:
    time = time_of(event)
    return time.replace(minute=time.minute // 15 * 15, second=0, microsecond=0)


def keys_of(
    event: CompletionFinished, dimensions: Iterable[Dimension.ValueType], zone: ZoneInfo, tag: str = ""
) -> Keys:
    def key(dimension: Dimension.ValueType) -> str:
        if dimension == DIMENSION_TAG:
            return event.started.attribution.tags[tag]
        if dimension in _ATTRIBUTES:
            return _ATTRIBUTES[dimension](event)
        if dimension == DIMENSION_QUARTER_HOUR:
            local = quarter_of(event).astimezone(zone)
        else:
            local = quarter_of(event).astimezone(zone).replace(minute=0)
            if dimension == DIMENSION_DAY:
                local = datetime(local.year, local.month, local.day, tzinfo=zone)
        return local.isoformat().replace("+00:00", "Z")

    return tuple(map(key, dimensions))


def grouped(
    events: Iterable[CompletionFinished], dimensions: Sequence[Dimension.ValueType], zone: ZoneInfo, tag: str = ""
) -> dict[Keys, list[CompletionFinished]]:
    groups: dict[Keys, list[CompletionFinished]] = defaultdict(list)
    for event in events:
        if not tag or tag in event.started.attribution.tags:
            groups[keys_of(event, dimensions, zone, tag)].append(event)
    return groups


def sums_of(events: Iterable[CompletionFinished]) -> Sums:
    """Everything a report says about a group, comparable with `sums_in`."""
    listed = list(events)
    costs = [Decimal(event.cost.amount.value) for event in listed if event.cost.HasField("amount")]
    reported = [
        Decimal(event.cost.provider_reported.value) for event in listed if event.cost.HasField("provider_reported")
    ]
    return (
        sum(event.final for event in listed),
        len(listed),
        sum(event.outcome == OUTCOME_FAILED for event in listed),
        sum(event.state == LEDGER_STATE_ESTIMATED for event in listed),
        len(listed) - len(costs),
        sum(event.tokens.prompt_tokens for event in listed),
        sum(event.tokens.completion_tokens for event in listed),
        sum(event.tokens.cached_tokens for event in listed),
        sum(event.tokens.cache_write_tokens for event in listed),
        sum(event.tokens.reasoning_tokens for event in listed),
        sum(costs) if costs else None,
        sum(reported) if reported else None,
        sum(round(times.seconds(event.timing.total) * 1e9) // 1000 for event in listed),
    )


def sums_in(totals: UsageTotals) -> Sums:
    return (
        totals.requests,
        totals.attempts,
        totals.failed_attempts,
        totals.estimated_attempts,
        totals.unpriced_requests,
        totals.prompt_tokens,
        totals.completion_tokens,
        totals.cached_tokens,
        totals.cache_write_tokens,
        totals.reasoning_tokens,
        Decimal(totals.cost.value) if totals.HasField("cost") else None,
        Decimal(totals.provider_reported_cost.value) if totals.HasField("provider_reported_cost") else None,
        round(times.seconds(totals.total_duration) * 1e6),
    )


def durations(events: Iterable[CompletionFinished], *, first_token: bool) -> list[float]:
    """The durations a latency report counts, ascending, in seconds."""
    succeeded = [event for event in events if event.outcome == OUTCOME_SUCCEEDED]
    if first_token:
        streamed = [event for event in succeeded if event.started.target.stream]
        return sorted(times.seconds(event.timing.time_to_first_token) for event in streamed)
    return sorted(times.seconds(event.timing.total) for event in succeeded)


def nearest_rank(ascending: Sequence[float], percent: float) -> float:
    return ascending[max(1, math.ceil(len(ascending) * percent / 100)) - 1]
