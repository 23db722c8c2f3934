"""Attempts whose router never came back."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from pantheon.events.v1.completion_pb2 import CompletionEvent
from pantheon.usage.v1.ledger_pb2 import LEDGER_STATE_ESTIMATED, OUTCOME_LOST
from services.runtime import times
from services.runtime.ids import uuid7
from tests.fixtures.completion_events import Traffic, message
from tests.integration.usage.running import LONGEST_ATTEMPT, Replica

OVERDUE = LONGEST_ATTEMPT + timedelta(minutes=1)


async def silence(replica: Replica, spool: UUID) -> None:
    """The spool was last heard of an hour ago."""
    await replica.execute("UPDATE spool SET last_seen = now() - interval '1 hour' WHERE id = $1", spool)


async def test_an_overdue_attempt_of_a_silent_spool_is_settled_as_an_estimate(
    replica: Replica, traffic: Traffic, spool: UUID
) -> None:
    started = traffic.started(times.now() - OVERDUE)
    await replica.take(message(spool, 1, [CompletionEvent(started=started)]))
    await silence(replica, spool)
    assert await replica.sweeper.sweep() == 1
    assert await replica.fetch("SELECT id, state, outcome, final, prompt_tokens, cost, total_us FROM ledger") == [
        (UUID(started.finish_id), LEDGER_STATE_ESTIMATED, OUTCOME_LOST, True, 4_000, None, None)
    ]
    assert await replica.fetch("SELECT requests, estimated, unpriced FROM rollup") == [(1, 1, 1)]
    assert await replica.value("SELECT count(*) FROM open_attempt") == 0
    assert await replica.sweeper.sweep() == 0
    assert await replica.discrepancies() == []


@pytest.mark.parametrize(
    ("age", "silent", "swept"),
    (
        (OVERDUE, False, 0),
        (LONGEST_ATTEMPT - timedelta(minutes=1), True, 0),
        (timedelta(hours=23), False, 0),
        (timedelta(hours=25), False, 1),
    ),
)
async def test_an_attempt_that_may_still_run_is_left_alone(
    replica: Replica, traffic: Traffic, spool: UUID, age: timedelta, silent: bool, swept: int
) -> None:
    await replica.take(message(spool, 1, [CompletionEvent(started=traffic.started(times.now() - age))]))
    if silent:
        await silence(replica, spool)
    assert await replica.sweeper.sweep() == swept
    assert await replica.value("SELECT count(*) FROM open_attempt") == 1 - swept


async def test_the_router_that_comes_back_after_all_corrects_the_estimate_once(
    replica: Replica, traffic: Traffic, spool: UUID
) -> None:
    started = traffic.started(times.now() - OVERDUE, model="openai/gpt-4o")
    truth = traffic.finished(started)
    await replica.take(message(spool, 1, [CompletionEvent(started=started)]))
    await silence(replica, spool)
    await replica.sweeper.sweep()
    for _ in range(2):
        await replica.take(message(spool, 2, [CompletionEvent(finished=truth)]))
    assert await replica.value("SELECT count(*) FROM ledger") == 2
    assert await replica.fetch("SELECT requests, attempts, prompt_tokens FROM rollup") == [
        (1, 1, truth.tokens.prompt_tokens)
    ]
    assert await replica.discrepancies() == []


async def test_an_attempt_that_was_never_sent_after_all_counts_for_nothing(
    replica: Replica, traffic: Traffic, spool: UUID
) -> None:
    started = traffic.started(times.now() - OVERDUE)
    finish = traffic.finished(started)
    finish.not_dispatched = True
    await replica.take(message(spool, 1, [CompletionEvent(started=started)]))
    await silence(replica, spool)
    assert await replica.sweeper.sweep() == 1
    for number in (2, 3):
        committed = await replica.take(message(spool, number, [CompletionEvent(finished=finish)]))
        assert committed.booked.adjustments == (number == 2)
    assert await replica.value("SELECT count(*) FROM ledger") == 2
    assert await replica.fetch("SELECT requests, attempts, estimated, unpriced, prompt_tokens, cost FROM rollup") == [
        (0, 0, 0, 0, 0, None)
    ]
    assert await replica.discrepancies() == []


async def test_an_end_that_came_from_another_spool_is_no_loss(replica: Replica, traffic: Traffic, spool: UUID) -> None:
    starts = [traffic.started(times.now() - OVERDUE) for _ in range(2)]
    finishes = [traffic.finished(started) for started in starts]
    finishes[0].not_dispatched = True
    await replica.take(message(uuid7(), 1, [CompletionEvent(finished=finish) for finish in finishes]))
    await replica.take(message(spool, 1, [CompletionEvent(started=started) for started in starts]))
    await silence(replica, spool)
    await replica.sweeper.sweep()
    assert await replica.ids() == [finishes[1].event_id]
    assert await replica.fetch("SELECT FROM open_attempt") == []


async def test_only_the_last_attempt_of_a_request_is_its_final_one(
    replica: Replica, traffic: Traffic, spool: UUID
) -> None:
    at = times.now() - OVERDUE
    first, second, third = (traffic.started(at) for _ in range(3))
    for number, attempt in enumerate((first, second, third), 1):
        attempt.request_id, attempt.attempt_number = first.request_id, number
    retried, alone = traffic.started(at), traffic.started(at)
    after = traffic.started(at)
    after.request_id, after.attempt_number = retried.request_id, 2
    await replica.take(
        message(spool, 1, [CompletionEvent(started=one) for one in (first, second, third, retried, alone)]),
        message(spool, 6, [CompletionEvent(finished=traffic.finished(after))]),
    )
    await silence(replica, spool)
    assert await replica.sweeper.sweep() == 5
    final = {row_id for (row_id,) in await replica.fetch("SELECT id FROM ledger WHERE final")}
    assert final == {UUID(one.finish_id) for one in (third, alone, after)}
    assert await replica.value("SELECT sum(requests)::int FROM rollup") == 3


async def test_a_start_that_cannot_be_booked_does_not_stop_the_others(
    replica: Replica, traffic: Traffic, spool: UUID
) -> None:
    at = times.now() - OVERDUE
    broken, cursed, good = (traffic.started(at) for _ in range(3))
    broken.attribution.project_id = "nothing"
    cursed.target.provider_model_id = "cursed"
    await replica.execute("ALTER TABLE ledger ADD CONSTRAINT no_curses CHECK (provider_model_id <> 'cursed')")
    await replica.take(message(spool, 1, [CompletionEvent(started=one) for one in (broken, cursed, good)]))
    await silence(replica, spool)
    assert await replica.sweeper.sweep() == 3
    assert await replica.ids() == [good.finish_id]
    letters = {CompletionEvent.FromString(payload).started.finish_id: reason for reason, payload in await replica.fetch(
        "SELECT reason, payload FROM dead_letter"
    )}  # fmt: skip
    assert letters.keys() == {broken.finish_id, cursed.finish_id}
    assert letters[broken.finish_id] == "project_id 'nothing' is not a UUID"


async def test_two_replicas_sweep_every_attempt_once(
    replica: Replica, other_replica: Replica, traffic: Traffic
) -> None:
    spools = [uuid7() for _ in range(3)]
    for spool in spools:
        starts = [traffic.started(times.now() - OVERDUE) for _ in range(20)]
        await replica.take(message(spool, 1, [CompletionEvent(started=one) for one in starts]))
        await silence(replica, spool)
    async with asyncio.TaskGroup() as group:
        sweeps = [group.create_task(one.sweeper.sweep()) for one in (replica, other_replica)]
    assert sum(sweep.result() for sweep in sweeps) == 60
    assert await replica.value("SELECT count(*) FROM ledger") == 60
    assert await replica.discrepancies() == []


async def test_never_sent_attempts_are_forgotten_when_no_start_can_come_any_more(
    replica: Replica, traffic: Traffic, spool: UUID
) -> None:
    for number, days in enumerate((29, 31), 1):
        _, finish = traffic.attempt(times.now() - timedelta(days=days))
        finish.finished.not_dispatched = True
        await replica.take(message(spool, number, [finish]))
    await replica.sweeper.sweep()
    assert await replica.value("SELECT count(*) FROM undispatched_attempt") == 1
