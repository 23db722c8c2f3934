from uuid import UUID

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from services.runtime.db import async_url
from services.usage.schema import migrate_schema
from services.usage.store.ledger import COLUMNS
from services.usage.tables import METADATA, SCHEMA
from tests.fixtures.completion_events import Traffic, message
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
        "SELECT attname FROM pg_attribute WHERE attrelid = 'ledger_entry_2'::regclass ORDER BY attnum"
    )
    assert tuple(name for (name,) in attributes) == COLUMNS


async def test_a_replica_of_the_version_before_still_books(replica: Replica, traffic: Traffic, spool: UUID) -> None:
    await replica.take(message(spool, 1, [traffic.attempt()[1]]))
    attributes = await replica.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'ledger_entry'::regclass ORDER BY attnum"
    )
    columns = ", ".join(name for (name,) in attributes)
    copied = columns.replace("attempt_id", "uuidv7() AS attempt_id").replace("id,", "uuidv7() AS id,", 1)
    await replica.execute(
        f"INSERT INTO ledger ({columns}) SELECT (row).* FROM unnest("  # noqa: S608 - names of columns
        f"ARRAY(SELECT ROW(entry.*)::ledger_entry FROM (SELECT {copied} FROM ledger) AS entry)) AS row"
    )
    rows = await replica.fetch("SELECT price_override_id, web_searches FROM ledger")
    assert rows == [("", None), ("", None)]
