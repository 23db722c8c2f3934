"""Fixtures: the edge in front of services in memory, and in front of a real catalog."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2 as httpx
import pytest

from services.local.databases import Databases
from services.runtime.identity import generate
from tests.fixtures.databases import DatabaseTemplates, database_from, temporary_database
from tests.integration.catalog.conftest import migrated
from tests.integration.catalog.judge import JUDGED, Judge, judging
from tests.integration.edge.grounds import Grounds, grounds_on
from tests.integration.edge.running import Behind, client_of, running_edge, running_services
from tests.integration.edge.services import KEY

catalog_database_url = database_from(migrated)


@pytest.fixture(scope="session")
async def shared_services() -> AsyncIterator[Behind]:
    """Started once; `behind` is how a test gets them."""
    async with running_services() as behind:
        yield behind


@pytest.fixture(scope="session")
async def edge_url(shared_services: Behind) -> AsyncIterator[str]:
    """Where the edge in front of them is."""
    async with running_edge(shared_services.settings) as url:
        yield url


@pytest.fixture
def behind(shared_services: Behind) -> Behind:
    """The services as if just started."""
    shared_services.auth.reset()
    shared_services.catalog.reset()
    shared_services.usage.reset()
    shared_services.router.reset()
    return shared_services


@pytest.fixture
async def anyone(behind: Behind, edge_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client without credentials."""
    async with client_of(edge_url) as client:
        yield client


@pytest.fixture
def ada(anyone: httpx.AsyncClient) -> httpx.AsyncClient:
    """The same with an API key."""
    anyone.headers["authorization"] = f"Bearer {KEY}"
    return anyone


@pytest.fixture(scope="session")
def service_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the identities of "catalog" and "router"."""
    directory = tmp_path_factory.mktemp("service-keys")
    generate(directory, ["catalog", "router"])
    return directory


@pytest.fixture(scope="session")
async def judge() -> AsyncIterator[Judge]:
    """Whom the real catalog asks about keys."""
    async with judging() as judge:
        yield judge


@pytest.fixture(scope="session")
async def grounds(
    postgres: Databases,
    database_templates: DatabaseTemplates,
    service_keys: Path,
    shared_services: Behind,
    judge: Judge,
) -> AsyncIterator[Grounds]:
    """A real catalog behind the edge, for tests that look only at people of their own; OpenAI has a key."""
    template = await database_templates.name_of(migrated)
    async with (
        temporary_database(postgres, template) as dsn,
        grounds_on(dsn, service_keys, shared_services, JUDGED, judge.with_a_key) as grounds,
    ):
        yield grounds
