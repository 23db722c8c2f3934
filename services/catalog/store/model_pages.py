"""Pages of models, filtered and ordered: one statement finds their ids, whatever they are chosen by."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Numeric,
    Select,
    SmallInteger,
    and_,
    any_,
    exists,
    func,
    literal,
    null,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import distinct_on

from pantheon.catalog.v1.model_pb2 import (
    CAPABILITY_AUDIO,
    CAPABILITY_EMBEDDINGS,
    CAPABILITY_FILES,
    CAPABILITY_IMAGE_OUTPUT,
    CAPABILITY_REASONING,
    CAPABILITY_STRUCTURED_OUTPUT,
    CAPABILITY_TOOLS,
    CAPABILITY_VISION,
    MODALITY_AUDIO,
    MODALITY_EMBEDDING,
    MODALITY_FILE,
    MODALITY_IMAGE,
    MODEL_ORDER_CONTEXT_WINDOW,
    MODEL_ORDER_RELEASE_TIME,
    MODEL_ORDER_UNSPECIFIED,
)
from services.catalog.entities import Model
from services.catalog.model_query import UNIT_OF_ORDER, ModelQuery, Position
from services.catalog.store import models
from services.catalog.store.providers import is_usable
from services.catalog.tables import (
    ENDPOINTS,
    MODEL_ALIASES,
    MODELS,
    PRICE_VERSIONS,
    PROVIDERS,
    UNIT_PRICES,
)
from services.rating import EXACT, PriceUnit
from services.runtime.db import ReadConnection

# Every `per` divides it, so that prices per so many are exact.
_PER = 1_000_000_000
_MILLIONS_EXPONENT = 3
"""So many millions are in that: ten to the power of this."""


@dataclass(frozen=True, slots=True)
class Page:
    """Models in the order asked for; where the next page begins (None: this is the last); how many match in all."""

    models: list[Model]
    following: Position | None
    total: int


async def page(connection: ReadConnection, query: ModelQuery, after: Position | None, limit: int) -> Page:
    """Up to `limit` models that come after a row."""
    matching = _matching(query).cte("matching").prefix_with("MATERIALIZED", dialect="postgresql")
    total = select(func.count()).select_from(matching).scalar_subquery()
    value, model_id = matching.c.value, matching.c.id
    by_id_backwards = query.order == MODEL_ORDER_UNSPECIFIED and query.reverse
    statement = select(model_id, value, total.label("total")).limit(limit + 1)
    if after is not None:
        statement = statement.where(_beyond(value, model_id, after, query))
    direction = value.desc() if query.descending else value.asc()
    rows = (
        await connection.execute(
            statement.order_by(direction.nulls_last(), model_id.desc() if by_id_backwards else model_id)
        )
    ).all()
    found = {model.id: model for model in await models.by_id(connection, [row.id for row in rows[:limit]])}
    following = Position(rows[limit - 1].value, rows[limit - 1].id) if len(rows) > limit else None
    counted = rows[0].total if rows else (await connection.execute(select(total))).scalar_one()
    return Page([found[row.id] for row in rows[:limit]], following, counted)


def _matching(query: ModelQuery) -> Select[Any]:
    """The models that match, with the value they are ordered by."""
    priced = {unit: _lowest_prices(query, unit) for unit in {*query.max_prices, *_ordered_by(query)}}
    source: Any = MODELS
    for prices in priced.values():
        source = source.outerjoin(prices, prices.c.model_id == MODELS.c.id)
    value: Any = null()
    if query.order in UNIT_OF_ORDER:
        value = priced[UNIT_OF_ORDER[query.order]].c.price
    elif query.order == MODEL_ORDER_CONTEXT_WINDOW:
        value = MODELS.c.context_window
    elif query.order == MODEL_ORDER_RELEASE_TIME:
        value = MODELS.c.release_time
    limits = [
        priced[unit].c.price <= literal(EXACT.scaleb(most, _MILLIONS_EXPONENT), Numeric)
        for unit, most in query.max_prices.items()
    ]
    return select(MODELS.c.id, value.label("value")).select_from(source).where(*_filters(query), *limits)


def _ordered_by(query: ModelQuery) -> list[PriceUnit]:
    return [UNIT_OF_ORDER[query.order]] if query.order in UNIT_OF_ORDER else []


def _lowest_prices(query: ModelQuery, unit: PriceUnit) -> Any:
    """By model, the lowest price of a unit that holds now among its endpoints."""
    versions = PRICE_VERSIONS.c
    # Backwards through the index that is made for it.
    holding = (
        select(versions.endpoint_id, versions.id)
        .ext(distinct_on(versions.endpoint_id))
        .where(versions.effective_time <= query.now)
        .order_by(versions.endpoint_id.desc(), versions.effective_time.desc(), versions.record_time.desc())
        .subquery(f"holding_{unit.name.lower()}")
    )
    price = UNIT_PRICES.c.price * (_PER // UNIT_PRICES.c.per)
    return (
        select(ENDPOINTS.c.model_id, func.min(price).label("price"))
        .select_from(holding)
        .join(ENDPOINTS, ENDPOINTS.c.id == holding.c.endpoint_id)
        .join(UNIT_PRICES, and_(UNIT_PRICES.c.price_version_id == holding.c.id, UNIT_PRICES.c.unit == int(unit)))
        .where(ENDPOINTS.c.removed_time.is_(None))
        .group_by(ENDPOINTS.c.model_id)
        .subquery(unit.name.lower())
    )


def _beyond(
    value: ColumnElement[Any], model_id: ColumnElement[str], after: Position, query: ModelQuery
) -> ColumnElement[bool]:
    """Whether a row comes after another; unknown values are behind all others."""
    if query.order == MODEL_ORDER_UNSPECIFIED:
        return model_id < after.model_id if query.reverse else model_id > after.model_id
    behind = model_id > after.model_id
    if after.value is None:
        return and_(value.is_(None), behind)
    further = value < after.value if query.descending else value > after.value
    return or_(further, and_(value == after.value, behind), value.is_(None))


def _filters(query: ModelQuery) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [MODELS.c.removed_time.is_(None)]
    if query.provider:
        found.append(_offered(ENDPOINTS.c.provider == query.provider))
    if query.available_only:
        usable = select(PROVIDERS.c.name).where(is_usable(query.organisation_id))
        found.append(_offered(ENDPOINTS.c.provider.in_(usable)))
    if query.search:
        found.append(_named(query.search))
    if query.min_context_window:
        found.append(MODELS.c.context_window >= query.min_context_window)
    if query.current_only:
        found.append(or_(MODELS.c.deprecation_time.is_(None), MODELS.c.deprecation_time > query.now))
    return [*found, *(_CAPABLE[capability] for capability in query.capabilities)]


def _offered(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(ENDPOINTS.c.model_id == MODELS.c.id, ENDPOINTS.c.removed_time.is_(None), condition)


def _named(search: str) -> ColumnElement[bool]:
    def contains(column: ColumnElement[str]) -> ColumnElement[bool]:
        # Not LIKE: "%" and "_" in names mean themselves.
        return func.strpos(func.lower(column), func.lower(search)) > 0

    alias = exists().where(MODEL_ALIASES.c.model_id == MODELS.c.id, contains(MODEL_ALIASES.c.alias))
    return or_(contains(MODELS.c.id), contains(MODELS.c.display_name), alias)


def _takes(modality: int) -> ColumnElement[bool]:
    return literal(modality, SmallInteger) == any_(MODELS.c.input_modalities)


def _makes(modality: int) -> ColumnElement[bool]:
    return literal(modality, SmallInteger) == any_(MODELS.c.output_modalities)


# What is unknown of a model is not known to be there.
_CAPABLE: dict[int, ColumnElement[bool]] = {
    CAPABILITY_TOOLS: MODELS.c.supports_tools.is_(True),
    CAPABILITY_STRUCTURED_OUTPUT: MODELS.c.supports_structured_output.is_(True),
    CAPABILITY_REASONING: MODELS.c.supports_reasoning.is_(True),
    CAPABILITY_VISION: _takes(MODALITY_IMAGE),
    CAPABILITY_AUDIO: or_(_takes(MODALITY_AUDIO), _makes(MODALITY_AUDIO)),
    CAPABILITY_FILES: _takes(MODALITY_FILE),
    CAPABILITY_IMAGE_OUTPUT: _makes(MODALITY_IMAGE),
    CAPABILITY_EMBEDDINGS: _makes(MODALITY_EMBEDDING),
}
