"""Dead letters: what could not be booked, kept with the reason, so that it can be looked at and sent again."""

from collections.abc import Sequence

from asyncpg import Connection

from services.usage.batch import DeadLetter

_INSERT = """
    INSERT INTO dead_letter (digest, spool_id, number, reason, payload)
    SELECT * FROM unnest($1::bytea[], $2::uuid[], $3::bigint[], $4::text[], $5::bytea[]) ON CONFLICT DO NOTHING
"""


async def keep(connection: Connection, letters: Sequence[DeadLetter]) -> None:
    """Keeps letters; one that is delivered again is kept once."""
    if letters:
        rows = sorted((one.digest, one.spool, one.number, _storable(one.reason), one.payload) for one in letters)
        await connection.execute(_INSERT, *zip(*rows, strict=True))


def _storable(reason: str) -> str:
    return reason.replace("\0", "\ufffd")
