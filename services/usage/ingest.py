"""One batch, one transaction: ledger rows, roll-ups, open attempts, dead letters and spool ranges, or none of them."""

from collections.abc import Iterator, Mapping
from uuid import UUID

import msgspec
from asyncpg import Connection

from services.runtime.db import Database, driver
from services.usage.batch import Arrival, Batch, DeadLetter, Start
from services.usage.booking import Booked, Booking
from services.usage.entry import Entry
from services.usage.store import attempts, dead_letters, spools


class Committed(msgspec.Struct, frozen=True):
    """What a committed batch came to."""

    events: int
    booked: Booked
    dead_letters: int
    watermarks: dict[UUID, int]
    """Spool to the number up to which the ledger has all its records."""


class Ingest:
    """Commits batches. Any number of replicas may, in any order."""

    def __init__(self, db: Database, booking: Booking) -> None:
        self._db = db
        self._booking = booking

    async def commit(self, batch: Batch) -> Committed:
        """Books a batch.

        Raises whatever keeps Postgres from committing; then the batch is to be tried again, which is safe even if it
        was committed after all. Events that are themselves at fault do not raise: they end as dead letters.
        """
        entries = [entry for entry, _ in batch.finishes.values()]
        await self._booking.prepare(entries)
        async with self._db.write() as connection:
            raw = await driver(connection)
            greatest = await spools.lock(raw, batch.spools())
            booked = await self._booking.book(raw, entries)
            withdrawn = await self._booking.withdraw(raw, [entry for entry, _ in batch.undispatched.values()])
            letters = [
                *batch.letters,
                *_refused(booked, batch.finishes),
                *_refused(withdrawn, batch.undispatched),
            ]
            # What ended and can't be booked is left open, to end as an estimate; what was never sent must not.
            ended = batch.undispatched.keys() | batch.finishes.keys() - {one.entry.id for one in booked.refused}
            await attempts.keep(raw, await _still_open(raw, batch, ended, greatest))
            await attempts.close(raw, ended)
            await attempts.bury(raw, batch.undispatched)
            await dead_letters.keep(raw, letters)
            watermarks = await spools.extend(raw, batch.ranges)
        return Committed(batch.size, booked + withdrawn, len(letters), watermarks)


def _refused(booked: Booked, arrivals: Mapping[UUID, tuple[Entry, Arrival]]) -> Iterator[DeadLetter]:
    return (arrivals[refusal.entry.id][1].letter(refusal.reason) for refusal in booked.refused)


async def _still_open(connection: Connection, batch: Batch, ended: set[UUID], greatest: dict[UUID, int]) -> list[Start]:
    """The STARTs of the batch whose FINISH has not come, neither in this batch nor before.

    A FINISH has a greater number than its START. So only STARTs that come out of order, or again, need to be looked up.
    """
    starts = [start for row_id, start in batch.starts.items() if row_id not in ended]
    late = {start.finish_id for start in starts if start.arrival.number <= greatest[start.arrival.spool]}
    ended_before = await attempts.ended(connection, late)
    return [start for start in starts if start.finish_id not in ended_before]
