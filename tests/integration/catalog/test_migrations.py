from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from services.catalog.tables import METADATA, SCHEMA
from services.runtime.db import async_url
from tests.integration.catalog.conftest import migrated

# The migration tool's own table, and those of the outbox, which the runtime queries.
OTHERS = ("alembic_version", "outbox", "revision")


async def test_the_migrations_make_the_tables_that_are_queried(catalog_database_url: str) -> None:
    engine = create_async_engine(async_url(catalog_database_url))
    try:
        async with engine.connect() as connection:
            assert await connection.run_sync(_differences) == []
    finally:
        await engine.dispose()


async def test_migrating_again_changes_nothing(catalog_database_url: str) -> None:
    await migrated(catalog_database_url)


def _differences(connection: Connection) -> object:
    def is_ours(_: object, name: str | None, kind: str, *__: object) -> bool:
        return not (kind == "table" and name in OTHERS)

    options = {
        "include_schemas": True,
        "include_name": lambda name, kind, _: kind != "schema" or name == SCHEMA,
        "include_object": is_ours,
    }
    return compare_metadata(MigrationContext.configure(connection, opts=options), METADATA)
