"""Provider rows."""

from collections.abc import Iterable
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from services.catalog.entities import Provider, ProviderFlags
from services.catalog.tables import PROVIDER_KEYS, PROVIDERS
from services.runtime.db import ReadConnection, WriteConnection
from services.runtime.ids import NIL

_FLAGS = tuple(field.name for field in fields(ProviderFlags))
_CIRCUMSTANCES = ("base_url", "configured", "sandbox", "key_fingerprint", "environment_keys")
_OWN = tuple(field.name for field in fields(Provider) if field.name != "flags")


async def page(
    connection: ReadConnection, *, after: str = "", limit: int | None = None, configured_only: bool = False
) -> list[Provider]:
    """Providers whose name comes after `after`, by name."""
    query = select(PROVIDERS).where(PROVIDERS.c.name > after).order_by(PROVIDERS.c.name).limit(limit)
    if configured_only:
        query = query.where(PROVIDERS.c.configured)
    return [_provider(row) for row in await connection.execute(query)]


async def by_name(connection: ReadConnection, names: Iterable[str]) -> list[Provider]:
    """The providers of these names, by name."""
    query = select(PROVIDERS).where(PROVIDERS.c.name.in_(list(names))).order_by(PROVIDERS.c.name)
    return [_provider(row) for row in await connection.execute(query)]


async def find(connection: ReadConnection, name: str) -> Provider | None:
    """The provider of this name."""
    row = (await connection.execute(select(PROVIDERS).where(PROVIDERS.c.name == name))).one_or_none()
    return _provider(row) if row else None


async def lock(connection: WriteConnection, name: str) -> Provider:
    """The provider of this name, which is there; nobody else changes it or its keys until the transaction ends."""
    query = select(PROVIDERS).where(PROVIDERS.c.name == name).with_for_update(key_share=True)
    return _provider((await connection.execute(query)).one())


async def lock_all(connection: WriteConnection) -> list[Provider]:
    """As `lock`, all of them, by name."""
    query = select(PROVIDERS).order_by(PROVIDERS.c.name).with_for_update(key_share=True)
    return [_provider(row) for row in await connection.execute(query)]


async def usable(connection: ReadConnection, organisation_id: str) -> list[Provider]:
    """The providers that this organisation's requests can go to, by name: configured, or with keys of its own."""
    query = select(PROVIDERS).where(is_usable(organisation_id)).order_by(PROVIDERS.c.name)
    return [_provider(row) for row in await connection.execute(query)]


def is_usable(organisation_id: str) -> ColumnElement[bool]:
    """Whether a row is of a provider that this organisation's requests can go to; without one: anybody's."""
    own = exists().where(
        PROVIDER_KEYS.c.provider == PROVIDERS.c.name, PROVIDER_KEYS.c.organisation_id == (organisation_id or NIL)
    )
    return or_(PROVIDERS.c.configured, and_(PROVIDERS.c.base_url != "", own))


async def seed_digests(connection: ReadConnection) -> dict[str, bytes]:
    """What the seed wrote last, by provider; empty for a provider that is not from the seed."""
    rows = await connection.execute(select(PROVIDERS.c.name, PROVIDERS.c.seed_digest))
    return {row.name: row.seed_digest or b"" for row in rows}


async def write(connection: WriteConnection, provider: Provider, seed_digest: bytes) -> None:
    """Makes the provider, or changes it into this; what depends on the catalog's environment stays as it is."""
    values = {**_values(provider), "seed_digest": seed_digest}
    changed = {name: value for name, value in values.items() if name not in _CIRCUMSTANCES}
    statement = insert(PROVIDERS).values(values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=changed))


async def write_circumstances(connection: WriteConnection, provider: Provider) -> None:
    """Changes what depends on the catalog's environment."""
    values = {name: getattr(provider, name) for name in _CIRCUMSTANCES}
    await connection.execute(update(PROVIDERS).where(PROVIDERS.c.name == provider.name).values(values))


def _values(provider: Provider) -> dict[str, Any]:
    return {name: getattr(provider, name) for name in _OWN} | asdict(provider.flags)


def _provider(row: Row[Any]) -> Provider:
    flags = ProviderFlags(**{name: getattr(row, name) for name in _FLAGS})
    return Provider(flags=flags, **{name: getattr(row, name) for name in _OWN})
