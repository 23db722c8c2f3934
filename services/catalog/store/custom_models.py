"""Custom models, their prices, and their keys in envelopes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Row,
    Select,
    Uuid,
    and_,
    any_,
    bindparam,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from services.catalog.custom_model_entities import Cost, CustomModel, Description, KeyMark, SealedKey, priced
from services.catalog.entities import PARAMETER_NAMES, Parameters
from services.catalog.tables import CUSTOM_MODEL_PRICES, CUSTOM_MODELS
from services.rating import PriceVersion
from services.runtime.db import ReadConnection, WriteConnection, lock_for
from services.runtime.ids import NIL, is_id
from services.runtime.origins import origin_of

# Appendix A of Postgres' manual.
_UNIQUE_VIOLATION = "23505"
START = ("", NIL)
"""Before the first model id and id."""

_OWN = (
    "model_id",
    "name",
    "provider",
    "api_endpoint",
    "provider_model_id",
    "context_window",
)
_LIVE = CUSTOM_MODELS.c.removed_time.is_(None)


async def by_id(connection: ReadConnection, id_: str, *, lock: bool = False) -> CustomModel | None:
    """The model of this id, whoever's it is; with `lock` nobody else changes it until the transaction ends."""
    if not is_id(id_):
        return None
    found = await _models(connection, _selected(lock).where(CUSTOM_MODELS.c.id == id_))
    return found[0] if found else None


async def named(
    connection: ReadConnection, name: str, user_id: str, project_id: str, *, lock: bool = False
) -> CustomModel | None:
    """By its id, or by what `custom/<slug>` means; see `by_id` and `meant`."""
    if is_id(name):
        return await by_id(connection, name, lock=lock)
    return await meant(connection, name, user_id, project_id, lock=lock)


async def meant(
    connection: ReadConnection, model_id: str, user_id: str, project_id: str, *, lock: bool = False
) -> CustomModel | None:
    """What `custom/<slug>` means to this user in this project: the user's own model, else the one shared there."""
    query = _selected(lock).where(CUSTOM_MODELS.c.model_id == model_id)
    own = and_(CUSTOM_MODELS.c.user_id == (user_id or NIL), CUSTOM_MODELS.c.project_id.is_(None))
    shared = CUSTOM_MODELS.c.project_id == (project_id or NIL)
    found = await _models(connection, query.where(or_(own, shared)))
    return min(found, key=lambda model: bool(model.description.project_id), default=None)


async def page(
    connection: ReadConnection, user_id: str, project_id: str, *, after: tuple[str, str] = START, limit: int
) -> list[CustomModel]:
    """The user's own models and those shared in the project, by model id and id, from after these on."""
    theirs = or_(CUSTOM_MODELS.c.user_id == (user_id or NIL), CUSTOM_MODELS.c.project_id == (project_id or NIL))
    key = tuple_(CUSTOM_MODELS.c.model_id, CUSTOM_MODELS.c.id)
    query = (
        _selected()
        .where(theirs, key > tuple_(after[0], literal(after[1], CUSTOM_MODELS.c.id.type)))
        .order_by(CUSTOM_MODELS.c.model_id, CUSTOM_MODELS.c.id)
    )
    return await _models(connection, query.limit(limit))


async def page_of_all(connection: ReadConnection, *, after: str = "", limit: int) -> list[CustomModel]:
    """Everybody's models whose id comes after `after`, by id."""
    query = _selected().where(CUSTOM_MODELS.c.id > (after or NIL)).order_by(CUSTOM_MODELS.c.id)
    return await _models(connection, query.limit(limit))


async def lock_owner(connection: WriteConnection, user_id: str) -> None:
    """Lets one transaction at a time make models of this user."""
    await lock_for(connection, f"pantheon.catalog.custom_models.{user_id}")


async def number_of(connection: ReadConnection, user_id: str) -> int:
    """How many models the user owns, shared ones included."""
    query = select(func.count()).select_from(CUSTOM_MODELS).where(_LIVE, CUSTOM_MODELS.c.user_id == user_id)
    return (await connection.execute(query)).scalar_one()


async def add(connection: WriteConnection, model: CustomModel, sealed_key: bytes | None) -> bool:
    """Keeps a new model, without its prices. False: its model id is taken."""
    row = _row(model) | {"id": model.id, "create_time": model.create_time, "sealed_key": sealed_key}
    return (await connection.execute(insert(CUSTOM_MODELS).values(row).on_conflict_do_nothing())).rowcount == 1


async def write(connection: WriteConnection, model: CustomModel) -> bool:
    """Changes the model into this, without its prices and its key itself.

    False: its model id is taken; then the transaction is good for nothing but to be rolled back.
    """
    try:
        await connection.execute(update(CUSTOM_MODELS).where(CUSTOM_MODELS.c.id == model.id).values(_row(model)))
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) != _UNIQUE_VIOLATION:
            raise
        return False
    return True


async def write_key(connection: WriteConnection, id_: str, sealed_key: bytes | None) -> None:
    """Replaces the model's key; None: it has none from now on."""
    await connection.execute(update(CUSTOM_MODELS).where(CUSTOM_MODELS.c.id == id_).values(sealed_key=sealed_key))


async def remove(connection: WriteConnection, id_: str, now: datetime) -> None:
    """Takes the model out, its key for good. The row stays, because the ledger names its prices."""
    removed = {"removed_time": now, "sealed_key": None, "key_last_four": ""}
    await connection.execute(update(CUSTOM_MODELS).where(CUSTOM_MODELS.c.id == id_).values(removed))


async def append_price(connection: WriteConnection, id_: str, price: PriceVersion, cost: Cost | None) -> None:
    """Adds a price to those the model has had."""
    row = {"id": price.id, "custom_model_id": id_, "effective_time": price.effective}
    figures = {"input": cost.input, "output": cost.output} if cost else {"input": None, "output": None}
    await connection.execute(insert(CUSTOM_MODEL_PRICES).values(row | figures))


async def secrets(connection: ReadConnection, ids: Iterable[str]) -> list[SealedKey]:
    """The keys of those of these models that have one, in their envelopes; what is no id of any is left out."""
    wanted = bindparam(None, list(filter(is_id, ids)), type_=ARRAY(Uuid(as_uuid=False)))
    return await _sealed_keys(connection, CUSTOM_MODELS.c.id == any_(wanted))


async def all_secrets(connection: ReadConnection, *, after: str = "", limit: int) -> list[SealedKey]:
    """The keys of models whose id comes after `after`, in their envelopes, by id."""
    return await _sealed_keys(connection, CUSTOM_MODELS.c.id > (after or NIL), limit)


async def reseal(connection: WriteConnection, key: SealedKey, sealed: bytes) -> bool:
    """Puts the same key into another envelope. False: it was changed meanwhile."""
    same = (CUSTOM_MODELS.c.id == key.custom_model_id, CUSTOM_MODELS.c.sealed_key == key.sealed)
    return (await connection.execute(update(CUSTOM_MODELS).where(*same).values(sealed_key=sealed))).rowcount == 1


def _selected(lock: bool = False) -> Select[Any]:  # noqa: FBT001, FBT002 - private
    query = select(CUSTOM_MODELS).where(_LIVE)
    return query.with_for_update() if lock else query


async def _sealed_keys(
    connection: ReadConnection, which: ColumnElement[bool], limit: int | None = None
) -> list[SealedKey]:
    columns = CUSTOM_MODELS.c
    query = select(columns.id, columns.key_version, columns.api_endpoint, columns.sealed_key)
    query = query.where(_LIVE, columns.sealed_key.is_not(None), which).order_by(columns.id).limit(limit)
    rows = await connection.execute(query)
    return [SealedKey(row.id, row.key_version, origin_of(row.api_endpoint), row.sealed_key) for row in rows]


async def _models(connection: ReadConnection, query: Select[Any]) -> list[CustomModel]:
    rows = (await connection.execute(query)).all()
    ids = bindparam(None, [row.id for row in rows], type_=ARRAY(Uuid(as_uuid=False)))
    of_these = select(CUSTOM_MODEL_PRICES).where(CUSTOM_MODEL_PRICES.c.custom_model_id == any_(ids))
    found: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in await connection.execute(of_these.order_by(CUSTOM_MODEL_PRICES.c.effective_time)) if rows else ():
        found[row.custom_model_id].append(row)
    return [_model(row, found[row.id]) for row in rows]


def _cost(price: Row[Any]) -> Cost | None:
    return None if price.input is None else Cost(price.input, price.output)


def _model(row: Row[Any], prices: list[Row[Any]]) -> CustomModel:
    own: Mapping[str, Any] = {name: getattr(row, name) for name in _OWN}
    return CustomModel(
        id=row.id,
        user_id=row.user_id,
        organisation_id=row.organisation_id,
        description=Description(
            **own,
            project_id=row.project_id or "",
            parameters=Parameters(**{name: getattr(row, name) for name in PARAMETER_NAMES}),
            cost=_cost(prices[-1]) if prices else None,
        ),
        base_url=row.base_url,
        provider_hosted=row.provider_hosted,
        key=KeyMark(row.sealed_key is not None, row.key_last_four, row.key_version),
        prices=tuple(priced(price.id, price.effective_time, _cost(price)) for price in prices),
        create_time=row.create_time,
        update_time=row.update_time,
    )


def _row(model: CustomModel) -> dict[str, Any]:
    return {
        **{name: getattr(model.description, name) for name in _OWN},
        **asdict(model.description.parameters),
        "user_id": model.user_id,
        "organisation_id": model.organisation_id,
        "project_id": model.description.project_id or None,
        "base_url": model.base_url,
        "provider_hosted": model.provider_hosted,
        "key_last_four": model.key.last_four,
        "key_version": model.key.version,
        "update_time": model.update_time,
    }
