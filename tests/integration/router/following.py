"""A router that follows a real catalog, and somebody who calls both."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2 as httpx

from pantheon.auth.v1.access_pb2 import ROLE_PLATFORM_ADMIN
from pantheon.events.v1.completion_pb2 import CompletionFinished
from pantheon.router.v1.model_test_pb2 import ModelTest
from pantheon.router.v1.router_service_pb2 import TestModelRequest
from services.router.secret_keys import CatalogSource
from services.router.snapshot import Snapshot
from services.router.trial.unsaved import checked_by
from services.runtime.bus import Bus
from services.runtime.follower import Follower
from services.runtime.identity import generate
from services.runtime.ids import uuid7
from services.runtime.tasks import Tasks
from tests.fixtures.eventually import eventually
from tests.integration.catalog.replica import Catalog, Metadata, Users, as_user, started
from tests.integration.router.running import MESSAGES, RunningRouter, routing


@dataclass
class Following:
    """A router that follows a catalog, and an administrator who calls both."""

    catalog: Catalog
    router: RunningRouter
    user: str = field(default_factory=lambda: str(uuid7()))
    organisation: str = field(default_factory=lambda: str(uuid7()))
    project: str = field(default_factory=lambda: str(uuid7()))

    @property
    def admin(self) -> Metadata:
        return as_user(self.user, organisation=self.organisation, project=self.project, role=ROLE_PLATFORM_ADMIN)

    async def change(self, method: str, request: Any) -> Any:
        """Calls the catalog, and waits until the router has heard of what that changed."""
        answer = await getattr(self.catalog.stub, method)(request, metadata=self.admin)
        answered = asyncio.get_running_loop().time()
        revision = await self.catalog.revision()
        await eventually(lambda: self.router.snapshot.revision >= revision and self.has_keys(), interval=0.001)
        seconds = asyncio.get_running_loop().time() - answered
        sys.stdout.write(f"{method}: in effect {1_000 * seconds:.0f} ms after its answer\n")
        return answer

    def has_keys(self) -> bool:
        """Whether the router has fetched all keys that may have changed."""
        return not self.router.keys.is_fetching

    async def ask(self, model: str) -> httpx.Response:
        body = {"model": model, "messages": MESSAGES}
        return await self.router.http.post("/v1/chat/completions", json=body, headers=dict(self.admin))

    async def tried(self, **request: Any) -> ModelTest:
        """A test of a model, kept or not."""
        answer = await self.router.stub.TestModel(TestModelRequest(**request), metadata=self.admin, timeout=20)
        return answer.test

    async def booked(self, model: str) -> CompletionFinished:
        """The ledger's row of a request that is answered."""
        answer = await self.ask(model)
        assert answer.status_code == 200, answer.text
        return (await self.router.finished())[-1]


@asynccontextmanager
async def following_catalog(
    directory: Path, nats_url: str, dsn: str, environment: Mapping[str, str], egress_allow: str
) -> AsyncIterator[Following]:
    """Both, with the same in PANTHEON_EGRESS_ALLOW, for as long as the block lasts."""
    keys = directory / "keys"
    generate(keys, ["catalog", "router"])
    async with AsyncExitStack() as stack:
        bus = await Bus.connect(nats_url, name="tests")
        stack.push_async_callback(bus.close)
        catalog = await started(stack, dsn, keys, environment=environment, bus=bus, egress_allow=egress_allow)
        snapshot, tasks = Snapshot(), Tasks()
        follower = Follower("catalog", bus, catalog.router, reset=snapshot.reset, apply=snapshot.apply)
        snapshot.follow(follower)
        stack.push_async_callback(tasks.close)
        tasks.start("follower", follower.run())
        async with asyncio.timeout(10):
            await follower.loaded.wait()
        source, check = CatalogSource(catalog.router), checked_by(catalog.router)
        options: dict[str, Any] = {"authenticator": Users(), "check": check, "egress_allow": egress_allow}
        router = await stack.enter_async_context(routing(directory, snapshot, source, **options))
        yield Following(catalog, router)
