"""Dated prices and price overrides. Both are only ever added to."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert

from services.catalog.overrides import Target
from services.catalog.store import model_writing
from services.catalog.store.unit_prices import unit_price, unit_price_row
from services.catalog.tables import (
    ENDPOINTS,
    OVERRIDE_UNIT_PRICES,
    PRICE_OVERRIDES,
    PRICE_VERSIONS,
    PROVIDERS,
    UNIT_PRICES,
)
from services.rating import PriceOverride, PriceVersion, UnitPrice
from services.runtime.db import ReadConnection, WriteConnection, lock_for

_OVERRIDES = PRICE_OVERRIDES.c


@dataclass(frozen=True, slots=True)
class LockedEndpoint:
    """An endpoint of a model that nobody else changes before the transaction ends."""

    model_id: str
    # When its latest price was learnt; None: it has none.
    last_recorded: datetime | None


async def lock_endpoint(connection: WriteConnection, endpoint_id: str) -> LockedEndpoint | None:
    """Locks an endpoint in the catalog; None: there is no such."""
    await model_writing.lock(connection)
    query = select(ENDPOINTS.c.model_id).where(ENDPOINTS.c.id == endpoint_id, ENDPOINTS.c.removed_time.is_(None))
    model_id = (await connection.execute(query)).scalar_one_or_none()
    if model_id is None:
        return None
    last = select(func.max(PRICE_VERSIONS.c.record_time)).where(PRICE_VERSIONS.c.endpoint_id == endpoint_id)
    return LockedEndpoint(model_id, (await connection.execute(last)).scalar_one())


async def append(connection: WriteConnection, prices: Sequence[tuple[str, PriceVersion]], *, seeded: bool) -> None:
    """Adds price versions to the endpoints named beside them; `seeded`: a seed brings them."""
    if prices:
        rows = [_version_row(endpoint_id, version) | {"seeded": seeded} for endpoint_id, version in prices]
        await connection.execute(insert(PRICE_VERSIONS), rows)
    unit_prices = [
        {"price_version_id": version.id} | unit_price_row(entry)
        for _, version in prices
        for entry in version.unit_prices
    ]
    if unit_prices:
        await connection.execute(insert(UNIT_PRICES), unit_prices)


async def target(connection: ReadConnection, provider: str, endpoint_id: str) -> Target:
    """What there is of what an override names."""
    found = select(PROVIDERS.c.name).where(PROVIDERS.c.name == provider)
    is_provider = (await connection.execute(found)).scalar_one_or_none() is not None
    owner = select(ENDPOINTS.c.provider).where(ENDPOINTS.c.id == endpoint_id, ENDPOINTS.c.removed_time.is_(None))
    return Target(is_provider, (await connection.execute(owner)).scalar_one_or_none() or "")


async def lock_overrides(connection: WriteConnection, organisation_id: str) -> None:
    """Lets one transaction at a time add overrides of this organisation."""
    await lock_for(connection, f"pantheon.catalog.price_overrides.{organisation_id}")


async def number_of_overrides(connection: ReadConnection, organisation_id: str) -> int:
    """How many the organisation has."""
    query = select(func.count()).select_from(PRICE_OVERRIDES).where(_OVERRIDES.organisation_id == organisation_id)
    return (await connection.execute(query)).scalar_one()


async def add_override(connection: WriteConnection, override: PriceOverride) -> None:
    """Keeps a new override."""
    await connection.execute(
        insert(PRICE_OVERRIDES).values(
            id=override.id,
            organisation_id=override.organisation_id,
            provider=override.provider,
            endpoint_id=override.endpoint_id or None,
            effective_time=override.effective,
            record_time=override.recorded,
            factor=override.factor,
            source=override.source,
        )
    )
    rows = [{"override_id": override.id} | unit_price_row(entry) for entry in override.unit_prices]
    if rows:
        await connection.execute(insert(OVERRIDE_UNIT_PRICES), rows)


async def overrides_of(
    connection: ReadConnection, organisation_id: str, *, before: str, limit: int
) -> list[PriceOverride]:
    """An organisation's overrides, newest first; of those made before the one of this id, if one is given."""
    query = select(PRICE_OVERRIDES).where(_OVERRIDES.organisation_id == organisation_id)
    if before:
        query = query.where(_OVERRIDES.id < before)
    return await _overrides(connection, query.order_by(_OVERRIDES.id.desc()).limit(limit))


async def all_overrides(connection: ReadConnection, *, after: str, limit: int) -> list[PriceOverride]:
    """All organisations' overrides by id; of those after the one of this id, if one is given."""
    query = select(PRICE_OVERRIDES)
    if after:
        query = query.where(_OVERRIDES.id > after)
    return await _overrides(connection, query.order_by(_OVERRIDES.id).limit(limit))


async def _overrides(connection: ReadConnection, query: Select[Any]) -> list[PriceOverride]:
    rows = (await connection.execute(query)).all()
    of_these = OVERRIDE_UNIT_PRICES.c.override_id.in_([row.id for row in rows if row.factor is None])
    unit_prices: dict[str, list[UnitPrice]] = defaultdict(list)
    entries = select(OVERRIDE_UNIT_PRICES).where(of_these).order_by(OVERRIDE_UNIT_PRICES.c.unit)
    for entry in await connection.execute(entries):
        unit_prices[entry.override_id].append(unit_price(entry))
    return [
        PriceOverride(
            id=row.id,
            organisation_id=row.organisation_id,
            provider=row.provider,
            endpoint_id=row.endpoint_id or "",
            effective=row.effective_time,
            recorded=row.record_time,
            factor=row.factor,
            unit_prices=tuple(unit_prices[row.id]),
            source=row.source,
        )
        for row in rows
    ]


def _version_row(endpoint_id: str, version: PriceVersion) -> dict[str, Any]:
    return {
        "id": version.id,
        "endpoint_id": endpoint_id,
        "effective_time": version.effective,
        "record_time": version.recorded,
        "source": version.source,
    }
