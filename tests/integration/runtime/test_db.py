"""A database that goes away and comes back, as those see it who use it."""

import pytest
from sqlalchemy.exc import DBAPIError

from services.local.ports import free_port
from services.local.postgres import LocalPostgres
from services.runtime.db import Database, driver
from services.runtime.errors import DependencyUnavailable


async def test_a_database_that_nobody_serves_is_unavailable() -> None:
    db = Database(f"postgresql://nobody@127.0.0.1:{free_port()}/none", schema="public")
    for transaction in (db.write, db.read, db.snapshot):
        with pytest.raises(DependencyUnavailable, match="database"):
            async with transaction():
                raise AssertionError("nobody can be here")
    await db.close()


@pytest.mark.parametrize("raw", (True, False))
async def test_a_database_that_goes_away_amid_a_transaction_is_unavailable_until_it_is_back(
    own_postgres: LocalPostgres, raw: bool
) -> None:
    db = Database(own_postgres.dsn(), schema="public")

    async def interrupted() -> None:
        async with db.write() as connection:
            beneath = await driver(connection)
            await own_postgres.stop("immediate")
            await (beneath.execute("SELECT 1") if raw else connection.exec_driver_sql("SELECT 1"))

    with pytest.raises(DependencyUnavailable):
        await interrupted()
    await own_postgres.start()
    await db.ping()
    await db.close()


async def test_what_else_fails_in_a_transaction_stays_what_it_is(own_postgres: LocalPostgres) -> None:
    db = Database(own_postgres.dsn(), schema="public")
    with pytest.raises(ConnectionRefusedError):
        async with db.write():
            raise ConnectionRefusedError
    with pytest.raises(DBAPIError, match="does not exist"):
        async with db.write() as connection:
            await connection.exec_driver_sql("SELECT * FROM nothing")
    await db.close()
