"""Estimates that turn out otherwise: the difference is booked, once."""

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from pantheon.events.v1.completion_pb2 import CompletionEvent, CompletionFinished
from pantheon.usage.v1.ledger_pb2 import (
    LEDGER_STATE_ESTIMATED,
    LEDGER_STATE_SETTLED,
    OUTCOME_FAILED,
    OUTCOME_LOST,
    OUTCOME_SUCCEEDED,
    ROW_KIND_ADJUSTMENT,
    ROW_KIND_COMPLETION,
)
from pantheon.usage.v1.measure_pb2 import Timing
from services.runtime import times
from services.usage.adjustment import correction_ids
from services.usage.entry import MEASURES
from tests.fixtures.completion_events import Traffic, message
from tests.integration.usage.running import Replica


def truth_and_estimate(traffic: Traffic, at: datetime | None = None) -> tuple[CompletionFinished, CompletionFinished]:
    """A successful, priced, streamed attempt, and what is thought of it while its end is unknown."""
    started = traffic.started(at, model="openai/gpt-4o")
    started.target.stream = True
    started.attribution.tags["team"] = "a"
    truth = traffic.finished(started)
    truth.outcome, truth.state, truth.final = OUTCOME_SUCCEEDED, LEDGER_STATE_SETTLED, True
    truth.cost.amount.value = "0.0123"
    truth.tokens.prompt_tokens, truth.tokens.completion_tokens = 1_000, 400
    truth.timing.CopyFrom(Timing(time_to_first_token=times.duration(0.3), total=times.duration(2)))
    estimate = CompletionFinished(
        event_id=truth.event_id, started=started, outcome=OUTCOME_LOST, state=LEDGER_STATE_ESTIMATED, final=True
    )
    estimate.tokens.prompt_tokens = 1_500
    return truth, estimate


async def booked(replica: Replica, *events: CompletionFinished, spool: UUID, first: int = 1) -> Any:
    return await replica.take(message(spool, first, [CompletionEvent(finished=event) for event in events]))


async def sums(replica: Replica) -> dict[str, Any]:
    """The roll-up's only row."""
    (row,) = await replica.fetch(f"SELECT {', '.join(MEASURES)} FROM rollup")  # noqa: S608
    return dict(zip(MEASURES, row, strict=True))


async def test_the_truth_after_an_estimate_is_booked_as_a_difference(
    replica: Replica, traffic: Traffic, spool: UUID
) -> None:
    at = times.now() - timedelta(hours=5)
    truth, estimate = truth_and_estimate(traffic, at)
    await booked(replica, estimate, spool=spool)
    assert (await sums(replica))["estimated"] == 1
    committed = await booked(replica, truth, spool=spool, first=2)
    assert (committed.booked.rows, committed.booked.adjustments, committed.booked.duplicates) == (0, 1, 0)
    rows = await replica.fetch(
        "SELECT kind, adjusts_id, prompt_tokens, completion_tokens, cost, requests, attempts, estimated, unpriced,"
        " date_trunc('milliseconds', started_at) FROM ledger ORDER BY kind"
    )
    row_id = UUID(truth.event_id)
    started = rows[0][-1]
    assert rows == [
        (ROW_KIND_COMPLETION, None, 1_500, None, None, 1, 1, 1, 1, started),
        (ROW_KIND_ADJUSTMENT, row_id, -500, 400, Decimal("0.0123"), 0, 0, -1, -1, started),
    ]
    assert abs(started - at) < timedelta(milliseconds=1)
    assert await replica.discrepancies() == []


async def test_a_correction_carries_the_override_and_the_counts(
    replica: Replica, traffic: Traffic, spool: UUID
) -> None:
    truth, estimate = truth_and_estimate(traffic)
    truth.cost.price_override_id = "override"
    truth.tokens.web_searches, truth.tokens.prompt_image_tokens, estimate.tokens.prompt_image_tokens = 2, 258, 300
    await booked(replica, estimate, spool=spool)
    await booked(replica, truth, spool=spool, first=2)
    rows = await replica.fetch(
        "SELECT kind, price_override_id, web_searches, prompt_image_tokens FROM ledger ORDER BY kind"
    )
    assert rows == [(ROW_KIND_COMPLETION, "", None, 300), (ROW_KIND_ADJUSTMENT, "override", 2, -42)]
    assert await replica.discrepancies() == []


@pytest.mark.parametrize("with_tags", (True, False))
async def test_an_estimate_that_was_corrected_adds_up_to_the_truth(
    replica: Replica, other_replica: Replica, traffic: Traffic, spool: UUID, with_tags: bool
) -> None:
    truth, estimate = truth_and_estimate(traffic)
    if not with_tags:
        truth.started.attribution.ClearField("tags")
        estimate.started.attribution.ClearField("tags")
    await booked(replica, estimate, spool=spool)
    # The replica that learns the truth is not the one that booked the estimate.
    await booked(other_replica, truth, spool=spool, first=2)
    found = await sums(replica)
    assert found == {
        "requests": 1,
        "attempts": 1,
        "failed": 0,
        "estimated": 0,
        "unpriced": 0,
        "prompt_tokens": 1_000,
        "completion_tokens": 400,
        "cached_tokens": truth.tokens.cached_tokens,
        "cache_write_tokens": 0,
        "reasoning_tokens": truth.tokens.reasoning_tokens,
        "cost": Decimal("0.0123"),
        "provider_reported_cost": None,
        "total_us": 2_000_000,
    }
    tagged = await replica.fetch("SELECT tag, value, requests, prompt_tokens FROM tag_rollup WHERE tag = 'team'")
    assert tagged == ([("team", "a", 1, 1_000)] if with_tags else [])
    # The latency became known with the truth.
    assert await replica.fetch("SELECT metric, count, sum_us FROM histogram ORDER BY metric") == [
        (1, 1, 2_000_000),
        (2, 1, 300_000),
    ]


async def test_a_correction_is_booked_once_however_often_the_truth_comes(
    replica: Replica, other_replica: Replica, traffic: Traffic, spool: UUID
) -> None:
    truth, estimate = truth_and_estimate(traffic)
    await booked(replica, estimate, spool=spool)
    await asyncio.gather(
        *(booked(one, truth, spool=spool, first=number) for number in range(2, 6) for one in (replica, other_replica))
    )
    await booked(replica, estimate, spool=spool)
    assert await replica.value("SELECT count(*) FROM ledger") == 2
    assert (await sums(replica))["prompt_tokens"] == 1_000
    assert await replica.discrepancies() == []


async def test_of_an_estimate_and_the_truth_in_one_batch_only_the_truth_is_booked(
    replica: Replica, traffic: Traffic, spool: UUID
) -> None:
    truth, estimate = truth_and_estimate(traffic)
    committed = await booked(replica, estimate, truth, estimate, spool=spool)
    assert (committed.booked.rows, committed.booked.adjustments) == (1, 0)
    assert await replica.value("SELECT state FROM ledger") == LEDGER_STATE_SETTLED


async def test_a_withdrawal_that_postgres_refuses_is_found_among_the_good_ones(
    replica: Replica, traffic: Traffic, spool: UUID
) -> None:
    estimates = [truth_and_estimate(traffic)[1] for _ in range(5)]
    await booked(replica, *estimates, spool=spool)
    withdrawals = [
        CompletionFinished(event_id=one.event_id, started=one.started, outcome=OUTCOME_FAILED, not_dispatched=True)
        for one in estimates
    ]
    withdrawals[3].finish_reason = "cursed"
    await replica.execute("ALTER TABLE ledger ADD CONSTRAINT no_curses CHECK (finish_reason <> 'cursed')")
    committed = await booked(replica, *withdrawals, spool=spool, first=6)
    assert (committed.booked.adjustments, committed.dead_letters) == (4, 1)
    assert committed.watermarks == {spool: 10}
    ((number, reason),) = await replica.fetch("SELECT number, reason FROM dead_letter")
    assert (number, "no_curses" in reason) == (9, True)
    assert await replica.value("SELECT sum(requests)::int FROM rollup") == 1
    assert await replica.discrepancies() == []


async def test_what_is_settled_is_not_corrected(replica: Replica, traffic: Traffic, spool: UUID) -> None:
    truth, estimate = truth_and_estimate(traffic)
    await booked(replica, truth, spool=spool)
    truth.cost.amount.value = "99"
    for number, event in enumerate((truth, estimate), 2):
        committed = await booked(replica, event, spool=spool, first=number)
        assert (committed.booked.adjustments, committed.booked.duplicates) == (0, 1)
    assert (await sums(replica))["cost"] == Decimal("0.0123")


async def test_a_better_estimate_corrects_a_poorer_one_and_the_truth_both(
    replica: Replica, traffic: Traffic, spool: UUID
) -> None:
    truth, estimate = truth_and_estimate(traffic)
    better = CompletionFinished()
    better.CopyFrom(estimate)
    better.tokens.completion_tokens = 380
    better.cost.amount.value = "0.012"
    for number, event in enumerate((estimate, better, better, truth, better), 1):
        await booked(replica, event, spool=spool, first=number)
    ids = await replica.ids()
    assert sorted(ids) == sorted([truth.event_id, *map(str, correction_ids(UUID(truth.event_id)))])
    found = await sums(replica)
    assert (found["cost"], found["completion_tokens"], found["estimated"]) == (Decimal("0.0123"), 400, 0)
    assert await replica.discrepancies() == []
