import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, delete, text, update
from sqlalchemy.exc import DBAPIError

from services.auth import schema
from services.auth.tables import audit_log, metadata
from tests.integration.auth.running import RunningAuth, settings

# What the runtime keeps in every schema that has an outbox, and alembic's own.
NOT_OURS = {"revision", "outbox", "alembic_version"}


async def test_the_tables_are_what_the_migrations_make(auth: RunningAuth) -> None:
    def differences(connection: Connection) -> list[object]:
        def is_ours(name: str | None, kind: str, parents: object) -> bool:
            # Indexes only serve queries: they are the migrations' business.
            return kind != "index" and (kind != "table" or name not in NOT_OURS)

        options = {"include_name": is_ours, "compare_type": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    async with auth.db.read() as connection:
        found = await connection.run_sync(differences)
    assert found == []


async def test_migrating_again_changes_nothing(auth_database_url: str) -> None:
    await schema.migrate_schema(settings(auth_database_url))


@pytest.mark.parametrize(
    "statement", (update(audit_log).values(subject="nothing"), delete(audit_log), text("TRUNCATE audit_log"))
)
async def test_what_is_in_the_audit_log_stays_there(auth: RunningAuth, statement: object) -> None:
    async with auth.db.write() as connection:
        with pytest.raises(DBAPIError, match="audit_log is append-only"):
            await connection.execute(statement)  # type: ignore[call-overload]
        await connection.rollback()
