from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.local.databases import Databases
from services.runtime.tasks import Tasks
from tests.fixtures.databases import DatabaseTemplates, database_from, temporary_database
from tests.integration.auth.running import RunningAuth, running_auth, with_administrator

auth_database_url = database_from(with_administrator)


@pytest.fixture
async def auth(auth_database_url: str, tmp_path: Path) -> AsyncIterator[RunningAuth]:
    """The auth service on a database with one platform administrator."""
    async with running_auth(auth_database_url, tmp_path / "keys") as running:
        yield running


@pytest.fixture(scope="session")
async def unchanged_auth(
    postgres: Databases, database_templates: DatabaseTemplates, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningAuth]:
    """As `auth`, but shared by all tests that ask for it: for requests that are refused."""
    template = await database_templates.name_of(with_administrator)
    async with (
        temporary_database(postgres, template) as dsn,
        running_auth(dsn, tmp_path_factory.mktemp("keys")) as running,
    ):
        yield running


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    """Background tasks of the test; none may fail."""
    group = Tasks()
    yield group
    await group.close()
    assert not group.failed.is_set()
