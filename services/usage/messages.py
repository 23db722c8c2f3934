"""The service's values as messages of pantheon.usage.v1."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import groupby
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from google.type.decimal_pb2 import Decimal as ProtoDecimal

from pantheon.usage.v1.ledger_pb2 import Attribution, LedgerRow, Target
from pantheon.usage.v1.measure_pb2 import Cost, Timing, TokenUsage
from pantheon.usage.v1.report_pb2 import (
    Discrepancy,
    LatencyDistribution,
    LatencyGroup,
    LatencyPercentile,
    UsageGroup,
    UsageTotals,
)
from pantheon.usage.v1.watermark_pb2 import Watermark
from services.runtime import money
from services.runtime.ids import uuid7_time
from services.runtime.times import duration, to_timestamp
from services.usage import latency
from services.usage.dimensions import Grouping
from services.usage.entry import NIL, Attempt, Entry
from services.usage.store import verification
from services.usage.store.reports import HistogramRow, Totals, UsageRow


def usage_group(row: UsageRow, grouping: Grouping) -> UsageGroup:
    """A group of a usage report."""
    return UsageGroup(keys=grouping.keys(row.values), totals=totals(row.totals))


def totals(sums: Totals) -> UsageTotals:
    """Sums."""
    return UsageTotals(
        requests=sums.requests,
        attempts=sums.attempts,
        failed_attempts=sums.failed,
        estimated_attempts=sums.estimated,
        unpriced_requests=sums.unpriced,
        prompt_tokens=sums.prompt_tokens,
        completion_tokens=sums.completion_tokens,
        cached_tokens=sums.cached_tokens,
        cache_write_tokens=sums.cache_write_tokens,
        reasoning_tokens=sums.reasoning_tokens,
        cost=_usd(sums.cost),
        provider_reported_cost=_usd(sums.provider_reported_cost),
        total_duration=_duration(sums.total_us),
    )


def latency_groups(
    rows: Iterable[HistogramRow], grouping: Grouping, percentiles: Sequence[float]
) -> list[LatencyGroup]:
    """The groups of a latency report, from rows in which those of one group stand together."""
    groups = []
    for values, metrics in groupby(rows, key=lambda row: row.values):
        distributions = {row.metric: _distribution(row, percentiles) for row in metrics}
        none = LatencyDistribution()
        groups.append(
            LatencyGroup(
                keys=grouping.keys(values),
                total=distributions.get(latency.TOTAL, none),
                time_to_first_token=distributions.get(latency.TTFT, none),
            )
        )
    return groups


def ledger_row(entry: Entry) -> LedgerRow:
    """A row of the ledger."""
    attempt, ending, figures = entry.attempt, entry.ending, entry.figures
    return LedgerRow(
        id=str(entry.id),
        kind=entry.kind,
        adjusts_id=_id(entry.adjusts_id),
        start_time=to_timestamp(uuid7_time(entry.id)),
        request_id=str(attempt.request_id),
        attempt_id=str(attempt.attempt_id),
        attempt_number=attempt.attempt_number,
        final=ending.final,
        attribution=_attribution(attempt),
        target=_target(attempt),
        served_model=ending.served_model,
        outcome=ending.outcome,
        state=ending.state,
        tokens=_tokens(entry),
        cost=Cost(
            amount=_usd(figures.cost),
            price_version_id=ending.price_version_id,
            provider_reported=_usd(figures.provider_reported_cost),
            price_override_id=ending.price_override_id,
        ),
        timing=Timing(time_to_first_token=_duration(figures.ttft_us), total=_duration(figures.total_us)),
        finish_reason=ending.finish_reason,
        error_reason=ending.error_reason,
        http_status=ending.http_status,
        provider_response_id=ending.provider_response_id,
    )


def discrepancy(found: verification.Discrepancy) -> Discrepancy:
    """A place where something differs."""
    return Discrepancy(check=found.check, place=found.place, expected=found.expected, found=found.found)


def watermark(spool: UUID, committed_through: int) -> Watermark:
    """How far a spool has come."""
    return Watermark(spool_id=str(spool), committed_through=committed_through)


def _attribution(attempt: Attempt) -> Attribution:
    return Attribution(
        organisation_id=str(attempt.organisation_id),
        project_id=str(attempt.project_id),
        user_id=str(attempt.user_id),
        key_id=_id(attempt.key_id),
        tags=attempt.tags,
    )


def _target(attempt: Attempt) -> Target:
    return Target(
        model=attempt.model,
        provider=attempt.provider,
        provider_model_id=attempt.provider_model_id,
        surface=attempt.surface,
        stream=attempt.stream,
        sandbox=attempt.sandbox,
    )


def _tokens(entry: Entry) -> TokenUsage:
    fields = (descriptor.name for descriptor in TokenUsage.DESCRIPTOR.fields)
    return TokenUsage(**{name: getattr(entry.figures, name) for name in fields})


def _distribution(row: HistogramRow, percentiles: Sequence[float]) -> LatencyDistribution:
    count = sum(row.counts)
    return LatencyDistribution(
        count=count,
        mean=_duration(row.sum_us // count),
        percentiles=[
            LatencyPercentile(percentile=percent, duration=duration(latency.percentile(row.slots, row.counts, percent)))
            for percent in percentiles
        ],
    )


def _id(value: UUID | None) -> str:
    return "" if value is None or value == NIL else str(value)


def _usd(amount: Decimal | None) -> ProtoDecimal | None:
    return None if amount is None else money.to_proto(amount)


def _duration(microseconds: int | None) -> Duration | None:
    if microseconds is None:
        return None
    exact = Duration()
    exact.FromMicroseconds(microseconds)
    return exact
