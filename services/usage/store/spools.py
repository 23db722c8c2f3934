"""Spools: which records of each router's journal the ledger has."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from asyncpg import Connection

from services.usage.batch import SpoolRange

_INSERT = "INSERT INTO spool (id) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING"
_LOCK = """
    SELECT id, coalesce(upper(received) - 1, 0) AS greatest
    FROM spool WHERE id = ANY($1) ORDER BY id FOR UPDATE
"""
# The watermark is the end of the first range, if that begins with the first record.
_EXTEND = """
    UPDATE spool
    SET received = extended.received,
        committed_through = CASE WHEN lower(extended.received) = 1 THEN (
            SELECT upper(range) - 1 FROM unnest(extended.received) AS range ORDER BY range LIMIT 1
        ) ELSE 0 END,
        last_seen = now()
    FROM (
        SELECT id, present.received + range_agg(int8range(first, last, '[]')) AS received
        FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS arrived (id, first, last)
        JOIN spool AS present USING (id)
        GROUP BY id, present.received
    ) AS extended
    WHERE spool.id = extended.id
    RETURNING spool.id, spool.committed_through
"""
_WATERMARK = "SELECT committed_through FROM spool WHERE id = $1"


async def lock(connection: Connection, spools: Sequence[UUID]) -> dict[UUID, int]:
    """Locks the rows of these spools, which are sorted; returns the greatest record number received from each.

    Until the transaction ends nobody else books anything of theirs.
    """
    await connection.execute(_INSERT, spools)
    return {record["id"]: record["greatest"] for record in await connection.fetch(_LOCK, spools)}


async def extend(connection: Connection, ranges: Iterable[SpoolRange]) -> dict[UUID, int]:
    """Adds what was received; returns each spool's watermark."""
    rows = [(arrived.spool, arrived.first, arrived.last) for arrived in ranges]
    if not rows:
        return {}
    records = await connection.fetch(_EXTEND, *zip(*rows, strict=True))
    return {record["id"]: record["committed_through"] for record in records}


async def watermark(connection: Connection, spool: UUID) -> int:
    """All records up to this number are in the ledger; 0 for a spool never heard of."""
    return await connection.fetchval(_WATERMARK, spool) or 0
