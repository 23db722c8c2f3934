"""What one replica fetched and did not book goes to the next one at once."""

import asyncio
from uuid import UUID

import pytest

from services.runtime.bus import Bus
from services.usage.feed import Feed
from tests.fixtures.completion_events import Traffic, messages
from tests.integration.usage.running import bounds, publish

SOON_SECONDS = 10  # half the time after which NATS would deliver again what nobody acknowledged


async def feed_of_small_batches(bus: Bus) -> Feed:
    feed = await Feed.open(bus, bounds)
    feed.most_events = 20
    return feed


@pytest.mark.parametrize("booked", (True, False))
async def test_what_a_closed_feed_has_left_is_delivered_again_at_once(
    bus: Bus, traffic: Traffic, spool: UUID, booked: bool
) -> None:
    events = [event for _ in range(60) for event in traffic.attempt()]
    first = await feed_of_small_batches(bus)
    await publish(bus, messages(spool, events, [10]))
    # It can't know before how big the messages are: it fetches all, and a batch takes two.
    haul = await first.next()
    assert haul is not None
    assert len(haul.messages) == 2
    if booked:
        for message in haul.messages:
            await message.ack()
    await first.close()

    second = await feed_of_small_batches(bus)
    expected = 10 if booked else 12
    found: list[int] = []
    async with asyncio.timeout(SOON_SECONDS):
        while len(found) < expected:
            if more := await second.next():
                found += [one.first for one in more.batch.ranges]
                for message in more.messages:
                    await message.ack()
    assert sorted(found) == list(range(1, 121, 10))[-expected:]
    await second.close()


async def test_a_feed_whose_connection_is_gone_can_be_closed(bus: Bus, traffic: Traffic, spool: UUID) -> None:
    feed = await feed_of_small_batches(bus)
    await publish(bus, messages(spool, [event for _ in range(20) for event in traffic.attempt()], [10]))
    assert await feed.next()
    await bus.close()
    await feed.close()
