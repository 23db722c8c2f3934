"""The edge in this process, on a free port, in front of real gRPC servers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2 as httpx
from joserfc.jwk import KeySet

from pantheon.auth.v1.auth_service_pb2_grpc import add_AuthServiceServicer_to_server
from pantheon.catalog.v1.catalog_service_pb2_grpc import add_CatalogServiceServicer_to_server
from pantheon.router.v1.router_service_pb2_grpc import add_RouterServiceServicer_to_server
from pantheon.usage.v1.usage_service_pb2_grpc import add_UsageServiceServicer_to_server
from services.edge.app import create_app
from services.edge.backends import Backends
from services.edge.console.board import Board
from services.edge.settings import EdgeSettings
from services.runtime.http import HttpServer
from services.runtime.identity import ServiceTrust
from services.runtime.server import GrpcServer
from tests.integration.edge.services import Auth, Catalog, Keys, Router, Usage
from tests.unit.edge.description import faults, operation_at

LOOPBACK = "127.0.0.1"
# A port that nothing listens on: only root may, and nobody does.
NOWHERE = f"{LOOPBACK}:1"


@dataclass(frozen=True, slots=True)
class Behind:
    """What the edge asks, and where it is: all contracts on one gRPC server, which the edge can't tell."""

    address: str
    auth: Auth
    catalog: Catalog
    usage: Usage
    router: Router

    @property
    def settings(self) -> EdgeSettings:
        return EdgeSettings(
            auth_address=self.address,
            catalog_address=self.address,
            usage_address=self.address,
            router_address=self.address,
            router_http_address=NOWHERE,
        )


def client_of(url: str) -> httpx.AsyncClient:
    """A client without credentials, which minds that answers are what the edge's description says."""
    hooks = {"response": [as_described]}
    return httpx.AsyncClient(base_url=url, trust_env=False, timeout=20, event_hooks=hooks)


async def as_described(response: httpx.Response) -> None:
    """Fails where an answer below /api is not of its schema."""
    path = response.request.url.path
    if not path.startswith("/api/"):
        return
    await response.aread()
    operation = operation_at(response.request.method, path)
    if operation is None:
        assert response.status_code in (404, 405)
        described = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
    else:
        described = operation.answer(response.status_code)
    if "application/json" in described.get("content", {}):
        assert list(faults(response.json(), described["content"]["application/json"]["schema"])) == []
    else:
        assert "application/yaml" in described.get("content", {}) or not response.content


@asynccontextmanager
async def running_services() -> AsyncIterator[Behind]:
    """The services, until the block ends."""
    auth, catalog, usage, router = Auth(), Catalog(), Usage(), Router()  # type: ignore[abstract]  # what is called of them
    server = GrpcServer(f"{LOOPBACK}:0", Keys(), ServiceTrust("any", KeySet([])))
    server.add(add_AuthServiceServicer_to_server, auth, "pantheon.auth.v1.AuthService")
    server.add(add_CatalogServiceServicer_to_server, catalog, "pantheon.catalog.v1.CatalogService")
    server.add(add_UsageServiceServicer_to_server, usage, "pantheon.usage.v1.UsageService")
    server.add(add_RouterServiceServicer_to_server, router, "pantheon.router.v1.RouterService")
    await server.start()
    yield Behind(f"{LOOPBACK}:{server.port}", auth, catalog, usage, router)
    await server.stop(0)


@asynccontextmanager
async def running_edge(settings: EdgeSettings) -> AsyncIterator[str]:
    """The base URL of an edge with these settings, until the block ends."""
    backends = Backends(settings)
    board = Board(settings, backends)
    server = HttpServer(create_app(settings, backends, board), LOOPBACK, 0, name="edge")
    await server.start()
    yield f"http://{LOOPBACK}:{server.port}"
    await server.stop(1)
    await board.close()
    await backends.close()
