"""Models, their names and endpoints, as the seed and syncs write them: in bulk, for there are thousands."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Text, all_, any_, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from services.catalog.entities import Endpoint, Model
from services.catalog.tables import ENDPOINTS, MODEL_ALIASES, MODELS
from services.runtime.db import ReadConnection, WriteConnection, lock_for


async def lock(connection: WriteConnection) -> None:
    """Lets one transaction at a time change models and their prices, in whatever replica.

    They are announced whole: who read one while somebody else changed another part of it would announce it without.
    """
    await lock_for(connection, "pantheon.catalog.models")


async def others_with(connection: ReadConnection, models: Sequence[Model]) -> list[str]:
    """Which other models have names or endpoints that these are to have, and will lose them to these."""
    ids = _array(model.id for model in models)
    aliases = _array(alias for model in models for alias in model.aliases)
    offers = _array(endpoint.id for model in models for endpoint in model.endpoints)
    named = select(MODEL_ALIASES.c.model_id).where(MODEL_ALIASES.c.alias == any_(aliases))
    offering = select(ENDPOINTS.c.model_id).where(ENDPOINTS.c.id == any_(offers), ENDPOINTS.c.removed_time.is_(None))
    either = named.union(offering).subquery()
    others = select(MODELS.c.id).where(
        MODELS.c.id.in_(select(either.c.model_id)), MODELS.c.id != all_(ids), MODELS.c.removed_time.is_(None)
    )
    return list(await connection.scalars(others))


async def write(connection: WriteConnection, models: Sequence[Model], now: datetime) -> None:
    """Makes the models, or changes them into these, endpoints included, prices not.

    A name or endpoint that another model has moves to the one that is written.
    """
    if not models:
        return
    await _put(connection, MODELS, "id", [_model_row(model) for model in models])
    await _clear(connection, (model.id for model in models), now)
    aliases = [{"alias": alias, "model_id": model.id} for model in models for alias in model.aliases]
    if aliases:
        await _put(connection, MODEL_ALIASES, "alias", aliases)
    endpoints = [row for model in models for row in _endpoint_rows(model.id, model.endpoints)]
    if endpoints:
        await _put(connection, ENDPOINTS, "id", endpoints)


async def remove(connection: WriteConnection, ids: Sequence[str], now: datetime) -> None:
    """Takes models out of the catalog. Their rows stay, because the ledger names their prices."""
    if ids:
        await connection.execute(update(MODELS).where(MODELS.c.id == any_(_array(ids))).values(removed_time=now))
        await _clear(connection, ids, now)


async def _put(connection: WriteConnection, table: Any, key: str, rows: list[dict[str, Any]]) -> None:
    statement = insert(table)
    changed = {name: statement.excluded[name] for name in rows[0] if name != key}
    await connection.execute(statement.on_conflict_do_update(index_elements=[key], set_=changed), rows)


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


def _model_row(model: Model) -> dict[str, Any]:
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
