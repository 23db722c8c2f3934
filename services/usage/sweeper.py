"""Settles attempts whose router never came back as estimates, which are corrected should their true end come."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from asyncpg import Connection

from pantheon.events.v1.completion_pb2 import CompletionEvent, CompletionStarted
from services.runtime import times
from services.runtime.db import Database, driver
from services.runtime.logging import get_logger
from services.usage import metrics
from services.usage.batch import DeadLetter
from services.usage.booking import Booking
from services.usage.entry import Entry
from services.usage.events import Bounds, entry_of, lost
from services.usage.fields import PoisonError
from services.usage.store import attempts, dead_letters, ledger, spools
from services.usage.store.attempts import Overdue

_EVERY_SECONDS = 30.0
_AT_ONCE = 1_000
# No router works on an attempt for so long, however lively its spool: the START is all there is (a disk lost power).
_GIVEN_UP_AFTER = timedelta(hours=24)
# Longer than the stream and any spool keep a START that could still come.
_BURIED_FOR = timedelta(days=30)


class Sweeper:
    """Looks for overdue attempts every half minute. Any number of replicas may."""

    def __init__(
        self, db: Database, booking: Booking, bounds: Callable[[], Bounds], longest_attempt: timedelta
    ) -> None:
        self._db = db
        self._booking = booking
        self._bounds = bounds
        self._longest = longest_attempt

    async def run(self) -> None:
        """Sweeps until cancelled; what fails is tried again the next time."""
        while True:
            try:
                await self.sweep()
            except Exception as error:  # noqa: BLE001 - whatever it is, nothing was settled and the next round tries
                get_logger().warning("usage.sweep_failed", error=repr(error))
            await asyncio.sleep(_EVERY_SECONDS)

    async def sweep(self) -> int:
        """Settles every overdue attempt; returns how many are closed now."""
        now = times.now()
        overdue = Overdue(now - self._longest, self._longest, now - max(_GIVEN_UP_AFTER, self._longest))
        async with self._db.write() as connection:
            raw = await driver(connection)
            await attempts.forget_buried(raw, now - _BURIED_FOR)
            silent = await attempts.overdue_spools(raw, overdue)
        settled = 0
        for spool in silent:
            while part := await self._sweep_spool(spool, overdue):
                settled += part
        return settled

    async def _sweep_spool(self, spool: UUID, overdue: Overdue) -> int:
        async with self._db.read() as connection:
            raw = await driver(connection)
            found = await attempts.overdue_attempts(raw, overdue, spool, _AT_ONCE)
            estimates, letters = await self._estimates(raw, spool, found)
        await self._booking.prepare(list(estimates.values()))
        async with self._db.write() as connection:
            raw = await driver(connection)
            await spools.lock(raw, [spool])
            # Under the lock only what is still open counts: the router may have come back a moment ago.
            still = (await attempts.overdue_attempts(raw, overdue, spool, _AT_ONCE)).keys()
            lost_ones = still & estimates.keys() - await attempts.ended(raw, still)
            booked = await self._booking.book(raw, [estimates[row_id] for row_id in lost_ones])
            for refusal in booked.refused:
                letters[refusal.entry.id] = _letter(spool, found[refusal.entry.id], refusal.reason)
            await dead_letters.keep(raw, [letters[row_id] for row_id in still & letters.keys()])
            closed = still & found.keys()
            await attempts.close(raw, closed)
        if booked.rows:
            metrics.SWEPT.inc(booked.rows)
            get_logger().warning("usage.attempts_swept", spool=str(spool), attempts=booked.rows)
        return len(closed)

    async def _estimates(
        self, connection: Connection, spool: UUID, found: dict[UUID, bytes]
    ) -> tuple[dict[UUID, Entry], dict[UUID, DeadLetter]]:
        """An estimated entry for each START; for one that can't be booked a dead letter."""
        estimates: dict[UUID, Entry] = {}
        letters: dict[UUID, DeadLetter] = {}
        for row_id, started in found.items():
            try:
                estimates[row_id] = self._estimate(started, final=True)
            except PoisonError as error:
                letters[row_id] = _letter(spool, started, str(error))
        for row_id in await _superseded(connection, estimates):
            estimates[row_id] = self._estimate(found[row_id], final=False)
        return estimates, letters

    def _estimate(self, started: bytes, *, final: bool) -> Entry:
        return entry_of(lost(CompletionStarted.FromString(started), final=final), self._bounds())


async def _superseded(connection: Connection, estimates: dict[UUID, Entry]) -> set[UUID]:
    """Those that a later attempt of the same request followed, be it open too or in the ledger: not the final ones."""
    last: dict[UUID, int] = {}
    for entry in estimates.values():
        request = entry.attempt.request_id
        last[request] = max(entry.attempt.attempt_number, last.get(request, 0))
    followed = {
        row_id for row_id, entry in estimates.items() if entry.attempt.attempt_number < last[entry.attempt.request_id]
    }
    return followed | await ledger.with_later_attempt(connection, estimates.values())


def _letter(spool: UUID, started: bytes, reason: str) -> DeadLetter:
    event = CompletionEvent(started=CompletionStarted.FromString(started))
    return DeadLetter(spool, None, reason, event.SerializeToString(deterministic=True))
