"""Entries into the ledger: rows, roll-ups for the new ones, corrections of estimates; poison set apart."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeAlias

import msgspec
from asyncpg import (
    CheckViolationError,
    Connection,
    DataError,
    ForeignKeyViolationError,
    IntegrityConstraintViolationError,
)
from asyncpg.exceptions import ProgramLimitExceededError

from services.usage.adjustment import correction, correction_ids, folded
from services.usage.entry import Entry
from services.usage.periods import QUARTER_MILLISECONDS, bucket_of
from services.usage.store import ledger, rollups
from services.usage.store.partitions import Partitions, month_of
from services.usage.store.series import SeriesIndex
from services.usage.sums import summed

# What Postgres says when it is the value that is wrong, not the connection, the disk or the moment.
_DATA_ERRORS = (DataError, IntegrityConstraintViolationError, ProgramLimitExceededError)


class Refusal(msgspec.Struct, frozen=True):
    """An entry that Postgres does not take, and what it said."""

    entry: Entry
    reason: str


class Booked(msgspec.Struct, frozen=True):
    """What became of a number of entries."""

    rows: int = 0
    adjustments: int = 0
    duplicates: int = 0
    refused: tuple[Refusal, ...] = ()

    def __add__(self, other: "Booked") -> "Booked":
        return Booked(*(one + two for one, two in zip(*map(msgspec.structs.astuple, (self, other)), strict=True)))


_Step: TypeAlias = Callable[[Connection, Sequence[Entry]], Awaitable[Booked]]


class Booking:
    """Books entries in the caller's transaction. `prepare` comes first, outside of it."""

    def __init__(self, series: SeriesIndex, partitions: Partitions) -> None:
        self._series = series
        self._partitions = partitions

    async def prepare(self, entries: Sequence[Entry]) -> None:
        """Makes the partitions and series that these entries need, in transactions of their own."""
        await self._partitions.ensure(_months(entries))
        await self._series.learn([entry.attempt for entry in entries])

    async def book(self, connection: Connection, entries: Sequence[Entry]) -> Booked:
        """Books entries, each id once. What Postgres refuses is found by halving and left out; the rest is booked."""
        return await self._halved(connection, entries, self._book)

    async def withdraw(self, connection: Connection, entries: Sequence[Entry]) -> Booked:
        """Takes back what was booked for attempts that turn out never to have been sent: estimates, if anything.

        What Postgres refuses is left out, as in `book`.
        """
        return await self._halved(connection, entries, self._withdraw)

    async def _halved(self, connection: Connection, entries: Sequence[Entry], step: _Step) -> Booked:
        if not entries:
            return Booked()
        try:
            async with connection.transaction():
                return await step(connection, entries)
        except _DATA_ERRORS as error:
            if _is_stale(error):
                self._partitions.forget()
                self._series.forget()
                raise
            if len(entries) == 1:
                return Booked(refused=(Refusal(entries[0], f"{type(error).__name__}: {error}"),))
        half = len(entries) // 2
        first = await self._halved(connection, entries[:half], step)
        return first + await self._halved(connection, entries[half:], step)

    async def _book(self, connection: Connection, entries: Sequence[Entry]) -> Booked:
        inserted = await ledger.insert(connection, entries)
        repeated = [entry for entry in entries if entry.id not in inserted]
        corrections = await self._corrections(connection, repeated)
        adjusted = await ledger.insert(connection, corrections)
        fresh = [entry for entry in (*entries, *corrections) if entry.id in inserted or entry.id in adjusted]
        await self._add_up(connection, fresh)
        return Booked(len(inserted), len(adjusted), len(repeated) - len(adjusted))

    async def _withdraw(self, connection: Connection, entries: Sequence[Entry]) -> Booked:
        corrections = await self._corrections(connection, entries)
        adjusted = await ledger.insert(connection, corrections)
        await self._add_up(connection, [entry for entry in corrections if entry.id in adjusted])
        return Booked(adjustments=len(adjusted))

    async def _add_up(self, connection: Connection, fresh: Sequence[Entry]) -> None:
        await rollups.add(connection, summed((entry, self._series.id_of(entry.attempt)) for entry in fresh))

    async def _corrections(self, connection: Connection, repeated: Sequence[Entry]) -> list[Entry]:
        if not repeated:
            return []
        estimates = await ledger.estimates(connection, [entry.id for entry in repeated])
        ids = [correction_id for row_id in estimates for correction_id in correction_ids(row_id)]
        made = await ledger.select(connection, ids) if ids else {}
        found = []
        for entry in repeated:
            if entry.id in estimates:
                earlier = [made[row_id] for row_id in correction_ids(entry.id) if row_id in made]
                found.append(correction(folded(estimates[entry.id], earlier), entry))
        corrections = [one for one in found if one is not None]
        await self._series.recall(connection, [one.attempt for one in corrections])
        return corrections


def _is_stale(error: Exception) -> bool:
    """Whether a partition or series is gone that `prepare` knew of, as after a restored backup: no event's fault."""
    # Postgres reports a missing partition as the violation of a check that has no name.
    missing_partition = isinstance(error, CheckViolationError) and not error.constraint_name
    return missing_partition or isinstance(error, ForeignKeyViolationError)


def _months(entries: Sequence[Entry]) -> set[datetime]:
    quarters = {entry.milliseconds // QUARTER_MILLISECONDS for entry in entries}
    return {month_of(bucket_of(quarter * QUARTER_MILLISECONDS)) for quarter in quarters}
