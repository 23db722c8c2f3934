"""An HTTP server inside a process: uvicorn without its signal handling, started and stopped by its owner."""

import asyncio
import contextlib
import socket
from collections.abc import Generator
from functools import partial
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from services.runtime.listener import listen
from services.runtime.logging import get_logger

_HEAD_SECONDS = 15.0


class HttpServer:
    """Serves an ASGI application on one port until stopped.

    A client has `head_seconds` to send the head of its first request, and twice as much for that of a later one.
    """

    def __init__(self, app: ASGIApp, host: str, port: int, *, name: str, head_seconds: float = _HEAD_SECONDS) -> None:
        config = uvicorn.Config(
            app,
            http=cast("type[asyncio.Protocol]", partial(_Protocol, head_seconds)),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            date_header=False,
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
        listener = listen(host, port, self._name)
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


class _Protocol(HttpToolsProtocol):
    """Sends what belongs together as one packet: uvicorn writes the head of an answer and its body one by one.

    Closes the connection where the head of a request does not end, for which uvicorn would wait for ever.
    """

    def __init__(self, head_seconds: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._head_seconds = head_seconds
        # The request before the head that was awaited when last looked; None: there was none before.
        self._awaited_after: object = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        joined = _Joined(cast("asyncio.Transport", transport), self.loop)
        super().connection_made(cast("asyncio.Transport", joined))
        self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is no more."""
        self._looking.cancel()
        super().connection_lost(exc)

    def _look_later(self) -> None:
        # Looked at now and then, for a timer of each request's own would cost each request.
        self._looking = self.loop.call_later(self._head_seconds, self._look)

    def _look(self) -> None:
        """Closes the connection if the head awaited now was awaited the last time already."""
        last = cast("RequestResponseCycle | None", self.cycle)
        # With the keep-alive timer set nothing of a next request has come, and that timer sees to the rest.
        if self.timeout_keep_alive_task is None and (last is None or last.response_complete):
            if last is self._awaited_after:
                self.transport.close()
                return
            self._awaited_after = last
        self._look_later()


class _Joined:
    """A transport that writes once per turn of the event loop."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._unsent: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        """Everything else is the transport's own."""
        return getattr(self._transport, name)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Sends the data, with whatever else is written before this turn ends."""
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(bytes(data))

    def close(self) -> None:
        """Sends what is left, then closes."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._unsent:
            unsent, self._unsent = self._unsent, []
            self._transport.write(unsent[0] if len(unsent) == 1 else b"".join(unsent))


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
