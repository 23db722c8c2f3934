"""Learns how far the ledger has come, and finds out what JetStream acknowledged and yet lost.

JetStream acknowledges before its disk has the message (it syncs every two minutes), streams get deleted and restored:
an acknowledgement is a hope. What is acknowledged is published again only when it is certain that it will not come:

- the stream was created anew since, or ends before the message;
- the usage consumer's acknowledgement floor has passed the message, or the stream has dropped it, and a watermark
  asked for after that was seen still lacks it. The consumer acknowledges after its commit, so it did not commit it.

That the consumer is slow is no reason: what it has not come to yet, it will come to.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import nats.errors
from nats.aio.msg import Msg
from nats.js.api import StreamInfo
from nats.js.errors import NotFoundError

from pantheon.events.v1.progress_pb2 import SpoolProgressed
from services.router.journal import Journal
from services.router.relay import metrics
from services.router.relay.cancellation import stop_if_cancelled
from services.router.relay.deliveries import Deliveries, Delivery
from services.router.relay.settings import RelaySettings
from services.runtime.bus import COMPLETIONS, Bus
from services.runtime.errors import PantheonError
from services.runtime.logging import get_logger

# Given a spool's id, the number through which the ledger has its records. Raises PantheonError or OSError.
AskWatermark = Callable[[str], Awaitable[int]]

# The durable consumer of the usage service.
USAGE_CONSUMER = "usage"


class Confirmation:
    """Feeds `deliveries` and the journal with the watermark of one spool."""

    def __init__(
        self, journal: Journal, bus: Bus, ask: AskWatermark, deliveries: Deliveries, settings: RelaySettings
    ) -> None:
        self._journal = journal
        self._spool = str(journal.spool.id)
        self._bus = bus
        self._ask = ask
        self._deliveries = deliveries
        self._settings = settings
        self._created: datetime | None = None
        self._stream_doubtful = False
        self._heard_at = time.monotonic()
        self._look_again = asyncio.Event()
        self._gap_open = False
        # Set whenever the watermark has moved.
        self.moved = asyncio.Event()
        # Set whenever something is to be published again.
        self.repeating = asyncio.Event()

    async def on_progress(self, message: Msg) -> None:
        """A message on `pantheon.progress.v1.<spool>`."""
        watermark = SpoolProgressed.FromString(message.data).watermark
        if watermark.spool_id == self._spool:
            self._advance(watermark.committed_through)

    async def ask_watermark(self) -> bool:
        """Asks the usage service where the watermark is; False, with a line in the log, if it can't say."""
        try:
            async with asyncio.timeout(self._settings.ask_timeout):
                self._advance(await self._ask(self._spool))
        except (PantheonError, OSError) as error:
            get_logger().warning("relay.watermark_unknown", spool=self._spool, error=str(error) or "timeout")
            return False
        return True

    async def know_stream(self) -> None:
        """Before publishing: notes which incarnation of the stream will acknowledge, making one where there is none.

        Raises nats.errors.Error.
        """
        if self._created is None or self._stream_doubtful:
            await self._look_at_stream(self._deliveries.acknowledged)

    def doubt_stream(self) -> None:
        """Nobody answers for the stream: it may be gone."""
        self._stream_doubtful = True

    async def run(self) -> None:
        """Looks after what is unconfirmed, until cancelled."""
        pause = self._settings.check_seconds
        while True:
            stop_if_cancelled()
            await self._wait(pause)
            if self._journal.last_number <= self._deliveries.watermark:
                continue
            try:
                await self._check()
                pause = self._settings.check_seconds
            except (nats.errors.Error, OSError) as error:
                get_logger().warning("relay.stream_unknown", spool=self._spool, error=str(error) or "timeout")
                pause = min(2 * pause, self._settings.most_backoff)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._look_again.wait()
        except TimeoutError:
            return
        finally:
            self._look_again.clear()

    async def _check(self) -> None:
        if time.monotonic() - self._heard_at >= self._settings.check_seconds:
            await self.ask_watermark()
        # What is acknowledged from here on may be newer than what the stream says of itself below.
        known = self._deliveries.acknowledged
        if not known or not self._bus.connected:
            return
        stream = await self._look_at_stream(known)
        self._repeat("stream_truncated", self._deliveries.vanished(known, stream.state.last_seq))
        floor = max(await self._ack_floor(), stream.state.first_seq - 1)
        self._gap_open = bool(self._passed_over(known, floor)) and await self.ask_watermark()
        if self._gap_open:
            self._repeat("passed_over", self._passed_over(known, floor))

    async def _look_at_stream(self, known: Sequence[Delivery]) -> StreamInfo:
        try:
            stream = await self._bus.jetstream.stream_info(COMPLETIONS.name)
        except NotFoundError:
            await self._bus.ensure_stream(COMPLETIONS)
            stream = await self._bus.jetstream.stream_info(COMPLETIONS.name)
        if self._created is not None and stream.created != self._created:
            self._repeat("stream_recreated", known)
        self._created = stream.created
        self._stream_doubtful = False
        return stream

    def _passed_over(self, known: Sequence[Delivery], floor: int) -> list[Delivery]:
        return self._deliveries.passed_over(known, floor, self._settings.batch_records)

    def _repeat(self, reason: str, deliveries: Sequence[Delivery]) -> None:
        records = self._deliveries.repeat(deliveries)
        if records:
            metrics.RESENT.labels(reason).inc(records)
            get_logger().warning("relay.repeating", spool=self._spool, reason=reason, records=records)
            self.repeating.set()

    async def _ack_floor(self) -> int:
        try:
            consumer = await self._bus.jetstream.consumer_info(COMPLETIONS.name, USAGE_CONSUMER)
        except NotFoundError:
            return 0
        return consumer.ack_floor.stream_seq if consumer.ack_floor else 0

    def _advance(self, watermark: int) -> None:
        self._heard_at = time.monotonic()
        self._journal.trim(watermark)
        if self._journal.watermark > self._deliveries.watermark:
            self._deliveries.confirm(self._journal.watermark)
            self.moved.set()
            if self._gap_open:
                self._look_again.set()
