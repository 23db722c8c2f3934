"""A usage service for the relay's tests: a real consumer of the real stream, and a ledger in memory."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig

from pantheon.events.v1.completion_pb2 import CompletionBatch
from pantheon.events.v1.progress_pb2 import SpoolProgressed
from services.router.relay import RelaySettings
from services.runtime.bus import COMPLETIONS, Bus
from services.runtime.errors import DependencyUnavailable
from services.runtime.tasks import end

HASTY = RelaySettings(
    pace=0.005,
    publish_timeout=0.5,
    least_backoff=0.02,
    most_backoff=0.2,
    check_seconds=0.1,
    ask_timeout=0.5,
    first_ask_seconds=0.3,
    drain_ask_seconds=0.05,
    adopt_seconds=0.1,
)


class Ledger:
    """What a usage service has committed, and how it may misbehave.

    Attributes:
        message_ids: `Nats-Msg-Id` of each message consumed, in order.
        received: how often each (spool, number) came.
    """

    def __init__(self, bus: Bus) -> None:
        self.message_ids: list[str] = []
        self.received: Counter[tuple[str, int]] = Counter()
        # Consume nothing while not set.
        self.consuming = asyncio.Event()
        self.consuming.set()
        # Acknowledge so many of the next messages without having committed them.
        self.forgetting = 0
        self.answering = True
        self.publishing = True
        self._bus = bus
        self._numbers: dict[str, set[int]] = {}

    def numbers(self, spool: object) -> list[int]:
        """The committed records of the spool."""
        return sorted(self._numbers.get(str(spool), ()))

    async def watermark(self, spool: str) -> int:
        """What GetWatermark answers."""
        if not self.answering:
            raise DependencyUnavailable("usage")
        return self._watermark(spool)

    def _watermark(self, spool: str) -> int:
        numbers, watermark = self._numbers.get(spool, set()), 0
        while watermark + 1 in numbers:
            watermark += 1
        return watermark

    async def consume(self) -> None:
        """Runs until cancelled, through every loss of the connection, the stream or the consumer."""
        while True:
            with contextlib.suppress(nats.errors.Error, TimeoutError):
                # What was fetched and not acknowledged, because the connection broke, is to come again soon.
                config = ConsumerConfig(ack_wait=1)
                subscription = await self._bus.jetstream.pull_subscribe(
                    "pantheon.completions.v1.>", durable="usage", stream=COMPLETIONS.name, config=config
                )
                try:
                    await self._consume(subscription)
                finally:
                    await subscription.unsubscribe()
            await asyncio.sleep(HASTY.least_backoff)

    async def _consume(self, subscription: JetStreamContext.PullSubscription) -> None:
        while True:
            await self.consuming.wait()
            try:
                messages = await subscription.fetch(50, timeout=0.2)
            except TimeoutError:
                # Nothing came; or the consumer is gone, which this raises an error for.
                await subscription.consumer_info()
                continue
            for message in messages:
                await self.consuming.wait()
                await self._commit(message)

    async def _commit(self, message: Msg) -> None:
        headers = message.headers or {}
        spool, first, last = (headers[f"Pantheon-{name}"] for name in ("Spool", "First", "Last"))
        covered = range(int(first), int(last) + 1)
        assert len(CompletionBatch.FromString(message.data).events) == len(covered)
        self.message_ids.append(headers["Nats-Msg-Id"])
        self.received.update((spool, number) for number in covered)
        if self.forgetting:
            self.forgetting -= 1
        else:
            self._numbers.setdefault(spool, set()).update(covered)
        await message.ack_sync(timeout=1)
        if self.publishing:
            progress = SpoolProgressed()
            progress.watermark.spool_id = spool
            progress.watermark.committed_through = self._watermark(spool)
            await self._bus.nc.publish(f"pantheon.progress.v1.{spool}", progress.SerializeToString())


@asynccontextmanager
async def consuming(bus: Bus) -> AsyncIterator[Ledger]:
    """A ledger that consumes inside the block."""
    ledger = Ledger(bus)
    await bus.ensure_stream(COMPLETIONS)
    task = asyncio.create_task(ledger.consume())
    try:
        yield ledger
        assert not task.done()
    finally:
        await end([task])
