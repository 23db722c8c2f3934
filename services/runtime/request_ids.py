"""Forgets which requests to make something were carried out, once nobody repeats them any more.

A service keeps the ids that its callers gave in a table `requests`, whose `made_id` is the UUIDv7 of what was made.
"""

import asyncio
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.runtime import times
from services.runtime.db import Database
from services.runtime.errors import DependencyUnavailable
from services.runtime.ids import uuid7_floor
from services.runtime.logging import get_logger

KEPT = timedelta(days=7)
"""As the protos say."""
_EVERY_SECONDS = 3_600.0
_BATCH = 1_000
_FORGET = text(
    "DELETE FROM requests WHERE ctid = ANY(ARRAY("
    "SELECT ctid FROM requests WHERE made_id < CAST(:first_kept AS uuid) LIMIT :most))"
)


async def keep_forgetting(db: Database) -> None:
    """Forgets what is a week old: now and every hour. Runs until cancelled; trouble with the database is waited out."""
    while True:
        try:
            await forget_before(db, times.now() - KEPT)
        # An OSError is a statement that took too long.
        except (DependencyUnavailable, DBAPIError, OSError) as error:
            get_logger().warning("request_ids.not_forgotten", error=str(error))
        await asyncio.sleep(_EVERY_SECONDS)


async def forget_before(db: Database, moment: datetime, batch: int = _BATCH) -> None:
    """Forgets the requests carried out before the moment, so many in each transaction. Raises as `Database.write`."""
    first_kept = uuid7_floor(moment)
    forgotten = batch
    while forgotten == batch:
        async with db.write() as connection:
            forgotten = (await connection.execute(_FORGET, {"first_kept": first_kept, "most": batch})).rowcount
