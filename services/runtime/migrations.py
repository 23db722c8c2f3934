"""Brings a service's schema up to date: alembic revisions from `services/<service>/migrations/versions`."""

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from services.runtime.db import async_url, lock_for


async def migrate(dsn: str, *, schema: str, directory: Path) -> None:
    """Creates the schema and applies what is missing, all in one transaction.

    Replicas that start together wait for each other on an advisory lock, so each revision is applied once.
    """
    engine = create_async_engine(async_url(dsn), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await lock_for(connection, f"pantheon.migrate.{schema}")
            if await _applied(connection, schema) == newest(directory):
                return
            from services.runtime.upgrade import upgrade  # noqa: PLC0415 - its head says why

            await connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
            await connection.execute(text(f'SET LOCAL search_path TO "{schema}"'))
            await connection.run_sync(upgrade, directory, schema)
    finally:
        await engine.dispose()


def newest(directory: Path) -> str:
    """The last revision there is: files are named `<revision>_<what it does>.py`, and revisions are numbered."""
    return max(file.name for file in (directory / "versions").glob("*_*.py")).partition("_")[0]


async def _applied(connection: AsyncConnection, schema: str) -> str | None:
    """The revision that the schema is at; None before the first."""
    table = f'"{schema}".alembic_version'
    if await connection.scalar(text("SELECT to_regclass(:table)"), {"table": table}) is None:
        return None
    found: str | None = await connection.scalar(text(f"SELECT version_num FROM {table}"))  # noqa: S608 - our own name
    return found
