import asyncpg
import pytest

from services.local.databases import Databases
from tests.fixtures.databases import DatabaseTemplates, database_from


async def build_prices(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("CREATE TABLE prices (model text PRIMARY KEY, price numeric)")
        await connection.execute("INSERT INTO prices VALUES ('openai/gpt-4', 30)")
        # Only one worker of the run may ever get here: a second build would see the mark of the first.
        await connection.execute("CREATE ROLE prices_built_once")
    finally:
        await connection.close()


async def build_in_vain(dsn: str) -> None:
    raise ValueError("migration 7 failed")


prices_url = database_from(build_prices)


async def names(dsn: str, query: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        return [row[0] for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def test_a_test_gets_an_empty_database_of_its_own(database_url: str, postgres: Databases) -> None:
    assert database_url.startswith("postgresql://pantheon:")
    assert await names(database_url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == []
    assert database_url != postgres.dsn("postgres")


@pytest.mark.parametrize("repeat", range(3))
async def test_each_test_gets_its_own_copy_of_a_template(prices_url: str, repeat: int) -> None:
    connection = await asyncpg.connect(prices_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM prices") == 1
        await connection.execute("INSERT INTO prices VALUES ('openai/gpt-5', 20)")
    finally:
        await connection.close()


async def test_a_failed_template_is_the_failure_of_the_test_and_leaves_none(
    database_templates: DatabaseTemplates, postgres: Databases
) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="migration 7 failed"):
            await database_templates.name_of(build_in_vain)
