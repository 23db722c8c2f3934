from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from google.protobuf.duration_pb2 import Duration

from pantheon.events.v1.completion_pb2 import CompletionFinished
from pantheon.usage.v1.ledger_pb2 import (
    LEDGER_STATE_CACHED,
    LEDGER_STATE_ESTIMATED,
    LEDGER_STATE_SETTLED,
    OUTCOME_CANCELLED,
    OUTCOME_FAILED,
    OUTCOME_LOST,
    OUTCOME_SUCCEEDED,
)
from pantheon.usage.v1.measure_pb2 import TokenUsage
from services.runtime import times
from services.runtime.ids import uuid7
from services.usage.entry import MEASURES, NIL, Figures
from services.usage.events import Bounds, entry_of, finish_id, lost
from services.usage.fields import PoisonError
from tests.fixtures.completion_events import Traffic

RETENTION = timedelta(days=100)


def finished(at: datetime | None = None) -> CompletionFinished:
    """A streamed success of known cost."""
    traffic = Traffic(seed=1)
    event = traffic.finished(traffic.started(at, model="openai/gpt-4o"))
    event.outcome, event.state, event.final = OUTCOME_SUCCEEDED, LEDGER_STATE_SETTLED, True
    event.started.target.stream = True
    event.cost.amount.value = "0.00123"
    event.timing.time_to_first_token.CopyFrom(Duration(nanos=250_000_999))
    event.timing.total.CopyFrom(Duration(seconds=2))
    return event


def figures(event: CompletionFinished) -> Figures:
    return entry_of(event, Bounds.now(RETENTION)).figures


def test_measures_are_the_first_figures() -> None:
    assert Figures.__struct_fields__[: len(MEASURES)] == MEASURES


def test_tokens_have_the_contract_s_names() -> None:
    assert {field.name for field in TokenUsage.DESCRIPTOR.fields} <= set(Figures.__struct_fields__)


def test_a_success_counts_with_all_it_says() -> None:
    event = finished()
    found = figures(event)
    assert (found.requests, found.attempts, found.failed, found.estimated, found.unpriced) == (1, 1, 0, 0, 0)
    assert (found.cost, found.prompt_tokens) == (Decimal("0.00123"), event.tokens.prompt_tokens)
    # Durations are whole microseconds, rounded down.
    assert (found.ttft_us, found.total_us) == (250_000, 2_000_000)
    assert (found.ttft_sample_us, found.total_sample_us) == (250_000, 2_000_000)


def test_absent_is_not_zero() -> None:
    event = finished()
    event.tokens.Clear()
    event.tokens.cached_tokens = 0
    event.ClearField("cost")
    event.timing.Clear()
    found = figures(event)
    assert (found.prompt_tokens, found.cached_tokens, found.cost, found.total_us) == (None, 0, None, None)
    assert found.unpriced == 1


def test_a_known_cost_of_nothing_is_known() -> None:
    event = finished()
    event.cost.amount.value = "0"
    assert (figures(event).cost, figures(event).unpriced) == (Decimal(0), 0)


@pytest.mark.parametrize("outcome", (OUTCOME_FAILED, OUTCOME_CANCELLED, OUTCOME_LOST))
def test_only_successes_are_measured(outcome: int) -> None:
    event = finished()
    event.outcome = outcome  # type: ignore[assignment]
    found = figures(event)
    assert (found.total_sample_us, found.ttft_sample_us) == (None, None)
    assert (found.total_us, found.failed) == (2_000_000, int(outcome == OUTCOME_FAILED))


def test_the_first_token_is_measured_only_of_streams() -> None:
    event = finished()
    event.started.target.stream = False
    assert (figures(event).total_sample_us, figures(event).ttft_sample_us) == (2_000_000, None)


def test_a_cached_answer_is_a_request_without_an_attempt() -> None:
    event = finished()
    event.state = LEDGER_STATE_CACHED
    found = figures(event)
    assert (found.requests, found.attempts, found.total_sample_us) == (1, 0, None)


def test_a_login_token_has_the_nil_key() -> None:
    event = finished()
    event.started.attribution.key_id = ""
    assert entry_of(event, Bounds.now(RETENTION)).attempt.key_id == NIL


def test_a_lost_attempt_is_an_estimate_of_unknown_cost() -> None:
    started = Traffic(seed=1).started()
    entry = entry_of(lost(started, final=True), Bounds.now(RETENTION))
    assert str(entry.id) == started.finish_id
    assert (entry.ending.outcome, entry.ending.state) == (OUTCOME_LOST, LEDGER_STATE_ESTIMATED)
    assert (entry.figures.prompt_tokens, entry.figures.completion_tokens) == (started.estimated_prompt_tokens, None)
    assert (entry.figures.cost, entry.figures.unpriced, entry.figures.estimated) == (None, 1, 1)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    (
        (lambda event: event.started.ClearField("attempt_id"), "attempt_id"),
        (lambda event: setattr(event.started, "request_id", "5"), "request_id"),
        (lambda event: setattr(event.started, "finish_id", str(UUID(int=5))), "finish_id"),
        (lambda event: setattr(event.started, "attempt_id", str(uuid7())), "another time"),
        (lambda event: setattr(event, "event_id", str(uuid7())), "event_id"),
        (lambda event: setattr(event.started.attribution, "organisation_id", ""), "organisation_id"),
        (lambda event: setattr(event.started.attribution, "key_id", "sk-123"), "key_id"),
        (lambda event: setattr(event.started.target, "model", ""), "model"),
        (lambda event: setattr(event.started.target, "model", "é" * 600), "model"),
        (lambda event: setattr(event.started.target, "provider", ""), "provider"),
        (lambda event: setattr(event.started.target, "surface", 40_000), "surface"),
        (lambda event: event.started.attribution.tags.update({str(tag): "" for tag in range(17)}), "tags"),
        (lambda event: event.started.attribution.tags.update({"": "a"}), "tag"),
        (lambda event: event.started.attribution.tags.update({"a": "b" * 257}), "tag"),
        (lambda event: setattr(event, "state", 0), "state 0"),
        (lambda event: setattr(event, "outcome", 17), "outcome 17"),
        (lambda event: setattr(event.tokens, "prompt_tokens", -1), "prompt_tokens"),
        (lambda event: setattr(event.tokens, "reasoning_tokens", 2**62), "reasoning_tokens"),
        (lambda event: setattr(event.cost.amount, "value", "much"), "amount"),
        (lambda event: setattr(event.cost.amount, "value", "NaN"), "amount"),
        (lambda event: setattr(event.cost.amount, "value", "-0.1"), "amount"),
        (lambda event: setattr(event.cost.amount, "value", "1e-5000"), "amount"),
        (lambda event: setattr(event.cost.provider_reported, "value", "1e5000"), "provider_reported"),
        (lambda event: setattr(event.timing.total, "seconds", -3), "total"),
        (lambda event: setattr(event.timing.time_to_first_token, "seconds", 2**40), "time_to_first_token"),
    ),
)
def test_a_poison_event_is_refused_by_the_name_of_its_fault(
    spoil: Callable[[CompletionFinished], None], reason: str
) -> None:
    event = finished(times.now() - timedelta(hours=1))
    spoil(event)
    with pytest.raises(PoisonError, match=reason):
        entry_of(event, Bounds.now(RETENTION))


@pytest.mark.parametrize(
    ("age", "taken"),
    (
        (timedelta(days=99, hours=23), True),
        (timedelta(days=100, minutes=1), False),
        (timedelta(hours=-23), True),
        (timedelta(hours=-25), False),
    ),
)
def test_times_are_taken_from_the_retention_floor_to_a_day_from_now(age: timedelta, taken: bool) -> None:
    started = Traffic().started(times.now() - age)
    bounds = Bounds.now(RETENTION)
    if taken:
        assert str(finish_id(started, bounds)) == started.finish_id
    else:
        with pytest.raises(PoisonError, match="retention" if age > timedelta() else "future"):
            finish_id(started, bounds)
