"""Publishes a spool's durable records to JetStream until the ledger has them."""

import asyncio
import contextlib
import secrets
import time

import nats.errors
from nats.js.errors import NoStreamResponseError

from services.router.journal import Journal
from services.router.relay import metrics
from services.router.relay.batch import batch_headers, encode_batch
from services.router.relay.cancellation import stop_if_cancelled
from services.router.relay.confirmation import AskWatermark, Confirmation
from services.router.relay.deliveries import Deliveries, Due
from services.router.relay.settings import RelaySettings
from services.runtime.bus import COMPLETIONS, Bus
from services.runtime.logging import get_logger

# What headers and the batch's own framing may add to the records.
_ENVELOPE_BYTES = 8 * 1024


class Relay:
    """The relay of one spool. `run` does the work; `drained` waits for it.

    A message holds one contiguous range. When none is in flight the next goes out at once; else what gathers meanwhile
    goes as one, so a quiet router adds no delay and a busy one pays almost nothing per record.
    """

    def __init__(self, journal: Journal, bus: Bus, ask: AskWatermark, settings: RelaySettings | None = None) -> None:
        self._journal = journal
        self._spool = str(journal.spool.id)
        self._bus = bus
        self._settings = settings or RelaySettings()
        self._deliveries = Deliveries(journal.watermark)
        self._confirmation = Confirmation(journal, bus, ask, self._deliveries, self._settings)
        # Set whenever there may be something to publish.
        self._wake = self._confirmation.repeating
        self._failures = 0
        self._not_before = 0.0
        journal.watch(self._wake.set)
        metrics.UNCONFIRMED.labels(self._spool).set_function(lambda: self.unconfirmed)

    @property
    def unconfirmed(self) -> int:
        """Records not known to be in the ledger."""
        return self._journal.last_number - self._deliveries.watermark

    async def run(self) -> None:
        """Publishes, until cancelled. Outlasts whatever NATS and the usage service do."""
        async with self._bus.listening(f"pantheon.progress.v1.{self._spool}", self._confirmation.on_progress):
            await self._ask_first()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._confirmation.run())
                await self._publish(tasks)

    async def drained(self, timeout: float) -> bool:
        """Waits until the ledger has every record written so far and meanwhile; False when it takes too long."""
        moved = self._confirmation.moved
        try:
            async with asyncio.timeout(timeout):
                while self.unconfirmed:
                    moved.clear()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._settings.drain_ask_seconds):
                            await moved.wait()
                            continue
                    await self._confirmation.ask_watermark()
                    stop_if_cancelled()
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Forgets the spool; `run` has ended."""
        metrics.UNCONFIRMED.remove(self._spool)

    async def _ask_first(self) -> None:
        """What the ledger has of an earlier process's records need not be sent again."""
        deadline = time.monotonic() + self._settings.first_ask_seconds
        while self.unconfirmed and not await self._confirmation.ask_watermark():
            stop_if_cancelled()
            if time.monotonic() >= deadline:
                return
            await asyncio.sleep(self._settings.drain_ask_seconds)

    async def _publish(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            stop_if_cancelled()
            self._wake.clear()
            self._deliveries.offer(self._journal.durable_number)
            due = self._next()
            if due is None:
                await self._wake.wait()
                continue
            wait = self._not_before - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
                continue
            if not self._bus.connected:
                await self._bus.until_connected()
                continue
            await self._send(due, tasks)

    def _next(self) -> Due | None:
        due = self._deliveries.due()
        in_flight = self._deliveries.in_flight
        if due is None or in_flight >= self._settings.most_in_flight:
            return None
        full = due.last - due.first + 1 >= self._settings.batch_records
        return due if full or not in_flight else None

    async def _send(self, due: Due, tasks: asyncio.TaskGroup) -> None:
        """Puts as much of `due` on its way as one message takes."""
        most_records = min(due.last - due.first + 1, self._settings.batch_records)
        most_bytes = min(self._settings.batch_bytes, self._bus.nc.max_payload - _ENVELOPE_BYTES)
        try:
            await self._confirmation.know_stream()
            records = await self._journal.read(due.first, most_bytes, most_records)
        except (nats.errors.Error, OSError) as error:
            self._back_off(error)
            return
        # The watermark may have moved while the disk was read.
        records = [record for record in records if record[0] > self._deliveries.watermark]
        if not records:
            return
        flight = Due(records[0][0], records[-1][0], due.repeated)
        self._deliveries.sent(flight.first, flight.last)
        self._not_before = max(self._not_before, time.monotonic() + self._settings.pace)
        tasks.create_task(self._fly(flight, [payload for _, payload in records]))

    async def _fly(self, flight: Due, payloads: list[bytes]) -> None:
        again = secrets.token_hex(4) if flight.repeated else ""
        try:
            stored = await self._bus.jetstream.publish(
                f"pantheon.completions.v1.{self._spool}",
                encode_batch(payloads),
                timeout=self._settings.publish_timeout,
                stream=COMPLETIONS.name,
                headers=batch_headers(self._spool, flight.first, flight.last, again),
            )
        except (nats.errors.Error, OSError) as error:
            if isinstance(error, NoStreamResponseError):
                self._confirmation.doubt_stream()
            self._deliveries.fail(flight)
            metrics.RESENT.labels("unacknowledged").inc(len(payloads))
            self._back_off(error)
        else:
            self._deliveries.acknowledge(flight.first, flight.last, stored.seq)
            self._failures = 0
            metrics.BATCH_RECORDS.observe(len(payloads))
        self._wake.set()

    def _back_off(self, error: Exception) -> None:
        pause = min(self._settings.least_backoff * 2**self._failures, self._settings.most_backoff)
        self._failures = min(self._failures + 1, 16)
        self._not_before = time.monotonic() + pause
        get_logger().warning("relay.not_published", spool=self._spool, error=str(error) or "timeout", retry_in=pause)
