from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from services.runtime.db import async_url
from services.usage.schema import migrate_schema
from services.usage.store.ledger import COLUMNS
from services.usage.tables import METADATA, SCHEMA
from tests.integration.usage.running import Replica


async def test_the_migrations_make_the_tables_that_are_queried(usage_database_url: str) -> None:
    engine = create_async_engine(async_url(usage_database_url))
    try:
        async with engine.connect() as connection:
            assert await connection.run_sync(_differences) == []
    finally:
        await engine.dispose()


async def test_migrating_again_changes_nothing(usage_database_url: str) -> None:
    await migrate_schema(usage_database_url)


def _differences(connection: Connection) -> object:
    def is_ours(_: object, name: str | None, kind: str, *__: object) -> bool:
        # Indexes and foreign keys matter to Postgres, not to the queries.
        return kind in {"table", "column"} and name != "alembic_version"

    options = {
        "include_schemas": True,
        "include_name": lambda name, kind, _: kind != "schema" or name == SCHEMA,
        "include_object": is_ours,
        "compare_type": True,
    }
    return compare_metadata(MigrationContext.configure(connection, opts=options), METADATA)


async def test_entries_are_sent_in_the_order_of_the_ledger_s_columns(replica: Replica) -> None:
    attributes = await replica.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'ledger_entry'::regclass ORDER BY attnum"
    )
    assert tuple(name for (name,) in attributes) == COLUMNS
