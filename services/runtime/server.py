"""The gRPC server of a process: guarded methods, health, reflection."""

import asyncio
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc
from h2corn import Config, RequestPolicy, Server

from services.runtime.auth import Authenticator
from services.runtime.conventions import MAX_MESSAGE_BYTES
from services.runtime.grpc_asgi.application import GrpcApplication, Handler
from services.runtime.identity import ServiceTrust
from services.runtime.listener import listen
from services.runtime.logging import get_logger
from services.runtime.rpc import Gate
from services.runtime.settings import host_and_port

_DEFAULT_DEADLINE_SECONDS = 30.0
# A client keeps all its calls on one connection, and a completion may take minutes.
_MOST_CALLS_A_CONNECTION = 10_000
_IDLE_SECONDS = 600.0
# How long a client may keep a call waiting for the rest of its request, or for room for its answer.
_STALL_SECONDS = 60.0
# A message that comes byte by byte never stalls: it may take as long as so many stalls.
_MOST_STALLS = 5
# How long a stop may wait for calls; the HTTP/2 server has to know beforehand when to drop its clients.
_DRAIN_SECONDS = 1.0
# For clients to take what is left for them once no call runs. The HTTP/2 server may miss that a client has gone which
# goes while it stops.
_LEAVE_SECONDS = 1.0
# Between two tries to serve while nothing can be accepted.
_ANEW_SECONDS = 0.5
# For what is cancelled to clean up.
_CANCELLATION_SECONDS = 2.0


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
        stall_seconds: float = _STALL_SECONDS,
        drain_seconds: float = _DRAIN_SECONDS,
    ) -> None:
        """`drain_seconds` is how long a stop may wait at most.

        `most_bytes` is how large a request may be; what is answered has been paid for and has no limit.

        A client that sends nothing of its request, or reads nothing of its answer, for `stall_seconds` loses the call;
        so does one that has not sent a message whole after five times as long.
        """
        self._listen = listen
        self._gate = Gate(authenticator, trust, default_seconds)
        self._most_bytes = most_bytes
        self._stall_seconds = stall_seconds
        self._drain_seconds = drain_seconds
        self._registry = _Registry()
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._registry)  # type: ignore[arg-type]
        self._services = [health.SERVICE_NAME, reflection.SERVICE_NAME]
        self._serving: asyncio.Task[None] | None = None
        self._started = False
        self._stopping = asyncio.Event()
        self.port = 0

    def add(self, register: Callable[[Any, Any], None], servicer: object, service_name: str) -> None:
        """Adds a servicer by its generated `add_..._to_server`; `service_name` is the proto's full name."""
        register(servicer, self._registry)
        self._services.append(service_name)

    async def start(self) -> None:
        """Binds the port and serves."""
        reflecting = reflection.aio.ReflectionServicer(self._services)
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(reflecting, self._registry)  # type: ignore[no-untyped-call]
        guarded = {method: self._gate.guard(method, handler) for method, handler in self._registry.handlers.items()}
        self._application = GrpcApplication(guarded, self._most_bytes, _MOST_STALLS * self._stall_seconds)
        host, port = host_and_port(self._listen, "The gRPC address")
        self._listener = listen(host, port, "gRPC")
        self.port = self._listener.getsockname()[1]
        self._server = self._http2()
        self._serving = asyncio.create_task(self._serve(), name="grpc")
        await self._server.wait_started()
        self._started = True
        for name in ("", *self._services):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        get_logger().info("grpc.serving", listen=self._listen, port=self.port)

    async def stop(self, grace: float) -> None:
        """Takes no new calls and gives running ones `grace` seconds, `drain_seconds` at most.

        May be called again, and while it still waits.
        """
        await self._health.enter_graceful_shutdown()
        if self._serving is None:
            return
        if not self._stopping.is_set():
            self._stopping.set()
            self._server.shutdown()
            # The server keeps its copy of the socket until the end: who connects now would wait for an answer.
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        await self._application.settle(min(grace, self._drain_seconds))
        if self._application.running:
            self._application.close()
            await self._application.settle(_CANCELLATION_SECONDS)
        await asyncio.wait({self._serving}, timeout=_LEAVE_SECONDS)
        if self._application.running or not self._serving.done():
            # Without calls: what they answered has not been read.
            get_logger().error("grpc.clients_would_not_leave", port=self.port, calls=self._application.running)

    def _http2(self) -> Server:
        return Server(self._application, _config(self._listener.fileno(), self._stall_seconds, self._drain_seconds))

    async def _serve(self) -> None:
        """Serves until stopped, and anew where the HTTP/2 server gives up: it does when file descriptors run out."""
        while True:
            try:
                await self._server.serve()
                return
            except Exception as error:
                if not self._started:
                    raise
                get_logger().exception("grpc.serving_ended", port=self.port, error=str(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(_ANEW_SECONDS):
                    await self._stopping.wait()
                return
            self._server = self._http2()


class _Registry:
    """What generated `add_..._to_server` functions take for a server: collects the methods' handlers by path."""

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {}

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Nothing: they are the ones that `add_registered_method_handlers` names one by one."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Handler]) -> None:
        """Notes the handlers of a service."""
        self.handlers |= {f"/{service}/{name}": handler for name, handler in handlers.items()}


def _config(listener: int, stall_seconds: float, drain_seconds: float) -> Config:
    return Config(
        bind=(f"fd://{listener}",),
        grpc=True,
        http1=False,
        lifespan="off",
        runtime_threads=1,
        max_concurrent_streams=_MOST_CALLS_A_CONNECTION,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=drain_seconds + _LEAVE_SECONDS,
        # Without a policy no time is set for the body of a gRPC request. How large it is, the application looks after.
        request_policies=(
            RequestPolicy(
                path="/*",
                max_request_body_size=0,
                timeout_request_body_idle=stall_seconds,
                h2_timeout_response_stall=stall_seconds,
            ),
        ),
        access_log=False,
        date_header=False,
        log_format="json",
    )
