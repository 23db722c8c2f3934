"""What the seed writes. All in bulk: a first seed has thousands of rows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Text, any_, bindparam, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from services.catalog.entities import Endpoint, Model
from services.catalog.tables import APPLIED_SEEDS, ENDPOINTS, MODEL_ALIASES, MODELS, PRICE_VERSIONS, UNIT_PRICES
from services.rating import PriceVersion
from services.runtime.db import ReadConnection, WriteConnection


async def lock(connection: WriteConnection) -> None:
    """Lets replicas that start together apply the seed one after the other."""
    await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("pantheon.catalog.seed", 0))))


async def applied(connection: ReadConnection) -> list[bytes]:
    """The digests of the seeds applied so far, oldest first; none: this catalog is new."""
    return list(await connection.scalars(select(APPLIED_SEEDS.c.digest).order_by(APPLIED_SEEDS.c.number)))


async def remember(connection: WriteConnection, digest: bytes, now: datetime) -> None:
    """Notes which seed the catalog has now."""
    await connection.execute(insert(APPLIED_SEEDS).values(digest=digest, applied_time=now))


async def begin_revisions(connection: WriteConnection, now: datetime) -> None:
    """Starts a new catalog's revisions at the milliseconds of the clock.

    A catalog that was lost and made anew is thereby beyond every revision of the one before: whoever still holds a
    copy of that one is told of a gap and takes a snapshot, instead of applying changes to what never was.
    """
    await connection.execute(text("UPDATE revision SET value = :start"), {"start": int(now.timestamp() * 1_000)})


async def write_models(connection: WriteConnection, models: Sequence[tuple[Model, bytes]], now: datetime) -> None:
    """Makes the models, or changes them into these, endpoints included, prices not."""
    if not models:
        return
    ids = [model.id for model, _ in models]
    await _put(connection, MODELS, [_model_row(model, digest) for model, digest in models])
    await _clear(connection, ids, now)
    aliases = [{"alias": alias, "model_id": model.id} for model, _ in models for alias in model.aliases]
    if aliases:
        await connection.execute(insert(MODEL_ALIASES), aliases)
    endpoints = [row for model, _ in models for row in _endpoint_rows(model.id, model.endpoints)]
    if endpoints:
        await _put(connection, ENDPOINTS, endpoints)


async def remove_models(connection: WriteConnection, ids: Sequence[str], now: datetime) -> None:
    """Takes models out of the catalog. Their rows stay, because the ledger names their prices."""
    if ids:
        await connection.execute(update(MODELS).where(MODELS.c.id == any_(_array(ids))).values(removed_time=now))
        await _clear(connection, ids, now)


async def append_prices(connection: WriteConnection, prices: Sequence[tuple[str, PriceVersion]]) -> None:
    """Adds price versions to the endpoints named beside them."""
    if prices:
        await connection.execute(insert(PRICE_VERSIONS), [_version_row(*price) for price in prices])
    unit_prices = [row for _, version in prices for row in _unit_price_rows(version)]
    if unit_prices:
        await connection.execute(insert(UNIT_PRICES), unit_prices)


async def _put(connection: WriteConnection, table: Any, rows: list[dict[str, Any]]) -> None:
    statement = insert(table)
    changed = {name: statement.excluded[name] for name in rows[0] if name != "id"}
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed), rows)


async def _clear(connection: WriteConnection, ids: Iterable[str], now: datetime) -> None:
    """Takes their aliases and endpoints from models, before they get those they have from now on."""
    models = _array(ids)
    await connection.execute(delete(MODEL_ALIASES).where(MODEL_ALIASES.c.model_id == any_(models)))
    await connection.execute(
        update(ENDPOINTS)
        .where(ENDPOINTS.c.model_id == any_(models), ENDPOINTS.c.removed_time.is_(None))
        .values(removed_time=now)
    )


def _array(ids: Iterable[str]) -> Any:
    return bindparam(None, list(ids), type_=ARRAY(Text))


def _model_row(model: Model, digest: bytes) -> dict[str, Any]:
    return {
        "id": model.id,
        "display_name": model.display_name,
        "context_window": model.context_window,
        "max_output_tokens": model.max_output_tokens,
        "input_modalities": list(model.input_modalities),
        "output_modalities": list(model.output_modalities),
        "supports_tools": model.supports_tools,
        "supports_structured_output": model.supports_structured_output,
        "supports_reasoning": model.supports_reasoning,
        "release_time": model.release_time,
        "deprecation_time": model.deprecation_time,
        "successor_id": model.successor_id,
        "unsupported_parameters": list(model.unsupported_parameters),
        "default_parameters": {
            name: value for name, value in asdict(model.default_parameters).items() if value is not None
        },
        "removed_time": None,
        "seed_digest": digest,
    }


def _endpoint_rows(model_id: str, endpoints: Sequence[Endpoint]) -> Iterator[dict[str, Any]]:
    for position, endpoint in enumerate(endpoints):
        yield {
            "id": endpoint.id,
            "model_id": model_id,
            "provider": endpoint.provider,
            "provider_model_id": endpoint.provider_model_id,
            "position": position,
            "removed_time": None,
        }


def _version_row(endpoint_id: str, version: PriceVersion) -> dict[str, Any]:
    return {
        "id": version.id,
        "endpoint_id": endpoint_id,
        "effective_time": version.effective,
        "record_time": version.recorded,
        "source": version.source,
        "seeded": True,
    }


def _unit_price_rows(version: PriceVersion) -> Iterator[dict[str, Any]]:
    for entry in version.unit_prices:
        yield {
            "price_version_id": version.id,
            "unit": int(entry.unit),
            "price": entry.price,
            "per": entry.per,
            "tier_thresholds": [tier.above_prompt_tokens for tier in entry.tiers],
            "tier_prices": [tier.price for tier in entry.tiers],
        }
