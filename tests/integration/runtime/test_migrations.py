import subprocess
import sys
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

import services
from services.runtime.db import async_url
from services.runtime.migrations import migrate, newest

SCHEMA = "sample"
REVISION = """
from alembic import op

revision, down_revision, branch_labels, depends_on = {this!r}, {before!r}, None, None


def upgrade() -> None:
    op.execute("CREATE TABLE made_by_{this} ()")
"""
ALEMBIC_WANTED = """
import asyncio, sys
from pathlib import Path
from services.runtime.migrations import migrate

asyncio.run(migrate(sys.argv[1], schema=sys.argv[2], directory=Path(sys.argv[3])))
print("alembic" in sys.modules)
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "versions").mkdir()
    add_revision(tmp_path, "0001", before=None)
    return tmp_path


def add_revision(directory: Path, this: str, *, before: str | None) -> None:
    (directory / "versions" / f"{this}_sample.py").write_text(REVISION.format(this=this, before=before))


async def tables(dsn: str) -> set[str]:
    engine = create_async_engine(async_url(dsn))
    try:
        async with engine.connect() as connection:
            found = await connection.scalars(
                text("SELECT tablename FROM pg_tables WHERE schemaname = :schema"), {"schema": SCHEMA}
            )
            return set(found) - {"alembic_version"}
    finally:
        await engine.dispose()


def wants_alembic(dsn: str, directory: Path) -> bool:
    """Migrates in a process of its own, and says whether that imported alembic."""
    arguments = [sys.executable, "-c", ALEMBIC_WANTED, dsn, SCHEMA, str(directory)]
    run = subprocess.run(arguments, capture_output=True, text=True, timeout=30, check=True)
    return run.stdout == "True\n"


async def test_what_is_missing_is_applied_each_time(database_url: str, directory: Path) -> None:
    await migrate(database_url, schema=SCHEMA, directory=directory)
    assert await tables(database_url) == {"made_by_0001"}
    add_revision(directory, "0002", before="0001")
    add_revision(directory, "0003", before="0002")
    await migrate(database_url, schema=SCHEMA, directory=directory)
    assert await tables(database_url) == {"made_by_0001", "made_by_0002", "made_by_0003"}


async def test_a_schema_that_lacks_nothing_starts_without_alembic(database_url: str, directory: Path) -> None:
    assert wants_alembic(database_url, directory)
    assert not wants_alembic(database_url, directory)


async def test_a_schema_of_a_later_release_is_refused(database_url: str, directory: Path) -> None:
    add_revision(directory, "0002", before="0001")
    await migrate(database_url, schema=SCHEMA, directory=directory)
    (directory / "versions" / "0002_sample.py").unlink()
    with pytest.raises(CommandError, match="0002"):
        await migrate(database_url, schema=SCHEMA, directory=directory)


@pytest.mark.parametrize("service", ("auth", "catalog", "usage"))
def test_the_last_file_is_the_last_revision(service: str) -> None:
    directory = Path(services.__file__).parent / service / "migrations"
    assert ScriptDirectory(str(directory)).get_current_head() == newest(directory)
