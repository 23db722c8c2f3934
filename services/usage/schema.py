"""Where the ledger is kept: schema `usage` of the database."""

from pathlib import Path

from services.runtime.migrations import migrate
from services.usage.tables import SCHEMA

MIGRATIONS = Path(__file__).with_name("migrations")


async def migrate_schema(dsn: str) -> None:
    """Brings the schema up to date."""
    await migrate(dsn, schema=SCHEMA, directory=MIGRATIONS)
