"""Where auth keeps what it keeps: schema `auth` of the database."""

from pathlib import Path

from services.auth.settings import AuthSettings
from services.runtime.db import Database
from services.runtime.migrations import migrate

NAME = "auth"
MIGRATIONS = Path(__file__).parent / "migrations"


async def migrate_schema(settings: AuthSettings) -> None:
    """Brings the schema up to date."""
    await migrate(settings.database_url.get_secret_value(), schema=NAME, directory=MIGRATIONS)


def open_database(settings: AuthSettings) -> Database:
    """A pool of connections bound to the schema; who opens it closes it."""
    return Database(settings.database_url.get_secret_value(), schema=NAME)
