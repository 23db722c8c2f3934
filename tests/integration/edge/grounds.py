"""The edge in front of a real catalog, and people who come to it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2 as httpx

from pantheon.auth.v1.access_pb2 import ROLE_ORGANISATION_ADMIN, ROLE_PLATFORM_ADMIN
from services.catalog.seed_changes import Seed
from tests.integration.catalog.people import Person
from tests.integration.catalog.replica import Catalog, started
from tests.integration.edge.running import Behind, client_of, running_edge


@dataclass(frozen=True, slots=True)
class Grounds:
    """Where the edge is; its catalog is the real one, the services beside it are not."""

    url: str
    catalog: Catalog
    _stack: AsyncExitStack

    async def enter(self, person: Person | None = None) -> httpx.AsyncClient:
        """A client with the person's credentials; those of somebody new where none is given."""
        client = await self._stack.enter_async_context(client_of(self.url))
        client.headers.update((person or Person()).metadata)
        return client

    async def administrator(self) -> httpx.AsyncClient:
        """Of an organisation of their own."""
        return await self.enter(Person(role=ROLE_ORGANISATION_ADMIN))

    async def operator(self) -> httpx.AsyncClient:
        """Of the platform."""
        return await self.enter(Person(role=ROLE_PLATFORM_ADMIN))


@asynccontextmanager
async def grounds_on(
    dsn: str, keys: Path, behind: Behind, seed: Seed, environment: Mapping[str, str]
) -> AsyncIterator[Grounds]:
    """A catalog with this seed, and an edge in front of it, until the block ends."""
    async with AsyncExitStack() as stack:
        catalog = await started(stack, dsn, keys, seed, environment=environment)
        settings = behind.settings.model_copy(update={"catalog_address": catalog.address})
        url = await stack.enter_async_context(running_edge(settings))
        yield Grounds(url, catalog, stack)


def error_of(response: httpx.Response) -> tuple[int, str, Any]:
    """Status, code and, where there is one, the field of an error."""
    error = response.json()["error"]
    return response.status_code, error["code"], error["details"].get("field")
