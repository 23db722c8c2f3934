"""Catalogs on a database and a NATS of the test's own."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from services import catalog as package
from services.catalog.seed_changes import Seed
from services.catalog.seeding import Surroundings, prepare
from services.catalog.tables import SCHEMA
from services.local.nats import LocalNats
from services.runtime.bus import Bus
from services.runtime.db import Database
from services.runtime.identity import generate
from services.runtime.migrations import migrate
from services.runtime.outbox import Outbox, OutboxRelay
from services.runtime.tasks import Tasks
from tests.fixtures.databases import database_from
from tests.integration.catalog.replica import ENVIRONMENT, PEPPER, Catalog, StartCatalog, serve
from tests.unit.catalog.samples import SEED

MIGRATIONS = Path(package.__file__).with_name("migrations")


async def migrated(dsn: str) -> None:
    await migrate(dsn, schema=SCHEMA, directory=MIGRATIONS)


catalog_database_url = database_from(migrated)


@pytest.fixture
async def bus(own_nats: LocalNats) -> AsyncIterator[Bus]:
    connected = await Bus.connect(own_nats.url, name="tests")
    yield connected
    await connected.close()


@pytest.fixture
def service_keys(tmp_path: Path) -> Path:
    """A directory with the identities of "catalog" and "router"."""
    directory = tmp_path / "service-keys"
    generate(directory, ["catalog", "router"])
    return directory


@pytest.fixture
async def start_catalog(catalog_database_url: str, bus: Bus, service_keys: Path) -> AsyncIterator[StartCatalog]:
    """Starts replicas on the test's database: `await start_catalog(seed, environment=..., sandbox_url=...)`."""
    async with AsyncExitStack() as stack:

        async def start(
            seed: Seed = SEED, *, environment: Mapping[str, str] = ENVIRONMENT, sandbox_url: str = ""
        ) -> Catalog:
            db = Database(catalog_database_url, schema=SCHEMA)
            stack.push_async_callback(db.close)
            outbox = Outbox(db, "catalog")
            found = await prepare(outbox, seed, Surroundings(environment, sandbox_url, PEPPER))
            tasks = Tasks()
            tasks.start("outbox", OutboxRelay(outbox, bus).run())
            stack.push_async_callback(tasks.close)
            return await serve(stack, outbox, found, service_keys)

        yield start


@pytest.fixture
async def catalog(start_catalog: StartCatalog) -> Catalog:
    """A replica with the sample seed; OpenAI has a key, OpenRouter and Anthropic have none."""
    return await start_catalog()
