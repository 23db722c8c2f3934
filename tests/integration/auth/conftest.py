from collections.abc import AsyncIterator

import pytest

from services.local.databases import Databases
from services.runtime.tasks import Tasks
from tests.fixtures.databases import DatabaseTemplates, database_from, temporary_database
from tests.integration.auth.running import RunningAuth, running_auth, with_administrator, without_users

auth_database_url = database_from(with_administrator)
userless_url = database_from(without_users)


@pytest.fixture(scope="session")
async def service(
    postgres: Databases, database_templates: DatabaseTemplates, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningAuth]:
    """The auth service, shared by the tests of a worker; they ask for `auth`."""
    template = await database_templates.name_of(with_administrator)
    async with (
        temporary_database(postgres, template) as dsn,
        running_auth(dsn, tmp_path_factory.mktemp("keys")) as running,
    ):
        yield running


@pytest.fixture
async def auth(service: RunningAuth) -> RunningAuth:
    """The auth service, with nobody but one platform administrator."""
    await service.begin_anew()
    return service


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    """Background tasks of the test; none may fail."""
    group = Tasks()
    yield group
    await group.close()
    assert not group.failed.is_set()
