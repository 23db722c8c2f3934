"""The gRPC server of a process: guarded methods, health, reflection."""

from collections.abc import Callable
from typing import Any, TypeVar

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from services.runtime.auth import Authenticator
from services.runtime.conventions import MAX_MESSAGE_BYTES
from services.runtime.identity import ServiceTrust
from services.runtime.logging import get_logger
from services.runtime.rpc import Gate

Servicer = TypeVar("Servicer")

_DEFAULT_DEADLINE_SECONDS = 30.0


class GrpcServer:
    """Serves on one port until stopped. Its health service says SERVING from start to stop."""

    def __init__(
        self,
        listen: str,
        authenticator: Authenticator,
        trust: ServiceTrust,
        *,
        default_seconds: float = _DEFAULT_DEADLINE_SECONDS,
        most_bytes: int = MAX_MESSAGE_BYTES,
    ) -> None:
        options = [
            ("grpc.max_receive_message_length", most_bytes),
            ("grpc.max_send_message_length", -1),  # what has been paid for is to be handed over
            # Two processes that share a port by mistake would each serve half of the calls.
            ("grpc.so_reuseport", 0),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
        ]
        gate = Gate(authenticator, trust, default_seconds)
        self._server = grpc.aio.server(interceptors=[gate], options=options)
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._services = [health.SERVICE_NAME, reflection.SERVICE_NAME]
        self._listen = listen
        self.port = 0

    def add(self, register: Callable[[Any, grpc.aio.Server], None], servicer: object, service_name: str) -> None:
        """Adds a servicer by its generated `add_..._to_server`; `service_name` is the proto's full name."""
        register(servicer, self._server)
        self._services.append(service_name)

    async def start(self) -> None:
        """Binds the port and serves."""
        reflection.enable_server_reflection(self._services, self._server)
        try:
            self.port = self._server.add_insecure_port(self._listen)
        except RuntimeError as error:
            raise SystemExit(f"The gRPC port {self._listen} can't be bound: {error}") from None
        await self._server.start()
        await self._health.set("", health_pb2.HealthCheckResponse.SERVING)
        for name in self._services:
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        get_logger().info("grpc.serving", listen=self._listen, port=self.port)

    async def stop(self, grace: float) -> None:
        """Takes no new calls and gives running ones `grace` seconds."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace)
