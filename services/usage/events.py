"""Completion events as ledger entries. Pure."""

import time
from datetime import timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

import msgspec

from pantheon.events.v1.completion_pb2 import CompletionFinished, CompletionStarted
from pantheon.usage.v1.ledger_pb2 import (
    LEDGER_STATE_CACHED,
    LEDGER_STATE_ESTIMATED,
    LEDGER_STATE_SETTLED,
    OUTCOME_FAILED,
    OUTCOME_LOST,
    OUTCOME_SUCCEEDED,
    ROW_KIND_COMPLETION,
)
from pantheon.usage.v1.measure_pb2 import Cost, Timing, TokenUsage
from services.usage import fields
from services.usage.entry import NIL, Attempt, Ending, Entry, Figures
from services.usage.fields import PoisonError

_STATES = frozenset({LEDGER_STATE_SETTLED, LEDGER_STATE_ESTIMATED, LEDGER_STATE_CACHED})
_CLOCKS_DIFFER = timedelta(days=1)


class Bounds(msgspec.Struct, frozen=True):
    """Which times the ledger takes, in Unix milliseconds: from the retention floor to a day from now."""

    earliest: int
    latest: int

    @classmethod
    def now(cls, retention: timedelta) -> "Bounds":
        """The bounds at this moment."""
        now = time.time_ns() // 1_000_000
        return cls(now - retention // timedelta(milliseconds=1), now + _CLOCKS_DIFFER // timedelta(milliseconds=1))


def finish_id(started: CompletionStarted, bounds: Bounds) -> UUID:
    """The id of the attempt's ledger row, whose time is the attempt's.

    Raises:
        PoisonError: it is not a UUIDv7, or the ledger does not take its time.
    """
    row_id = fields.uuid7(started.finish_id, "finish_id")
    milliseconds = row_id.int >> 80
    if milliseconds < bounds.earliest:
        raise PoisonError("older than the ledger's retention")
    if milliseconds > bounds.latest:
        raise PoisonError("more than a day in the future")
    return row_id


def entry_of(event: CompletionFinished, bounds: Bounds) -> Entry:
    """The ledger row of a FINISH that was dispatched.

    Raises:
        PoisonError: a field is missing or out of range; the message names it.
    """
    row_id, attempt = finish_id(event.started, bounds), _attempt(event.started)
    if event.event_id != event.started.finish_id:
        raise PoisonError("event_id is not the finish_id of its start")
    if attempt.attempt_id.int >> 80 != row_id.int >> 80:
        raise PoisonError("finish_id carries another time than attempt_id")
    if event.state not in _STATES or not 0 < event.outcome <= OUTCOME_LOST:
        raise PoisonError(f"state {event.state} or outcome {event.outcome} is not known")
    return Entry(
        id=row_id,
        kind=ROW_KIND_COMPLETION,
        adjusts_id=None,
        attempt=attempt,
        ending=_ending(event),
        figures=_figures(event),
    )


def withdrawal_of(event: CompletionFinished, bounds: Bounds) -> Entry:
    """What a FINISH says of an attempt that was never sent: that it counts for nothing.

    It is no row of its own; it corrects the estimate that was booked while nothing was heard of the attempt.

    Raises:
        PoisonError: as `entry_of`.
    """
    row_id, attempt = finish_id(event.started, bounds), _attempt(event.started)
    ending = msgspec.structs.replace(_ending(event), final=False, state=LEDGER_STATE_SETTLED)
    return Entry(row_id, ROW_KIND_COMPLETION, None, attempt, ending, Figures())


def lost(started: CompletionStarted, *, final: bool) -> CompletionFinished:
    """The estimated FINISH of an attempt whose router never came back.

    The prompt was sent, so its upper bound is the estimate; what it cost and how far the answer came is unknown.
    """
    return CompletionFinished(
        event_id=started.finish_id,
        started=started,
        outcome=OUTCOME_LOST,
        state=LEDGER_STATE_ESTIMATED,
        tokens=TokenUsage(prompt_tokens=started.estimated_prompt_tokens),
        final=final,
    )


def _attempt(started: CompletionStarted) -> Attempt:
    who, target = started.attribution, started.target
    return Attempt(
        request_id=fields.uuid7(started.request_id, "request_id"),
        attempt_id=fields.uuid7(started.attempt_id, "attempt_id"),
        attempt_number=started.attempt_number,
        organisation_id=fields.uuid(who.organisation_id, "organisation_id"),
        project_id=fields.uuid(who.project_id, "project_id"),
        user_id=fields.uuid(who.user_id, "user_id"),
        key_id=fields.uuid(who.key_id, "key_id") if who.key_id else NIL,
        model=fields.name(target.model, "model"),
        provider=fields.name(target.provider, "provider"),
        sandbox=target.sandbox,
        tags=fields.tags(dict(who.tags)) if who.tags else {},
        provider_model_id=fields.free_text(target.provider_model_id),
        surface=fields.small(target.surface, "surface"),
        stream=target.stream,
    )


def _ending(event: CompletionFinished) -> Ending:
    return Ending(
        final=event.final,
        outcome=event.outcome,
        state=event.state,
        served_model=fields.free_text(event.served_model),
        finish_reason=fields.free_text(event.finish_reason),
        error_reason=fields.small(event.error_reason, "error_reason"),
        http_status=event.http_status,
        provider_response_id=fields.free_text(event.provider_response_id),
        price_version_id=fields.free_text(event.cost.price_version_id),
        price_override_id=fields.free_text(event.cost.price_override_id),
    )


def _figures(event: CompletionFinished) -> Figures:
    # The contract's names are the ledger's; what is absent is not listed.
    tokens = {field.name: fields.tokens(value, field.name) for field, value in event.tokens.ListFields()}
    cost, reported = _usd(event.cost, "amount"), _usd(event.cost, "provider_reported")
    total, ttft = _microseconds(event.timing, "total"), _microseconds(event.timing, "time_to_first_token")
    measured = event.outcome == OUTCOME_SUCCEEDED and event.state != LEDGER_STATE_CACHED
    return Figures(
        requests=int(event.final),
        attempts=int(event.state != LEDGER_STATE_CACHED),
        failed=int(event.outcome == OUTCOME_FAILED),
        estimated=int(event.state == LEDGER_STATE_ESTIMATED),
        unpriced=int(cost is None),
        cost=cost,
        provider_reported_cost=reported,
        total_us=total,
        ttft_us=ttft,
        total_sample_us=total if measured else None,
        ttft_sample_us=ttft if measured and event.started.target.stream else None,
        **tokens,
    )


def _usd(cost: Cost, field: Literal["amount", "provider_reported"]) -> Decimal | None:
    return fields.usd(getattr(cost, field), field) if cost.HasField(field) else None


def _microseconds(timing: Timing, field: Literal["total", "time_to_first_token"]) -> int | None:
    return fields.microseconds(getattr(timing, field), field) if timing.HasField(field) else None
