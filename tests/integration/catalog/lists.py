"""Providers that list what a test wants, over real HTTP."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pantheon.auth.v1.access_pb2 import ROLE_PLATFORM_ADMIN
from pantheon.catalog.v1.catalog_service_pb2 import SyncModelsRequest, SyncModelsResponse
from services.catalog.seed.rows import SeedProvider
from services.catalog.seed_changes import Seed
from services.runtime.http import HttpServer
from tests.integration.catalog.replica import Catalog, as_user

MODELS_URL = "/models"


@dataclass(slots=True)
class Lists:
    """What each provider lists: the body it answers with, and the status. Keeps the headers it was asked with."""

    url: str = ""
    bodies: dict[str, bytes] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def say(self, provider: str, *entries: Mapping[str, Any]) -> None:
        """The provider lists these, in the way of OpenAI and OpenRouter."""
        self.bodies[provider] = msgspec.json.encode({"object": "list", "data": entries})

    def moved(self, seed: Seed) -> Seed:
        """The seed with its providers here, of which each lists its models."""

        def here(provider: SeedProvider) -> SeedProvider:
            return msgspec.structs.replace(provider, base_url=f"{self.url}/{provider.name}", models_url=MODELS_URL)

        return Seed(tuple(map(here, seed.providers)), seed.models)

    async def answer(self, request: Request) -> Response:
        provider = request.path_params["provider"]
        self.asked.append((provider, dict(request.headers)))
        body = self.bodies.get(provider, b'{"object":"list","data":[]}')
        return Response(body, self.statuses.get(provider, 200), media_type="application/json")


@asynccontextmanager
async def serving() -> AsyncIterator[Lists]:
    """Listens inside the block."""
    lists = Lists()
    app = Starlette(routes=[Route("/{provider}/models", lists.answer)])
    server = HttpServer(app, "127.0.0.1", 0, name="lists")
    await server.start()
    lists.url = f"http://127.0.0.1:{server.port}"
    try:
        yield lists
    finally:
        await server.stop(0)


async def sync(catalog: Catalog, **request: Any) -> SyncModelsResponse:
    """What a platform administrator is told of a sync."""
    admin = as_user(role=ROLE_PLATFORM_ADMIN)
    answer: SyncModelsResponse = await catalog.stub.SyncModels(SyncModelsRequest(**request), metadata=admin)
    return answer
