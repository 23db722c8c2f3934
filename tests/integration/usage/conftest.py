"""Usage replicas on a database and a NATS of the test's own."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from services.local.nats import LocalNats
from services.runtime.bus import COMPLETIONS, Bus
from services.runtime.identity import ServiceIdentity, ServiceTrust, generate
from services.runtime.ids import uuid7
from services.usage.schema import migrate_schema
from tests.fixtures.completion_events import Traffic
from tests.fixtures.databases import database_from
from tests.integration.usage.running import Replica, Service, replica_of, serving

usage_database_url = database_from(migrate_schema)


@pytest.fixture
async def replica(usage_database_url: str) -> AsyncIterator[Replica]:
    async with replica_of(usage_database_url) as one:
        yield one


@pytest.fixture
async def other_replica(usage_database_url: str) -> AsyncIterator[Replica]:
    """A second one on the same database."""
    async with replica_of(usage_database_url) as one:
        yield one


@pytest.fixture
async def bus(own_nats: LocalNats) -> AsyncIterator[Bus]:
    """A connection to the test's own NATS, where the stream of completions is."""
    connected = await Bus.connect(own_nats.url, name="tests")
    await connected.ensure_stream(COMPLETIONS)
    yield connected
    await connected.close()


@pytest.fixture
async def service(replica: Replica, tmp_path: Path) -> AsyncIterator[Service]:
    generate(tmp_path, ["router"])
    async with serving(
        replica, ServiceTrust.load(tmp_path, "usage"), ServiceIdentity.load(tmp_path, "router")
    ) as running:
        yield running


@pytest.fixture
def traffic() -> Traffic:
    return Traffic(seed=7)


@pytest.fixture
def spool() -> UUID:
    return uuid7()
