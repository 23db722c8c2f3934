"""A running sandbox: for its own process, and for tests inside theirs."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import uvicorn

from services.runtime.logging import get_logger
from services.runtime.settings import host_and_port
from services.sandbox.app import create_app
from services.sandbox.connection import ConnectionProtocol
from services.sandbox.exchange import Laboratory
from services.sandbox.faults import Rules
from services.sandbox.prompt_cache import PromptCache
from services.sandbox.recorder import Recorder
from services.sandbox.settings import SandboxSettings

SANDBOX_HEADER = ("x-pantheon-sandbox", "true")
"""On every answer, so that none can be taken for a real model's."""

_START_DEADLINE_S = 10.0
_DRAIN_S = 5.0
_IDLE_CONNECTION_S = 75
"""Longer than clients keep idle connections, so that none is closed under a request."""
_BACKLOG = 2048


class SandboxServer:
    """Serves between `start` and `stop`, or while entered: `async with SandboxServer() as sandbox: ... sandbox.url`.

    Without settings it listens on a free port of the loopback interface and keeps the last 1,000 bodies.
    """

    def __init__(self, settings: SandboxSettings | None = None) -> None:
        self.settings = settings or SandboxSettings(sandbox_listen="127.0.0.1:0", sandbox_keep_bodies=1000)
        self.recorder = Recorder(
            capacity=self.settings.sandbox_keep_requests,
            bodies=self.settings.sandbox_keep_bodies,
            path=self.settings.sandbox_log,
        )
        self.rules = Rules()
        laboratory = Laboratory(self.settings, self.recorder, self.rules, PromptCache())
        self._server = _Server(
            uvicorn.Config(
                create_app(laboratory),
                http=ConnectionProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                headers=[SANDBOX_HEADER],
                backlog=_BACKLOG,
                timeout_keep_alive=_IDLE_CONNECTION_S,
            )
        )
        self._serving: asyncio.Task[None] | None = None
        self.url = ""
        """Address without a path, such as `http://127.0.0.1:8099`, once started."""

    @property
    def openai_url(self) -> str:
        """Base URL for a client of OpenAI."""
        return f"{self.url}/openai/v1"

    @property
    def openrouter_url(self) -> str:
        """Base URL for a client of OpenRouter."""
        return f"{self.url}/openrouter/api/v1"

    @property
    def anthropic_url(self) -> str:
        """Base URL for a client of Anthropic."""
        return f"{self.url}/anthropic"

    @property
    def gemini_url(self) -> str:
        """Base URL for a client of Gemini."""
        return f"{self.url}/gemini"

    async def start(self) -> None:
        """Binds the port and serves. Raises SystemExit, with one line, when the address cannot be had."""
        listener = _bound(self.settings.sandbox_listen)
        host, port = listener.getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._serving = asyncio.create_task(self._server.serve([listener]), name="http.sandbox")
        async with asyncio.timeout(_START_DEADLINE_S):
            await self._server.listening.wait()
        get_logger().info("sandbox.listening", url=self.url)

    async def stop(self, grace: float) -> None:
        """Takes nothing new, gives running answers `grace` seconds and cuts what hangs by order at once."""
        self._server.config.timeout_graceful_shutdown = max(1, round(grace))
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving
        self.recorder.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop(_DRAIN_S)


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, which belong to the process, and with an event for being ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tells the owner when requests are taken."""
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to the process."""
        yield


def _bound(listen: str) -> socket.socket:
    host, port = host_and_port(listen, "PANTHEON_SANDBOX_LISTEN")
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise SystemExit(f"PANTHEON_SANDBOX_LISTEN={listen!r} can't be bound: {error.strerror}") from None
    return listener
