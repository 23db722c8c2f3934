"""Catalogs on a database and a NATS of the test's own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest

from pantheon.auth.v1.access_pb2 import ROLE_ORGANISATION_ADMIN, ROLE_PLATFORM_ADMIN
from services import catalog as package
from services.catalog.tables import SCHEMA
from services.local.databases import Databases
from services.local.nats import LocalNats
from services.runtime.bus import Bus
from services.runtime.identity import generate
from services.runtime.ids import uuid7
from services.runtime.migrations import migrate
from tests.fixtures.databases import DatabaseTemplates, database_from, temporary_database
from tests.integration.catalog.judge import JUDGED, Judge, judging
from tests.integration.catalog.people import Person
from tests.integration.catalog.replica import Catalog, Metadata, StartCatalog, as_user, started

MIGRATIONS = Path(package.__file__).with_name("migrations")


async def migrated(dsn: str) -> None:
    await migrate(dsn, schema=SCHEMA, directory=MIGRATIONS)


catalog_database_url = database_from(migrated)


@pytest.fixture
async def bus(own_nats: LocalNats) -> AsyncIterator[Bus]:
    connected = await Bus.connect(own_nats.url, name="tests")
    yield connected
    await connected.close()


@pytest.fixture(scope="session")
def service_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the identities of "catalog" and "router"."""
    directory = tmp_path_factory.mktemp("service-keys")
    generate(directory, ["catalog", "router"])
    return directory


@pytest.fixture(scope="session")
async def catalog(
    postgres: Databases, database_templates: DatabaseTemplates, service_keys: Path
) -> AsyncIterator[Catalog]:
    """The sample seed, for tests that restart nothing and look only at users of their own.

    OpenAI has a key, OpenRouter and Anthropic have none.
    """
    template = await database_templates.name_of(migrated)
    async with temporary_database(postgres, template) as dsn, AsyncExitStack() as stack:
        yield await started(stack, dsn, service_keys)


@pytest.fixture
async def start_catalog(catalog_database_url: str, service_keys: Path) -> AsyncIterator[StartCatalog]:
    """Starts replicas on a database of the test's own: `await start_catalog(seed, environment=..., bus=...)`."""
    async with AsyncExitStack() as stack:
        yield partial(started, stack, catalog_database_url, service_keys)


@pytest.fixture
async def own_catalog(start_catalog: StartCatalog) -> Catalog:
    """The same as `catalog` in a database of the test's own."""
    return await start_catalog()


@pytest.fixture(scope="session")
async def judge() -> AsyncIterator[Judge]:
    """A provider that is asked about keys."""
    async with judging() as judge:
        yield judge


@pytest.fixture(scope="session")
async def asking(
    postgres: Databases, database_templates: DatabaseTemplates, service_keys: Path, judge: Judge
) -> AsyncIterator[Catalog]:
    """A catalog whose providers are the judge, for tests that set no key for everybody; OpenAI has one."""
    template = await database_templates.name_of(migrated)
    async with temporary_database(postgres, template) as dsn, AsyncExitStack() as stack:
        yield await started(stack, dsn, service_keys, JUDGED, environment=judge.with_a_key)


@pytest.fixture
async def own_asking(start_catalog: StartCatalog, judge: Judge) -> Catalog:
    """The same as `asking` in a database of the test's own."""
    return await start_catalog(JUDGED, environment=judge.with_a_key)


@pytest.fixture
def organisation() -> str:
    return str(uuid7())


@pytest.fixture
def admin(organisation: str) -> Metadata:
    """Of the organisation."""
    return as_user(organisation=organisation, role=ROLE_ORGANISATION_ADMIN)


@pytest.fixture
def operator() -> Metadata:
    """A platform administrator, of an organisation of their own."""
    return as_user(organisation=str(uuid7()), role=ROLE_PLATFORM_ADMIN)


@pytest.fixture
def ada() -> Person:
    """Somebody of a project and an organisation that nobody else is in."""
    return Person()


@pytest.fixture
def bob(ada: Person) -> Person:
    """In Ada's project."""
    return ada.colleague()
