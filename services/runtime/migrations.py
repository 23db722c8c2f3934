"""Brings a service's schema up to date: alembic revisions from `services/<service>/migrations/versions`."""

from pathlib import Path

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.runtime.db import async_url


async def migrate(dsn: str, *, schema: str, directory: Path) -> None:
    """Creates the schema and applies what is missing, all in one transaction.

    Replicas that start together wait for each other on an advisory lock, so each revision is applied once.
    """
    script = _script(directory)
    engine = create_async_engine(async_url(dsn), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"pantheon.migrate.{schema}"}
            )
            await connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
            await connection.execute(text(f'SET LOCAL search_path TO "{schema}"'))
            await connection.run_sync(_upgrade, script, schema)
    finally:
        await engine.dispose()


def _script(directory: Path) -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(directory))
    config.set_main_option("path_separator", "newline")
    return ScriptDirectory.from_config(config)


def _upgrade(connection: Connection, script: ScriptDirectory, schema: str) -> None:
    def steps(revision: object, _: MigrationContext) -> object:
        return script._upgrade_revs("head", revision)  # type: ignore[arg-type]  # noqa: SLF001 - alembic's own env.py way

    environment = EnvironmentContext(Config(), script, fn=steps)
    environment.configure(connection=connection, version_table_schema=schema, transactional_ddl=True)
    with environment:
        environment.run_migrations()
