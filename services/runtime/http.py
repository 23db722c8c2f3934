"""An HTTP server inside a process: uvicorn without its signal handling, started and stopped by its owner."""

import asyncio
import contextlib
import socket
from collections.abc import Generator

import uvicorn
from starlette.types import ASGIApp

from services.runtime.logging import get_logger

_BACKLOG = 2_048


class HttpServer:
    """Serves an ASGI application on one port until stopped."""

    def __init__(self, app: ASGIApp, host: str, port: int, *, name: str) -> None:
        config = uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            date_header=False,
            backlog=_BACKLOG,
            timeout_keep_alive=75,
        )
        self._server = _Uvicorn(config)
        self._address = (host, port)
        self._name = name
        self._serving: asyncio.Task[None] | None = None
        self.port = 0

    async def start(self) -> None:
        """Binds the port and serves."""
        host, port = self._address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            listener.close()
            raise SystemExit(f"The {self._name} port {host}:{port} can't be bound: {error.strerror}") from None
        self.port = listener.getsockname()[1]
        self._serving = asyncio.create_task(self._server.serve([listener]), name=f"http.{self._name}")
        await self._server.listening.wait()
        get_logger().info("http.serving", name=self._name, host=host, port=self.port)

    async def stop(self, grace: float) -> None:
        """Takes no new requests and gives running ones `grace` seconds."""
        if self._serving is None:
            return
        self._server.config.timeout_graceful_shutdown = max(1, round(grace))
        self._server.should_exit = True
        await self._serving


class _Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tells the owner when requests are taken."""
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leaves signals to the process."""
        yield
