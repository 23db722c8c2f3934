"""Ledger rows, newest first."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from services.runtime.db import ReadConnection
from services.runtime.ids import uuid7_floor
from services.usage.entry import Entry
from services.usage.periods import Period
from services.usage.store.conditions import allowed
from services.usage.store.ledger import COLUMNS, entry
from services.usage.tables import LEDGER
from services.usage.visibility import Where

_MILLISECOND = timedelta(milliseconds=1)


async def newest(
    connection: ReadConnection,
    where: Where,
    period: Period,
    *,
    request_id: UUID | None = None,
    before: UUID | None = None,
    most: int,
) -> list[Entry]:
    """At most `most` rows, those before `before`."""
    # The ids are in the order of time, and the partitions are made of them: the period is two bounds of the key.
    statement = (
        select(*(LEDGER.c[name] for name in COLUMNS))
        .where(LEDGER.c.id >= _first(period.start), LEDGER.c.id < _first(period.end), *allowed(LEDGER, where))
        .order_by(LEDGER.c.id.desc())
        .limit(most)
    )
    if request_id is not None:
        statement = statement.where(LEDGER.c.request_id == request_id)
    if before is not None:
        statement = statement.where(LEDGER.c.id < before)
    return [entry(row) for row in await connection.execute(statement)]


def _first(instant: datetime) -> UUID:
    """The smallest id not before the instant; ids know milliseconds only."""
    return uuid7_floor(instant + _MILLISECOND - timedelta(microseconds=1))
