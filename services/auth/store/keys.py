"""API keys. Only the hash of a secret is known here."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, insert, or_, select, update

from services.auth.entities import ApiKey, OwnedKey
from services.auth.tables import api_keys, users
from services.runtime.db import ReadConnection, WriteConnection


async def add_key(connection: WriteConnection, key: ApiKey) -> None:
    """Keeps a new key."""
    await connection.execute(insert(api_keys).values(asdict(key)))


async def list_keys(
    connection: ReadConnection,
    *,
    organisation_id: UUID,
    user_id: UUID | None,
    live_at: datetime | None,
    before: UUID | None,
    limit: int,
) -> Sequence[ApiKey]:
    """Newest first, those before the id `before`: of one user or all, and only live ones if `live_at` is given."""
    query = select(api_keys).where(api_keys.c.organisation_id == organisation_id)
    if user_id is not None:
        query = query.where(api_keys.c.user_id == user_id)
    if live_at is not None:
        query = query.where(_live(live_at))
    if before is not None:
        query = query.where(api_keys.c.id < before)
    rows = await connection.execute(query.order_by(api_keys.c.id.desc()).limit(limit))
    return [_key(row) for row in rows]


async def lock_key(connection: WriteConnection, key_id: UUID, organisation_id: UUID) -> ApiKey | None:
    """The key, if the organisation has it; nobody else changes it before this transaction ends."""
    query = select(api_keys).where(api_keys.c.id == key_id, api_keys.c.organisation_id == organisation_id)
    row = (await connection.execute(query.with_for_update())).one_or_none()
    return _key(row) if row else None


async def mark_revoked(connection: WriteConnection, key: ApiKey) -> None:
    """Keeps the key's `revoked_at`."""
    await connection.execute(update(api_keys).where(api_keys.c.id == key.id).values(revoked_at=key.revoked_at))


async def find_live_key(connection: ReadConnection, secret_hash: bytes, now: datetime) -> OwnedKey | None:
    """The key with this hash, if it works at this moment."""
    query = _owned_and_live(now).where(api_keys.c.secret_hash == secret_hash)
    row = (await connection.execute(query)).one_or_none()
    return OwnedKey(_key(row[:-1]), row[-1]) if row else None


async def every_live_key(connection: ReadConnection, now: datetime) -> AsyncIterator[OwnedKey]:
    """All keys that work at this moment."""
    async with connection.stream(_owned_and_live(now)) as rows:
        async for row in rows:
            yield OwnedKey(_key(row[:-1]), row[-1])


def _owned_and_live(now: datetime) -> Select[*tuple[Any, ...]]:
    owned = api_keys.join(users, users.c.id == api_keys.c.user_id)
    return select(*api_keys.c, users.c.role).select_from(owned).where(_live(now), users.c.disabled_at.is_(None))


def _live(now: datetime) -> ColumnElement[bool]:
    unexpired = or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now)
    return and_(api_keys.c.revoked_at.is_(None), unexpired)


def _key(row: Sequence[Any]) -> ApiKey:
    values = dict(zip(api_keys.c.keys(), row, strict=True))
    return ApiKey(**{**values, "scopes": tuple(values["scopes"])})
