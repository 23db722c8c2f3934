"""From the stream into the ledger, whatever happens on the way."""

import asyncio
import random
from uuid import UUID

import pytest

from pantheon.events.v1.completion_pb2 import CompletionEvent
from pantheon.events.v1.progress_pb2 import SpoolProgressed
from pantheon.usage.v1.ledger_pb2 import LEDGER_STATE_UNSPECIFIED
from services.local.nats import LocalNats
from services.runtime.bus import COMPLETIONS, Bus
from services.runtime.ids import uuid7
from services.usage.dead_letter_limit import DeadLetterLimit
from tests.fixtures.completion_events import Traffic, messages
from tests.fixtures.eventually import eventually
from tests.integration.usage.running import Replica, consumer_info, consuming, finish_ids, publish, settled


def attempts(traffic: Traffic, number: int) -> list[CompletionEvent]:
    """STARTs of attempts, then their FINISHes."""
    pairs = [traffic.attempt() for _ in range(number)]
    return [start for start, _ in pairs] + [finish for _, finish in pairs]


async def progress_of(bus: Bus, spool: UUID, until: int) -> list[int]:
    """The watermarks published for a spool, until this one comes. Subscribed when this is awaited first."""
    found: list[int] = []
    subscription = await bus.nc.subscribe(f"pantheon.progress.v1.{spool}")
    await bus.nc.flush()
    while until not in found:
        message = await subscription.next_msg(timeout=20)
        progressed = SpoolProgressed.FromString(message.data)
        assert progressed.watermark.spool_id == str(spool)
        found.append(progressed.watermark.committed_through)
    return found


async def test_what_is_published_is_booked_acknowledged_and_told(
    replica: Replica, bus: Bus, traffic: Traffic, spool: UUID
) -> None:
    events = attempts(traffic, 100)
    told = asyncio.create_task(progress_of(bus, spool, until=200))
    async with consuming(replica, bus) as consumer:
        await eventually(lambda: consumer.running)
        await publish(bus, messages(spool, events, [10, 40]))
        numbers = await told
        await settled(bus)
    assert numbers == sorted(numbers)
    assert await replica.ids() == finish_ids(events)
    assert await replica.discrepancies() == []


async def test_two_replicas_at_once_book_everything_once(
    replica: Replica, other_replica: Replica, bus: Bus, traffic: Traffic
) -> None:
    dice = random.Random(5)
    spools = {uuid7(): attempts(traffic, 150) for _ in range(4)}
    parts = [part for spool, events in spools.items() for part in messages(spool, events, [9, 30, 2])]
    # Some are sent again, cut otherwise, and all of them in any order.
    parts += [part for spool, events in spools.items() for part in list(messages(spool, events, [20]))[3:6]]
    dice.shuffle(parts)
    async with consuming(replica, bus), consuming(other_replica, bus):
        await publish(bus, parts)
        await settled(bus)
    assert await replica.ids() == finish_ids([event for events in spools.values() for event in events])
    assert await replica.fetch("SELECT committed_through FROM spool") == [(300,)] * 4
    assert await replica.value("SELECT count(*) FROM open_attempt") == 0
    assert await replica.discrepancies() == []


async def test_too_many_dead_letters_stop_the_consumer(
    replica: Replica, bus: Bus, traffic: Traffic, spool: UUID
) -> None:
    events = attempts(traffic, 100)
    for event in events[100:111]:
        event.finished.state = LEDGER_STATE_UNSPECIFIED
    async with consuming(replica, bus, DeadLetterLimit(window=100, share=0.05)) as consumer:
        await publish(bus, messages(spool, events, [200]))
        await settled(bus)
        await eventually(lambda: not consumer.running)
        await publish(bus, messages(uuid7(), attempts(traffic, 1), [2]))
    info = await consumer_info(bus)
    assert info is not None
    assert info.num_pending == 1
    assert await replica.value("SELECT count(*) FROM dead_letter") == 11
    assert await replica.value("SELECT count(*) FROM ledger") == 89


async def test_a_stream_that_is_gone_is_made_again_and_consumed(
    replica: Replica, bus: Bus, traffic: Traffic, spool: UUID
) -> None:
    async with consuming(replica, bus) as consumer:
        await eventually(lambda: consumer.running)
        await bus.jetstream.delete_stream(COMPLETIONS.name)
        await eventually(lambda: consumer_info(bus), timeout=20)
        await publish(bus, messages(spool, attempts(traffic, 5), [10]))
        await settled(bus)
        assert consumer.running
    assert await replica.value("SELECT count(*) FROM ledger") == 5


async def test_a_nats_that_was_away_is_consumed_again(
    replica: Replica, bus: Bus, own_nats: LocalNats, traffic: Traffic, spool: UUID
) -> None:
    events = attempts(traffic, 20)
    first, second = list(messages(spool, events, [20]))
    async with consuming(replica, bus):
        await publish(bus, [first])
        await settled(bus)
        assert await replica.value("SELECT committed_through FROM spool") == 20
        await own_nats.kill()
        await own_nats.start()
        await eventually(lambda: bus.connected)
        await publish(bus, [second])
        # Acknowledgements may have died with the server, so what is booked is what counts.
        await eventually(lambda: replica.value("SELECT count(*) = 20 FROM ledger"))
    assert await replica.ids() == finish_ids(events)
    assert await replica.discrepancies() == []


async def test_stopping_finishes_the_batch_and_leaves_the_rest_to_others(
    replica: Replica, other_replica: Replica, bus: Bus, traffic: Traffic, spool: UUID
) -> None:
    events = attempts(traffic, 2_000)
    async with consuming(replica, bus):
        await publish(bus, messages(spool, events, [10]))
        await eventually(lambda: replica.value("SELECT count(*) FROM spool"))
    # What was fetched was committed and acknowledged: nobody has to wait for it to be delivered again.
    await eventually(lambda: nothing_out(bus), timeout=5)
    async with consuming(other_replica, bus):
        await settled(bus)
    assert await replica.ids() == finish_ids(events)
    assert await replica.discrepancies() == []


async def nothing_out(bus: Bus) -> bool:
    info = await consumer_info(bus)
    return info is not None and info.num_ack_pending == 0


@pytest.fixture
def traffic() -> Traffic:
    return Traffic(seed=11, users=3)
