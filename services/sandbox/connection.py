"""The TCP connection behind a request.

ASGI hides it, yet a simulated provider has to end connections in ways an HTTP server never would, and to notice at once
when its client leaves. `ConnectionProtocol` hands it over as an ASGI extension, `of_request` takes it from there.
"""

import asyncio
import socket
import struct

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_EXTENSION = "pantheon.sandbox"
_CLOSE_DEADLINE_S = 5.0
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing sends RST instead of FIN."""


class Connection:
    """One client connection, as seen by the exchange that is using it. Exchanges use it one after the other."""

    __slots__ = ("_draining", "_lost", "_transport", "_waiter", "_waiter_minds_drain")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._lost = False
        self._draining = False
        self._waiter: asyncio.Future[None] | None = None
        self._waiter_minds_drain = False

    @property
    def lost(self) -> bool:
        """Whether the connection is gone, whoever closed it."""
        return self._lost

    async def pause(self, seconds: float) -> bool:
        """Waits, and says whether the client is still there; returns early when it leaves."""
        await self._wait(seconds)
        return not self._lost

    async def hold(self, seconds: float) -> bool:
        """As `pause`, but also returns when the server begins to shut down; says whether to go on holding."""
        if not self._draining:
            await self._wait(seconds, minds_drain=True)
        return not (self._lost or self._draining)

    async def reset(self) -> None:
        """Ends the connection with a TCP reset; what was not sent yet is lost."""
        if self._lost:
            return
        tcp = self._transport.get_extra_info("socket")
        if tcp is not None:
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.abort()
        await self._wait(_CLOSE_DEADLINE_S)

    async def close(self) -> None:
        """Sends what is buffered and closes, whether or not the HTTP message is complete."""
        self._transport.close()
        await self._wait(_CLOSE_DEADLINE_S)
        await self.reset()

    def on_lost(self) -> None:
        """Called by the protocol when the connection is gone."""
        self._lost = True
        _fulfil(self._waiter)

    def on_drain(self) -> None:
        """Called by the protocol when the server begins to shut down."""
        self._draining = True
        if self._waiter_minds_drain:
            _fulfil(self._waiter)

    async def _wait(self, seconds: float, *, minds_drain: bool = False) -> None:
        if self._lost:
            return
        loop = asyncio.get_running_loop()
        self._waiter, self._waiter_minds_drain = loop.create_future(), minds_drain
        timer = loop.call_later(seconds, _fulfil, self._waiter)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None


def of_request(scope: Scope) -> Connection:
    """The connection that a request came in on."""
    connection: Connection = scope["extensions"][_EXTENSION]["connection"]
    return connection


def _fulfil(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


class ConnectionProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol, with its connection shown to the application."""

    connection: Connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins a connection."""
        super().connection_made(transport)
        self.connection = Connection(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends it, whoever ended it."""
        super().connection_lost(exc)
        self.connection.on_lost()

    def on_message_begin(self) -> None:
        """Begins a request."""
        super().on_message_begin()
        self.scope["extensions"] = {_EXTENSION: {"connection": self.connection}}

    def shutdown(self) -> None:
        """Begins to drain: requests under way may end."""
        super().shutdown()
        self.connection.on_drain()
