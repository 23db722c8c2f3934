"""Batches into the ledger, each event once, whatever the order they come in."""

import random
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import asyncpg
import pytest

from pantheon.events.v1.budget_pb2 import LeaseClosed
from pantheon.events.v1.completion_pb2 import CompletionEvent, CompletionFinished
from pantheon.usage.v1.ledger_pb2 import LEDGER_STATE_SETTLED, OUTCOME_SUCCEEDED
from pantheon.usage.v1.measure_pb2 import TokenUsage
from services.runtime import money, times
from services.runtime.db import driver
from services.runtime.ids import uuid7
from services.usage.messages import ledger_row
from services.usage.store import ledger
from tests.fixtures.completion_events import Message, Traffic, message, messages
from tests.integration.usage.running import RETENTION, Replica, finish_ids


def attempts(traffic: Traffic, number: int) -> list[CompletionEvent]:
    """STARTs and FINISHes of so many attempts, those of ten at a time mixed."""
    events: list[CompletionEvent] = []
    for _ in range(0, number, 10):
        pairs = [traffic.attempt() for _ in range(10)]
        events += [start for start, _ in pairs] + [finish for _, finish in pairs]
    return events


async def test_a_completion_becomes_one_row_with_all_it_says(replica: Replica, traffic: Traffic, spool: UUID) -> None:
    start, finish = traffic.attempt()
    committed = await replica.take(message(spool, 1, [start, finish]))
    assert (committed.events, committed.booked.rows, committed.dead_letters) == (2, 1, 0)
    assert committed.watermarks == {spool: 2}
    event = finish.finished
    ((row_id, model, tags, cost, started_at),) = await replica.fetch(
        "SELECT id, model, tags::text, cost, started_at FROM ledger"
    )
    assert (str(row_id), model) == (event.event_id, event.started.target.model)
    assert (tags != "{}") == bool(event.started.attribution.tags)
    assert cost == (money.from_proto(event.cost.amount) if event.cost.HasField("amount") else None)
    assert abs(started_at - times.now()) < timedelta(minutes=1)
    assert await replica.discrepancies() == []


async def test_what_is_delivered_again_counts_once(replica: Replica, traffic: Traffic, spool: UUID) -> None:
    events = attempts(traffic, 50)
    batch = list(messages(spool, events, [7, 30, 1]))
    first = await replica.take(*batch)
    again = await replica.take(*batch)
    assert (first.booked.rows, again.booked.rows, again.booked.duplicates) == (50, 0, 50)
    assert await replica.ids() == finish_ids(events)
    assert await replica.value("SELECT sum(attempts)::int FROM rollup") == 50
    assert await replica.value("SELECT count(*) FROM open_attempt") == 0
    assert await replica.discrepancies() == []


async def test_the_same_records_cut_otherwise_count_once(replica: Replica, traffic: Traffic, spool: UUID) -> None:
    events = attempts(traffic, 60)
    dice = random.Random(3)
    for cuts in ([50], [13, 1, 40], [3, 5], [120]):
        cut = list(messages(spool, events, cuts))
        dice.shuffle(cut)
        for part in cut[:3], cut[3:]:
            if part:
                await replica.take(*part)
    assert await replica.ids() == finish_ids(events)
    assert await replica.value("SELECT received::text FROM spool") == f"{{[1,{len(events) + 1})}}"
    assert await replica.discrepancies() == []


async def test_the_watermark_waits_for_what_is_missing(replica: Replica, traffic: Traffic, spool: UUID) -> None:
    events = attempts(traffic, 10)
    late, early, middle = (message(spool, first, events[first - 1 : first + 4]) for first in (11, 1, 6))
    assert (await replica.take(late)).watermarks == {spool: 0}
    assert (await replica.take(early)).watermarks == {spool: 5}
    assert (await replica.take(middle)).watermarks == {spool: 15}


async def test_a_start_waits_for_its_finish(replica: Replica, traffic: Traffic, spool: UUID) -> None:
    start, finish = traffic.attempt()
    await replica.take(message(spool, 1, [start]))
    assert await replica.value("SELECT count(*) FROM open_attempt") == 1
    await replica.take(message(spool, 2, [finish]))
    assert await replica.value("SELECT count(*) FROM open_attempt") == 0


@pytest.mark.parametrize("dispatched", (True, False))
async def test_a_start_that_comes_after_its_finish_is_not_open(
    replica: Replica, traffic: Traffic, spool: UUID, dispatched: bool
) -> None:
    start, finish = traffic.attempt()
    finish.finished.not_dispatched = not dispatched
    await replica.take(message(spool, 2, [finish]))
    await replica.take(message(spool, 1, [start]))
    assert await replica.value("SELECT count(*) FROM open_attempt") == 0
    assert await replica.value("SELECT count(*) FROM ledger") == int(dispatched)


async def test_an_attempt_that_was_never_sent_leaves_no_row(replica: Replica, traffic: Traffic, spool: UUID) -> None:
    start, finish = traffic.attempt()
    finish.finished.not_dispatched = True
    await replica.take(message(spool, 1, [start]))
    committed = await replica.take(message(spool, 2, [finish]))
    assert committed.watermarks == {spool: 2}
    assert await replica.fetch("SELECT FROM ledger UNION ALL SELECT FROM open_attempt") == []


async def test_an_unknown_cost_is_null_and_counted_beside_the_known_sum(
    replica: Replica, traffic: Traffic, spool: UUID
) -> None:
    caller = traffic.callers[0]
    priced, unpriced = (
        traffic.finished(traffic.started(caller=caller, model=model)) for model in ("openai/gpt-4o", "acme/unheard-of")
    )
    priced.cost.amount.value = "0.000000000000000000012345"
    unpriced.ClearField("cost")
    await replica.take(message(spool, 1, [CompletionEvent(finished=one) for one in (priced, unpriced)]))
    rows = await replica.fetch(
        "SELECT model, cost, unpriced FROM rollup JOIN series ON series.id = series_id ORDER BY model"
    )
    assert rows == [("acme/unheard-of", None, 1), ("openai/gpt-4o", Decimal("0.000000000000000000012345"), 0)]


async def test_the_override_and_every_count_survive_to_the_row(replica: Replica, traffic: Traffic, spool: UUID) -> None:
    event = traffic.finished(traffic.started(model="openai/gpt-4o"))
    event.outcome, event.state = OUTCOME_SUCCEEDED, LEDGER_STATE_SETTLED
    event.cost.price_override_id = str(uuid7())
    for number, count in enumerate(TokenUsage.DESCRIPTOR.fields, 1):
        setattr(event.tokens, count.name, number)
    await replica.take(message(spool, 1, [CompletionEvent(finished=event)]))

    async with replica.db.read() as connection:
        (entry,) = (await ledger.select(await driver(connection), [UUID(event.event_id)])).values()
    row = ledger_row(entry)
    assert (row.tokens, row.cost) == (event.tokens, event.cost)
    assert await replica.discrepancies() == []


async def test_partitions_are_made_for_what_comes_late(replica: Replica, traffic: Traffic, spool: UUID) -> None:
    old = times.now() - timedelta(days=200)
    _, finish = traffic.attempt(old)
    await replica.take(message(spool, 1, [finish]))
    assert await replica.ids() == [finish.finished.event_id]
    assert await replica.value("SELECT tableoid::regclass::text FROM ledger") == f"ledger_{old:%Y_%m}"


async def test_what_is_too_old_or_from_the_future_is_a_dead_letter(
    replica: Replica, traffic: Traffic, spool: UUID
) -> None:
    ancient, good, future = (
        traffic.attempt(times.now() + shift)[1]
        for shift in (-RETENTION - timedelta(days=1), timedelta(hours=23), timedelta(hours=25))
    )
    committed = await replica.take(message(spool, 1, [ancient, good, future]))
    assert (committed.dead_letters, committed.watermarks) == (2, {spool: 3})
    assert await replica.ids() == [good.finished.event_id]
    letters = await replica.fetch("SELECT number, reason, payload FROM dead_letter ORDER BY number")
    assert [(number, reason) for number, reason, _ in letters] == [
        (1, "older than the ledger's retention"),
        (3, "more than a day in the future"),
    ]
    assert CompletionEvent.FromString(letters[0][2]) == ancient


async def test_a_poison_event_is_set_aside_and_the_others_are_booked(
    replica: Replica, traffic: Traffic, spool: UUID
) -> None:
    events = attempts(traffic, 20)
    broken = events[15].finished
    broken.started.attribution.user_id = "somebody"
    unknown = CompletionEvent()
    committed = await replica.take(message(spool, 1, [*events, unknown]))
    assert (committed.booked.rows, committed.dead_letters) == (19, 2)
    assert committed.watermarks == {spool: 41}
    assert broken.event_id not in await replica.ids()
    assert await replica.fetch("SELECT number, reason FROM dead_letter ORDER BY number") == [
        (16, "user_id 'somebody' is not a UUID"),
        (41, "an event of a kind this version does not know"),
    ]
    # Delivered again it is still one letter.
    await replica.take(message(spool, 1, [*events, unknown]))
    assert await replica.value("SELECT count(*) FROM dead_letter") == 2


async def test_an_event_that_postgres_refuses_is_found_among_the_good_ones(
    replica: Replica, traffic: Traffic, spool: UUID
) -> None:
    events = attempts(traffic, 50)
    cursed = [finish.finished for finish in events if finish.HasField("finished")][17:19]
    for finish in cursed:
        finish.served_model = "cursed"
    await replica.execute("ALTER TABLE ledger ADD CONSTRAINT no_curses CHECK (served_model <> 'cursed')")
    committed = await replica.take(message(spool, 1, events))
    assert (committed.booked.rows, committed.dead_letters) == (48, 2)
    assert committed.watermarks == {spool: 100}
    reasons = await replica.fetch("SELECT reason FROM dead_letter")
    assert all("CheckViolationError" in reason and "no_curses" in reason for (reason,) in reasons)
    assert not {finish.event_id for finish in cursed} & set(await replica.ids())
    # The attempts are not closed by what could not be booked: they end as estimates.
    assert await replica.value("SELECT count(*) FROM open_attempt") == 2
    assert await replica.discrepancies() == []


async def test_a_message_that_cannot_be_read_is_kept_whole(replica: Replica, traffic: Traffic, spool: UUID) -> None:
    start, finish = traffic.attempt()
    good = message(spool, 3, [start, finish])
    undecodable = message(spool, 1, [start, finish])
    undecodable = Message(undecodable.subject, undecodable.headers, b"\xff\xff\xff")
    headerless = Message(good.subject, {}, good.payload)
    miscounted = Message(good.subject, {**good.headers, "Pantheon-Last": "9"}, good.payload)
    committed = await replica.take(undecodable, headerless, miscounted, good)
    assert (committed.booked.rows, committed.dead_letters) == (1, 3)
    # What can never be read counts as received, or it would be sent again for ever.
    assert committed.watermarks == {spool: 9}
    letters = await replica.fetch("SELECT spool_id, number, payload FROM dead_letter ORDER BY reason")
    assert letters == [(spool, 3, good.payload), (None, None, good.payload), (spool, 1, b"\xff\xff\xff")]


async def test_records_that_book_nothing_count_as_received(replica: Replica, spool: UUID) -> None:
    closed = CompletionEvent(lease_closed=LeaseClosed(lease_id=str(uuid7())))
    committed = await replica.take(message(spool, 1, [closed]))
    assert (committed.watermarks, committed.dead_letters) == ({spool: 1}, 0)


async def test_a_restored_backup_is_filled_again_by_the_next_try(
    replica: Replica, traffic: Traffic, spool: UUID
) -> None:
    start, finish = traffic.attempt()
    whole = message(spool, 1, [start, finish])
    await replica.take(whole)
    await replica.execute("TRUNCATE ledger, series, rollup, tag_rollup, histogram, spool, open_attempt")
    # The replica still knows a series that is gone; that is no fault of the event's.
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await replica.take(whole)
    assert (await replica.take(whole)).watermarks == {spool: 2}
    assert await replica.ids() == [finish.finished.event_id]
    assert await replica.fetch("SELECT FROM dead_letter") == []
    assert await replica.discrepancies() == []


async def test_text_that_postgres_cannot_hold_costs_no_booking(replica: Replica, traffic: Traffic, spool: UUID) -> None:
    event: CompletionFinished = traffic.finished()
    event.served_model = "mo\0del"
    event.started.attribution.tags["te\0am"] = "\0"
    committed = await replica.take(message(spool, 1, [CompletionEvent(finished=event)]))
    assert (committed.booked.rows, committed.dead_letters) == (1, 0)
    assert await replica.value("SELECT served_model FROM ledger") == "mo\ufffddel"
    assert await replica.discrepancies() == []
