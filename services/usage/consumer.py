"""From the stream into the ledger: fetch, commit, acknowledge, tell the routers how far it has come."""

import asyncio
import time
from collections.abc import Callable
from uuid import UUID

from nats.errors import Error as NatsError
from nats.js.errors import Error as JetStreamError

from pantheon.events.v1.progress_pb2 import SpoolProgressed
from pantheon.usage.v1.watermark_pb2 import Watermark
from services.runtime.bus import Bus
from services.runtime.logging import get_logger
from services.runtime.tasks import end
from services.usage import metrics
from services.usage.dead_letter_limit import DeadLetterLimit
from services.usage.events import Bounds
from services.usage.feed import Feed, Haul
from services.usage.ingest import Committed, Ingest

PROGRESS_SUBJECT = "pantheon.progress.v1"
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0


class Consumer:
    """Runs until stopped. Whatever fails, it tries again; only too many dead letters make it give up."""

    def __init__(self, bus: Bus, ingest: Ingest, bounds: Callable[[], Bounds], limit: DeadLetterLimit) -> None:
        self._bus = bus
        self._ingest = ingest
        self._bounds = bounds
        self._limit = limit
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._running = False
        metrics.CONSUMING.set(0)

    @property
    def running(self) -> bool:
        """Whether it consumes: False before it starts, while it fails, and after it gave up."""
        return self._running

    async def run(self) -> None:
        """Consumes until `stop`, or until too much can't be booked."""
        pause = _FIRST_PAUSE_SECONDS
        try:
            while not self._stopping.is_set() and not self._limit.exceeded:
                try:
                    if await self._has_bus():
                        await self._consume()
                except Exception as error:  # noqa: BLE001 - a consumer that dies of one error loses more than it saves
                    # An interruption of work is waited out briefly, however many there were before.
                    pause = _FIRST_PAUSE_SECONDS if self._running else min(pause * 2, _LONGEST_PAUSE_SECONDS)
                    self._failed("usage.consumer_interrupted", error)
                    await self._pause(pause)
        finally:
            self._is_running(now=False)
            self._ended.set()

    async def stop(self, grace: float) -> None:
        """Finishes the batch at hand, acknowledges it, and ends.

        What takes longer than `grace` seconds is given up: it was not acknowledged, so it is delivered again.
        """
        self._stopping.set()
        try:
            async with asyncio.timeout(grace):
                await self._ended.wait()
        except TimeoutError:
            get_logger().warning("usage.consumer_given_up", grace_seconds=grace)

    async def _has_bus(self) -> bool:
        """Waits for NATS, which logs its own absence; False if it is told to stop before."""
        waiting = [asyncio.create_task(wait) for wait in (self._bus.until_connected(), self._stopping.wait())]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end(waiting)
        return not self._stopping.is_set()

    async def _consume(self) -> None:
        feed = await Feed.open(self._bus, self._bounds)
        self._is_running(now=True)
        ahead = asyncio.create_task(feed.next())
        try:
            while True:
                haul = await ahead
                # While Postgres commits this batch, the next one is fetched and read.
                more = not self._stopping.is_set()
                if more:
                    ahead = asyncio.create_task(feed.next())
                if haul is not None and not await self._settle(haul):
                    return
                if not more:
                    return
        finally:
            await end([ahead])
            await feed.close()

    async def _settle(self, haul: Haul) -> bool:
        """Commits, acknowledges and tells; False when that is to be the last."""
        started = time.monotonic()
        committed = await self._commit(haul)
        if committed is None:
            return False
        _count(committed, time.monotonic() - started)
        try:
            for message in haul.messages:
                await message.ack()
            for spool, number in committed.watermarks.items():
                await self._tell(spool, number)
        except (NatsError, JetStreamError) as error:
            # Committed is committed: what is delivered again is found to be there.
            get_logger().warning("usage.acknowledgement_failed", error=repr(error))
        self._limit.count(committed.events, committed.dead_letters)
        if self._limit.exceeded:
            get_logger().error("usage.too_many_dead_letters", consequence="no events are taken until a restart")
            return False
        return True

    async def _commit(self, haul: Haul) -> Committed | None:
        """Tries until it is committed; None if it is told to stop before."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                committed = await self._ingest.commit(haul.batch)
            except Exception as error:  # noqa: BLE001 - whatever it is, the batch is in nobody's hands but ours
                metrics.FAILURES.inc()
                self._failed("usage.commit_failed", error)
            else:
                self._is_running(now=True)
                return committed
            await self._pause(pause)
            if self._stopping.is_set():
                return None
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _tell(self, spool: UUID, number: int) -> None:
        progressed = SpoolProgressed(watermark=Watermark(spool_id=str(spool), committed_through=number))
        await self._bus.nc.publish(f"{PROGRESS_SUBJECT}.{spool}", progressed.SerializeToString())

    def _failed(self, event: str, error: Exception) -> None:
        self._is_running(now=False)
        get_logger().warning(event, error=repr(error))

    def _is_running(self, *, now: bool) -> None:
        if now and not self._running:
            get_logger().info("usage.consumer_running")
        self._running = now
        metrics.CONSUMING.set(now)

    async def _pause(self, seconds: float) -> None:
        """Waits, but not once it is told to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return


def _count(committed: Committed, seconds: float) -> None:
    metrics.BATCH_EVENTS.observe(committed.events)
    metrics.COMMIT_SECONDS.observe(seconds)
    metrics.EVENTS.inc(committed.events)
    metrics.ROWS.labels("completion").inc(committed.booked.rows)
    metrics.ROWS.labels("adjustment").inc(committed.booked.adjustments)
    metrics.DUPLICATES.inc(committed.booked.duplicates)
    metrics.DEAD_LETTERS.inc(committed.dead_letters)
