"""Attempts that began and have not ended, as far as is known."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from asyncpg import Connection

from services.runtime.ids import uuid7_floor
from services.usage.batch import Start
from services.usage.store import ledger

_OPEN = """
    INSERT INTO open_attempt (finish_id, spool_id, started)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bytea[]) ON CONFLICT DO NOTHING
"""
_CLOSE = "DELETE FROM open_attempt WHERE finish_id = ANY($1)"
_BURY = "INSERT INTO undispatched_attempt (finish_id) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING"
_BURIED = "SELECT finish_id FROM undispatched_attempt WHERE finish_id = ANY($1)"
_FORGET = "DELETE FROM undispatched_attempt WHERE finish_id < $1"
# Overdue: older than the longest attempt while the spool is silent, or so old that no router can still be at it.
_IS_OVERDUE = "finish_id < $1 AND (last_seen < now() - $2::interval OR finish_id < $3)"
_OVERDUE_SPOOLS = f"""
    SELECT DISTINCT spool_id FROM open_attempt JOIN spool ON spool.id = spool_id
    WHERE {_IS_OVERDUE} ORDER BY spool_id
"""  # noqa: S608 - made of constants, as below
_OVERDUE = f"""
    SELECT finish_id, started FROM open_attempt JOIN spool ON spool.id = spool_id
    WHERE {_IS_OVERDUE} AND spool_id = $4 ORDER BY finish_id LIMIT $5
"""  # noqa: S608


class Overdue(msgspec.Struct, frozen=True):
    """Which open attempts are to be settled as estimates."""

    started_before: datetime
    """Of a silent spool: those that began before this."""
    silence: timedelta
    """A spool not heard of for so long is silent."""
    given_up_before: datetime
    """Of any spool: those that began before this."""

    def parameters(self) -> tuple[UUID, timedelta, UUID]:
        """For the statements here."""
        return uuid7_floor(self.started_before), self.silence, uuid7_floor(self.given_up_before)


async def keep(connection: Connection, starts: Iterable[Start]) -> None:
    """Keeps STARTs until their FINISH comes."""
    rows = [(start.finish_id, start.arrival.spool, start.arrival.event.started.SerializeToString()) for start in starts]
    if rows:
        await connection.execute(_OPEN, *zip(*sorted(rows), strict=True))


async def close(connection: Connection, finish_ids: Collection[UUID]) -> None:
    """Forgets STARTs whose FINISH came."""
    if finish_ids:
        await connection.execute(_CLOSE, finish_ids)


async def bury(connection: Connection, finish_ids: Collection[UUID]) -> None:
    """Remembers FINISHes that leave no ledger row, so that a START that comes later is not taken for open."""
    if finish_ids:
        await connection.execute(_BURY, sorted(finish_ids))


async def ended(connection: Connection, finish_ids: Collection[UUID]) -> set[UUID]:
    """Which of these FINISHes have come."""
    if not finish_ids:
        return set()
    buried = await connection.fetch(_BURIED, list(finish_ids))
    return {record["finish_id"] for record in buried} | await ledger.present(connection, finish_ids)


async def overdue_spools(connection: Connection, overdue: Overdue) -> list[UUID]:
    """The spools that have overdue attempts."""
    return [record["spool_id"] for record in await connection.fetch(_OVERDUE_SPOOLS, *overdue.parameters())]


async def overdue_attempts(connection: Connection, overdue: Overdue, spool: UUID, most: int) -> dict[UUID, bytes]:
    """The overdue attempts of a spool, the oldest: FINISH id to the serialised CompletionStarted."""
    records = await connection.fetch(_OVERDUE, *overdue.parameters(), spool, most)
    return {record["finish_id"]: record["started"] for record in records}


async def forget_buried(connection: Connection, before: datetime) -> None:
    """Forgets never sent attempts that began before this; no START of theirs can come any more."""
    await connection.execute(_FORGET, uuid7_floor(before))
