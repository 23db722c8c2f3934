"""Syncs as they were applied, and what the models were before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, insert, select, update

from services.catalog.entities import Model
from services.catalog.store import model_writing
from services.catalog.store.models import former_prices, page
from services.catalog.store.prices import append
from services.catalog.sync.plan import CatalogState, SyncPlan
from services.catalog.tables import SYNC_CHANGES, SYNCS
from services.rating import PriceVersion
from services.runtime.db import ReadConnection, WriteConnection

_BATCH = 1_000
_decoder = msgspec.json.Decoder(Model)


@dataclass(frozen=True, slots=True)
class Sync:
    """One sync; `reverted` None: it stands."""

    id: str
    user_id: str
    providers: tuple[str, ...]
    added: int
    changed: int
    removed: int
    created: datetime
    reverted: datetime | None = None


async def state(connection: ReadConnection) -> CatalogState:
    """The whole catalog, as a sync compares it."""
    models: list[Model] = []
    while batch := await page(connection, after=models[-1].id if models else "", limit=_BATCH):
        models += batch
    return CatalogState({model.id: model for model in models}, await former_prices(connection))


async def apply(
    connection: WriteConnection, plan: SyncPlan, prices: Sequence[tuple[str, PriceVersion]], now: datetime
) -> set[str]:
    """Makes the models what the plan says, with these prices appended. Returns which are others than they were, those
    included that lost a name to one of the plan.
    """
    written = [change.after for change in plan.changes if change.after is not None]
    losing = await model_writing.others_with(connection, written)
    await model_writing.remove(connection, [change.model_id for change in plan.changes if change.after is None], now)
    await model_writing.write(connection, written, now)
    await append(connection, prices, seeded=False)
    return {change.model_id for change in plan.changes}.union(losing)


async def keep(connection: WriteConnection, sync: Sync, plan: SyncPlan) -> None:
    """Notes a sync, and what it changes as it was."""
    row = {
        "id": sync.id,
        "user_id": sync.user_id,
        "providers": list(sync.providers),
        "added": sync.added,
        "changed": sync.changed,
        "removed": sync.removed,
        "create_time": sync.created,
    }
    await connection.execute(insert(SYNCS).values(row))
    changes = [
        {
            "sync_id": sync.id,
            "model_id": change.model_id,
            "before": None if change.before is None else msgspec.json.encode(change.before),
        }
        for change in plan.changes
    ]
    await connection.execute(insert(SYNC_CHANGES), changes)


async def get(connection: ReadConnection, sync_id: str) -> Sync | None:
    """The sync of this id (a UUID)."""
    row = (await connection.execute(select(SYNCS).where(SYNCS.c.id == sync_id))).one_or_none()
    return _sync(row) if row else None


async def newest_first(
    connection: ReadConnection, *, before: str = "", limit: int, standing: bool = False
) -> list[Sync]:
    """Syncs older than one (a UUID; empty: all); only those not undone where `standing`."""
    query = select(SYNCS).order_by(SYNCS.c.id.desc()).limit(limit)
    if before:
        query = query.where(SYNCS.c.id < before)
    if standing:
        query = query.where(SYNCS.c.revert_time.is_(None))
    return [_sync(row) for row in await connection.execute(query)]


async def models_before(connection: ReadConnection, sync_id: str) -> dict[str, Model | None]:
    """What each model was that a sync changed, by id; None: it was not in the catalog."""
    rows = await connection.execute(select(SYNC_CHANGES).where(SYNC_CHANGES.c.sync_id == sync_id))
    return {row.model_id: None if row.before is None else _decoder.decode(row.before) for row in rows}


async def note_reverted(connection: WriteConnection, sync_id: str, now: datetime) -> None:
    """Notes that a sync is undone."""
    await connection.execute(update(SYNCS).where(SYNCS.c.id == sync_id).values(revert_time=now))


def _sync(row: Row[Any]) -> Sync:
    return Sync(
        row.id,
        row.user_id,
        tuple(row.providers),
        row.added,
        row.changed,
        row.removed,
        row.create_time,
        row.revert_time,
    )
