"""The services the edge asks, each over one gRPC channel."""

import asyncio

import grpc

from pantheon.auth.v1.auth_service_pb2_grpc import AuthServiceStub
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from pantheon.router.v1.router_service_pb2_grpc import RouterServiceStub
from pantheon.usage.v1.usage_service_pb2_grpc import UsageServiceStub
from services.edge.settings import EdgeSettings
from services.runtime.client import connect


class Backends:
    """Made on the running event loop; channels connect on use and again after failures.

    They carry no service identity: the edge only ever calls in the name of the person whose credential it passes on.
    """

    def __init__(self, settings: EdgeSettings) -> None:
        self.channels: dict[str, grpc.aio.Channel] = {
            "auth": connect(settings.auth_address),
            "catalog": connect(settings.catalog_address),
            "usage": connect(settings.usage_address),
            "router": connect(settings.router_address),
        }
        self.auth = AuthServiceStub(self.channels["auth"])
        self.catalog = CatalogServiceStub(self.channels["catalog"])
        self.usage = UsageServiceStub(self.channels["usage"])
        self.router = RouterServiceStub(self.channels["router"])

    async def close(self) -> None:
        """Cancels what still runs and disconnects."""
        await asyncio.gather(*(channel.close() for channel in self.channels.values()))
