"""A database that may come late and go away: waited for at the start, asked after from then on."""

import asyncio
from pathlib import Path

import stamina

from services.runtime.db import Database, is_unreachable
from services.runtime.logging import get_logger
from services.runtime.migrations import migrate
from services.runtime.process import Process

_EVERY_SECONDS = 1.0
_PATIENCE_SECONDS = 3.0


async def reached_database(process: Process, dsn: str, *, schema: str, migrations: Path) -> Database:
    """The process's database, its schema up to date, waited for as long as it takes; closed when the process stops.

    /readyz has "database" from the beginning: whether it answered a moment ago. Raises what a reachable database finds
    wrong with a migration.
    """
    db = Database(dsn, schema=schema)
    process.on_stop(db.close)
    reachability = Reachability(db)
    process.ready_when("database", lambda: reachability.reachable)
    process.run_task("database.reachability", reachability.watch())
    async for attempt in stamina.retry_context(on=is_unreachable, attempts=None, timeout=None):
        with attempt:
            await migrate(dsn, schema=schema, directory=migrations)
    return db


class Reachability:
    """Asks every second; so that who wants to know need not wait."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._reachable: bool | None = None

    @property
    def reachable(self) -> bool:
        """Whether it answered the last time."""
        return bool(self._reachable)

    async def watch(self) -> None:
        """Runs until cancelled. What changes is logged."""
        while True:
            try:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await self._db.ping()
            except Exception as error:  # noqa: BLE001 - whatever keeps it from answering
                if self._reachable is not False:
                    get_logger().warning(
                        "database.unreachable", schema=self._db.schema, error=repr(error.__cause__ or error)
                    )
                self._reachable = False
            else:
                if not self._reachable:
                    get_logger().info("database.reachable", schema=self._db.schema)
                self._reachable = True
            await asyncio.sleep(_EVERY_SECONDS)
