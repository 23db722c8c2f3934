"""Provider rows."""

from collections.abc import Iterable
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert

from services.catalog.entities import Provider, ProviderFlags
from services.catalog.tables import PROVIDERS
from services.runtime.db import ReadConnection, WriteConnection

_FLAGS = tuple(field.name for field in fields(ProviderFlags))
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


async def seed_digests(connection: ReadConnection) -> dict[str, bytes]:
    """What the seed wrote last, by provider; empty for a provider that is not from the seed."""
    rows = await connection.execute(select(PROVIDERS.c.name, PROVIDERS.c.seed_digest))
    return {row.name: row.seed_digest or b"" for row in rows}


async def write(connection: WriteConnection, provider: Provider, seed_digest: bytes) -> None:
    """Makes the provider, or changes it into this."""
    values = {**_values(provider), "seed_digest": seed_digest}
    statement = insert(PROVIDERS).values(values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


async def write_circumstances(connection: WriteConnection, provider: Provider) -> None:
    """Changes what depends on the catalog's environment."""
    values = {
        "base_url": provider.base_url,
        "configured": provider.configured,
        "sandbox": provider.sandbox,
        "key_fingerprint": provider.key_fingerprint,
    }
    await connection.execute(update(PROVIDERS).where(PROVIDERS.c.name == provider.name).values(values))


def _values(provider: Provider) -> dict[str, Any]:
    return {name: getattr(provider, name) for name in _OWN} | asdict(provider.flags)


def _provider(row: Row[Any]) -> Provider:
    flags = ProviderFlags(**{name: getattr(row, name) for name in _FLAGS})
    return Provider(flags=flags, **{name: getattr(row, name) for name in _OWN})
