"""Waiting for the database, and knowing without asking whether it answers."""

import asyncio
from pathlib import Path

import stamina
from sqlalchemy.exc import DBAPIError

from services.runtime.db import Database
from services.runtime.logging import get_logger
from services.runtime.migrations import migrate
from services.usage.tables import SCHEMA

MIGRATIONS = Path(__file__).with_name("migrations")

_EVERY_SECONDS = 1.0
_PATIENCE_SECONDS = 3.0


async def migrate_when_reachable(dsn: str) -> None:
    """Brings the schema up to date, waiting for the database as long as it takes.

    Raises what a reachable database finds wrong with a migration.
    """
    async for attempt in stamina.retry_context(on=_unreachable, attempts=None, timeout=None):
        with attempt:
            await migrate(dsn, schema=SCHEMA, directory=MIGRATIONS)


def _unreachable(error: Exception) -> bool:
    # Class 57P: the server is starting, stopping or was stopped.
    state = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
    return isinstance(error, OSError) or str(state or "").startswith(("08", "57P"))


class Reachability:
    """Asks every second."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._reachable = False

    @property
    def reachable(self) -> bool:
        """Whether it answered the last time."""
        return self._reachable

    async def watch(self) -> None:
        """Runs until cancelled."""
        while True:
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await self._db.ping()
            except Exception as error:  # noqa: BLE001 - whatever keeps it from answering
                if self._reachable:
                    get_logger().warning("usage.database_unreachable", error=repr(error))
                self._reachable = False
            else:
                self._reachable = True
            await asyncio.sleep(_EVERY_SECONDS)
