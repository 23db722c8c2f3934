"""The ledger's partitions: a calendar month (UTC) each, by the time in the row's id.

Months, because three years are 36 partitions: few enough that planning and locking them costs nothing, while one of
them, at ten million completions a day, is still an ordinary table of a few hundred gigabytes that a month's retention
drops in one go. A replay meets one or two of them.
"""

import asyncio
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta

from asyncpg import Connection

from services.runtime import times
from services.runtime.db import Database, driver
from services.runtime.ids import uuid7_floor
from services.runtime.logging import get_logger

_AHEAD = timedelta(days=45)
_EVERY_SECONDS = 3_600.0
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('pantheon.usage.partitions', 0))"
_EXISTING = """
    SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = 'ledger'::regclass ORDER BY relname
"""
_PREFIX = "ledger_"


def month_of(instant: datetime) -> datetime:
    """The start of the month."""
    return datetime(instant.year, instant.month, 1, tzinfo=UTC)


def next_month(month: datetime) -> datetime:
    """The start of the month after."""
    return month_of(month + timedelta(days=31))


def name_of(month: datetime) -> str:
    """The table of a month, as ledger_2026_11."""
    return f"{_PREFIX}{month:%Y_%m}"


async def existing(connection: Connection) -> list[datetime]:
    """The months that have a partition, ascending."""
    names = [record["relname"] for record in await connection.fetch(_EXISTING)]
    return [datetime.strptime(name, f"{_PREFIX}%Y_%m").replace(tzinfo=UTC) for name in names]


class Partitions:
    """Makes partitions ahead of time, and on demand for what comes outside; drops those past the retention."""

    def __init__(self, db: Database, retention: timedelta) -> None:
        self._db = db
        self._retention = retention
        self._known: set[datetime] = set()

    async def ensure(self, months: AbstractSet[datetime]) -> None:
        """Makes the partitions of these months, where they are missing, in a transaction of its own."""
        if self._known >= months:
            return
        async with self._db.write() as connection:
            raw = await driver(connection)
            # Replicas that need the same month wait for each other here.
            await raw.execute(_LOCK)
            present = set(await existing(raw))
            for month in sorted(months - present):
                await _create(raw, month)
        self._known = present | months

    def forget(self) -> None:
        """Looks anew the next time: a partition is gone that was there."""
        self._known = set()

    async def maintain(self) -> None:
        """Makes what will be needed, drops what is past the retention: now and every hour. Runs until cancelled."""
        while True:
            try:
                await self._maintain()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next hour tries again; ingest makes its own
                get_logger().warning("usage.partitions_failed", error=repr(error))
            await asyncio.sleep(_EVERY_SECONDS)

    async def _maintain(self) -> None:
        now = times.now()
        await self.ensure({month_of(now), month_of(now + _AHEAD), next_month(month_of(now))})
        await self.drop(now - self._retention)

    async def drop(self, floor: datetime) -> None:
        """Drops the partitions that end at or before the floor."""
        async with self._db.write() as connection:
            raw = await driver(connection)
            await raw.execute(_LOCK)
            expired = [month for month in await existing(raw) if next_month(month) <= floor]
            # Dropping waits for whoever reads the ledger, and makes new readers wait behind it: not for long.
            await raw.execute("SET LOCAL lock_timeout = '5s'")
            for month in expired:
                await raw.execute(f"DROP TABLE {name_of(month)}")
                get_logger().info("usage.partition_dropped", month=f"{month:%Y-%m}")
        self._known -= set(expired)


async def _create(connection: Connection, month: datetime) -> None:
    name = name_of(month)
    await connection.execute(f"CREATE TABLE {name} (LIKE ledger INCLUDING ALL)")
    # Attaching an empty table, unlike creating it as a partition, does not keep the others' inserts waiting.
    await connection.execute(
        f"ALTER TABLE ledger ATTACH PARTITION {name} "
        f"FOR VALUES FROM ('{uuid7_floor(month)}') TO ('{uuid7_floor(next_month(month))}')"
    )
    get_logger().info("usage.partition_made", month=f"{month:%Y-%m}")
