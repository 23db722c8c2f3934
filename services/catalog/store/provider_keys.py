"""Keys for providers in their envelopes, and what providers say of keys."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Row, Uuid, any_, bindparam, delete, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from pantheon.catalog.v1.provider_key_pb2 import ProviderKeyStatus
from services.catalog.provider_keys import KeyStatus, ProviderKey, SealedKey
from services.catalog.tables import PROVIDER_KEY_STATUSES, PROVIDER_KEYS
from services.runtime.db import ReadConnection, WriteConnection
from services.runtime.ids import NIL, is_id

_KEYS = PROVIDER_KEYS.c
_STATUSES = PROVIDER_KEY_STATUSES.c
_SHOWN = (_KEYS.id, _KEYS.provider, _KEYS.organisation_id, _KEYS.label, _KEYS.last_four, _KEYS.create_time)


async def add(
    connection: WriteConnection, key: ProviderKey, *, fingerprint: bytes, sealed: bytes, user_id: str
) -> bool:
    """Keeps a new key. False: it is kept already for this provider and organisation."""
    row = {**asdict(key), "organisation_id": key.organisation_id or None}
    row |= {"fingerprint": fingerprint, "sealed": sealed, "user_id": user_id}
    return (await connection.execute(insert(PROVIDER_KEYS).values(row).on_conflict_do_nothing())).rowcount == 1


async def same(connection: ReadConnection, provider: str, organisation_id: str, fingerprint: bytes) -> str:
    """The id of the key of this fingerprint; empty: there is none."""
    query = select(_KEYS.id).where(*_of(provider, organisation_id), _KEYS.fingerprint == fingerprint)
    return (await connection.execute(query)).scalar_one_or_none() or ""


async def find(connection: ReadConnection, key_id: str) -> SealedKey | None:
    """The key of this id, whoever's it is."""
    if not is_id(key_id):
        return None
    row = (await connection.execute(_sealed(_KEYS.id == key_id))).one_or_none()
    return _sealed_key(row) if row else None


async def keep_from_removal(connection: WriteConnection, key_id: str) -> bool:
    """Sees to it that the key is there until the transaction ends. False: it is not there now."""
    query = select(_KEYS.id).where(_KEYS.id == key_id).with_for_update(read=True, key_share=True)
    return is_id(key_id) and (await connection.execute(query)).one_or_none() is not None


async def page(
    connection: ReadConnection,
    organisation_id: str,
    *,
    with_platform: bool,
    provider: str,
    after: tuple[str, str],
    limit: int,
) -> list[ProviderKey]:
    """The organisation's keys, and the platform's if asked for, by provider, oldest first, from (provider, id) on."""
    own = _KEYS.organisation_id == organisation_id
    query = select(*_SHOWN).where(or_(own, _KEYS.organisation_id.is_(None)) if with_platform else own)
    if provider:
        query = query.where(_KEYS.provider == provider)
    place = tuple_(*after, types=[_KEYS.provider.type, _KEYS.id.type])
    query = query.where(tuple_(_KEYS.provider, _KEYS.id) > place).order_by(_KEYS.provider, _KEYS.id)
    rows: Iterable[Row[Any]] = await connection.execute(query.limit(limit))
    return [_key(row) for row in rows]


async def remove(connection: WriteConnection, key_id: str) -> bool:
    """Takes the key away, and what was said of it. False: somebody else has."""
    gone = (await connection.execute(delete(PROVIDER_KEYS).where(_KEYS.id == key_id))).rowcount == 1
    await connection.execute(delete(PROVIDER_KEY_STATUSES).where(_STATUSES.key_id == key_id))
    return gone


async def count(connection: ReadConnection, provider: str, organisation_id: str) -> int:
    """How many keys the organisation has for the provider; without one: the platform."""
    query = select(func.count()).select_from(PROVIDER_KEYS).where(*_of(provider, organisation_id))
    return (await connection.execute(query)).scalar_one()


async def counts(connection: ReadConnection) -> dict[tuple[str, str], int]:
    """How many there are of each provider and organisation; without one: of the platform."""
    query = select(_KEYS.provider, _KEYS.organisation_id, func.count().label("keys"))
    rows = await connection.execute(query.group_by(_KEYS.provider, _KEYS.organisation_id))
    return {(row.provider, row.organisation_id or ""): row.keys for row in rows}


async def everything(connection: ReadConnection) -> list[SealedKey]:
    """All keys in their envelopes, by provider, oldest first."""
    return [_sealed_key(row) for row in await connection.execute(_sealed().order_by(_KEYS.provider, _KEYS.id))]


async def all_after(connection: ReadConnection, *, after: str = "", limit: int) -> list[SealedKey]:
    """The keys whose id comes after `after`, by id."""
    query = _sealed(_KEYS.id > (after or NIL)).order_by(_KEYS.id).limit(limit)
    return [_sealed_key(row) for row in await connection.execute(query)]


async def reseal(connection: WriteConnection, key: SealedKey, sealed: bytes) -> bool:
    """Puts the same key into another envelope. False: it is in another already, or gone."""
    same_one = (_KEYS.id == key.key.id, _KEYS.sealed == key.sealed)
    return (await connection.execute(update(PROVIDER_KEYS).where(*same_one).values(sealed=sealed))).rowcount == 1


async def statuses(connection: ReadConnection, key_ids: Iterable[str]) -> dict[str, KeyStatus]:
    """What was last said of these keys; those that nobody was asked about are left out."""
    wanted = bindparam(None, list(key_ids), type_=ARRAY(Uuid(as_uuid=False)))
    rows = await connection.execute(select(PROVIDER_KEY_STATUSES).where(_STATUSES.key_id == any_(wanted)))
    return {row.key_id: KeyStatus(ProviderKeyStatus.ValueType(row.status), row.status_time) for row in rows}


async def note(connection: WriteConnection, key_id: str, status: KeyStatus) -> None:
    """Keeps what was said of a key; where it was said before, with the new time."""
    values = {"status": status.status, "status_time": status.time}
    statement = insert(PROVIDER_KEY_STATUSES).values(key_id=key_id, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["key_id"], set_=values))


async def note_change(connection: WriteConnection, key_id: str, status: KeyStatus) -> bool:
    """As `note`, but nothing is written where the same was said before. Says whether something was."""
    values = {"status": status.status, "status_time": status.time}
    statement = insert(PROVIDER_KEY_STATUSES).values(key_id=key_id, **values)
    changed = _STATUSES.status != statement.excluded.status
    result = await connection.execute(
        statement.on_conflict_do_update(index_elements=["key_id"], set_=values, where=changed)
    )
    return result.rowcount == 1


def _of(provider: str, organisation_id: str) -> tuple[ColumnElement[bool], ...]:
    whose = _KEYS.organisation_id == organisation_id if organisation_id else _KEYS.organisation_id.is_(None)
    return (_KEYS.provider == provider, whose)


def _sealed(*which: ColumnElement[bool]) -> Any:
    return select(*_SHOWN, _KEYS.sealed).where(*which)


def _sealed_key(row: Row[Any]) -> SealedKey:
    return SealedKey(_key(row), row.sealed)


def _key(row: Row[Any]) -> ProviderKey:
    return ProviderKey(
        id=row.id,
        provider=row.provider,
        organisation_id=row.organisation_id or "",
        label=row.label,
        last_four=row.last_four,
        create_time=row.create_time,
    )
