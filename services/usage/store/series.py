"""Series: the ids under which roll-ups know who used what."""

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

from asyncpg import Connection

from services.runtime.db import Database, driver
from services.usage.entry import SERIES_KEY, Attempt

_KEPT = 200_000
_KEY_TYPES = ("uuid", "uuid", "uuid", "uuid", "text", "text", "boolean")
_COLUMNS = ", ".join(SERIES_KEY)
_ARRAYS = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(_KEY_TYPES, 1))
_ASKED = f"unnest({_ARRAYS}) AS asked ({_COLUMNS})"
_INSERT = f"INSERT INTO series ({_COLUMNS}) SELECT * FROM {_ASKED} ON CONFLICT DO NOTHING"  # noqa: S608 - made of constants, as below
_SELECT = f"SELECT id, {_COLUMNS} FROM series JOIN {_ASKED} USING ({_COLUMNS})"  # noqa: S608

Key = tuple[Any, ...]
_key = attrgetter(*SERIES_KEY)


class SeriesIndex:
    """Series ids, remembered; they never change."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._ids: dict[Key, int] = {}

    async def learn(self, attempts: Iterable[Attempt]) -> None:
        """Makes the series of these attempts known to `id_of`, in a transaction of its own where one is new."""
        keys = {_key(attempt) for attempt in attempts}
        if len(self._ids) > _KEPT:
            self._ids.clear()
        missing = sorted(keys - self._ids.keys())
        if not missing:
            return
        async with self._db.write() as connection:
            raw = await driver(connection)
            await raw.execute(_INSERT, *zip(*missing, strict=True))
            found = await _find(raw, missing)
        self._ids |= found

    async def recall(self, connection: Connection, attempts: Iterable[Attempt]) -> None:
        """Makes series known that are in the table since long, without leaving the caller's transaction."""
        missing = sorted({_key(attempt) for attempt in attempts} - self._ids.keys())
        if missing:
            self._ids |= await _find(connection, missing)

    def forget(self) -> None:
        """Looks anew the next time: ids are gone that were there."""
        self._ids.clear()

    def id_of(self, attempt: Attempt) -> int:
        """The id of a series that was learnt."""
        return self._ids[_key(attempt)]


async def _find(connection: Connection, keys: list[Key]) -> dict[Key, int]:
    records = await connection.fetch(_SELECT, *zip(*keys, strict=True))
    return {tuple(record.values())[1:]: record["id"] for record in records}
