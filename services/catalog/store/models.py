"""Models with their endpoints and prices, read whole."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Row, Select, Text, any_, bindparam, or_, select

from services.catalog.entities import Endpoint, Model, Parameters
from services.catalog.store.unit_prices import COLUMNS, unit_price
from services.catalog.tables import ENDPOINTS, MODEL_ALIASES, MODELS, PRICE_VERSIONS, UNIT_PRICES
from services.rating import PriceVersion
from services.runtime.db import ReadConnection

_Prices = Mapping[str, Sequence[PriceVersion]]


async def page(connection: ReadConnection, *, after: str = "", limit: int) -> list[Model]:
    """Models whose id comes after `after`, by id."""
    return await _models(connection, select(MODELS).where(MODELS.c.id > after).limit(limit))


async def by_id(connection: ReadConnection, ids: Iterable[str]) -> list[Model]:
    """The models of these ids, by id; those no longer in the catalog are left out."""
    return await _models(connection, select(MODELS).where(MODELS.c.id == any_(_ids(ids))))


async def find(connection: ReadConnection, name: str) -> Model | None:
    """The model of this canonical id or alias."""
    meant = select(MODEL_ALIASES.c.model_id).where(MODEL_ALIASES.c.alias == name)
    found = await _models(connection, select(MODELS).where(or_(MODELS.c.id == name, MODELS.c.id.in_(meant))))
    # An id is stronger than an alias.
    return next((model for model in found if model.id == name), found[0] if found else None)


async def seed_digests(connection: ReadConnection) -> dict[str, bytes]:
    """What the seed wrote last, by model; also of those that a sync has since taken out of the catalog, so that the
    same row does not bring them back.
    """
    rows = await connection.execute(select(MODELS.c.id, MODELS.c.seed_digest).where(MODELS.c.seed_digest.is_not(None)))
    return {row.id: row.seed_digest for row in rows}


async def seeded_prices(connection: ReadConnection) -> _Prices:
    """The price versions that seeds have written, by endpoint, oldest first; of endpoints no longer offered, too."""
    return await _prices(connection, PRICE_VERSIONS.c.seeded)


async def former_prices(connection: ReadConnection) -> _Prices:
    """The price versions of endpoints that are no longer offered, by endpoint, oldest first."""
    former = select(ENDPOINTS.c.id).where(ENDPOINTS.c.removed_time.is_not(None))
    return await _prices(connection, PRICE_VERSIONS.c.endpoint_id.in_(former))


def _ids(ids: Iterable[str]) -> ColumnElement[Any]:
    # One array whatever their number, so that the statement stays the same.
    return bindparam(None, list(ids), type_=ARRAY(Text))


async def _models(connection: ReadConnection, query: Select[Any]) -> list[Model]:
    query = query.where(MODELS.c.removed_time.is_(None)).order_by(MODELS.c.id)
    rows = (await connection.execute(query)).all()
    ids = [row.id for row in rows]
    aliases, endpoints = await _aliases(connection, ids), await _endpoints(connection, ids)
    return [_model(row, aliases[row.id], endpoints[row.id]) for row in rows]


async def _aliases(connection: ReadConnection, ids: list[str]) -> Mapping[str, list[str]]:
    query = select(MODEL_ALIASES).where(MODEL_ALIASES.c.model_id == any_(_ids(ids))).order_by(MODEL_ALIASES.c.alias)
    found: dict[str, list[str]] = defaultdict(list)
    for row in await connection.execute(query):
        found[row.model_id].append(row.alias)
    return found


async def _endpoints(connection: ReadConnection, ids: list[str]) -> Mapping[str, list[Endpoint]]:
    query = (
        select(ENDPOINTS)
        .where(ENDPOINTS.c.model_id == any_(_ids(ids)), ENDPOINTS.c.removed_time.is_(None))
        .order_by(ENDPOINTS.c.position, ENDPOINTS.c.id)
    )
    rows = (await connection.execute(query)).all()
    prices = await _prices(connection, PRICE_VERSIONS.c.endpoint_id == any_(_ids(row.id for row in rows)))
    found: dict[str, list[Endpoint]] = defaultdict(list)
    for row in rows:
        found[row.model_id].append(Endpoint(row.provider, row.provider_model_id, tuple(prices.get(row.id, ()))))
    return found


async def _prices(connection: ReadConnection, which: ColumnElement[bool]) -> _Prices:
    query = (
        select(PRICE_VERSIONS, *(UNIT_PRICES.c[name] for name in COLUMNS))
        .outerjoin(UNIT_PRICES, UNIT_PRICES.c.price_version_id == PRICE_VERSIONS.c.id)
        .where(which)
        .order_by(
            PRICE_VERSIONS.c.effective_time, PRICE_VERSIONS.c.record_time, PRICE_VERSIONS.c.id, UNIT_PRICES.c.unit
        )
    )
    found: dict[str, list[PriceVersion]] = defaultdict(list)
    for _, group in groupby(await connection.execute(query), key=lambda row: row.id):
        rows = list(group)
        version = rows[0]
        entries = tuple(unit_price(row) for row in rows if row.unit is not None)
        found[version.endpoint_id].append(
            PriceVersion(version.id, version.effective_time, version.record_time, entries, version.source)
        )
    return found


def _model(row: Row[Any], aliases: Iterable[str], endpoints: Iterable[Endpoint]) -> Model:
    return Model(
        id=row.id,
        display_name=row.display_name,
        aliases=tuple(aliases),
        context_window=row.context_window,
        max_output_tokens=row.max_output_tokens,
        input_modalities=tuple(row.input_modalities),
        output_modalities=tuple(row.output_modalities),
        supports_tools=row.supports_tools,
        supports_structured_output=row.supports_structured_output,
        supports_reasoning=row.supports_reasoning,
        release_time=row.release_time,
        deprecation_time=row.deprecation_time,
        successor_id=row.successor_id,
        unsupported_parameters=tuple(row.unsupported_parameters),
        default_parameters=Parameters(**row.default_parameters),
        endpoints=tuple(endpoints),
    )
