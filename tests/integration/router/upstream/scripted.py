"""Providers scripted byte by byte, on real connections of the loopback interface."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from services.router.upstream import Timeouts, Upstream

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"content-length: 5\r\n\r\nhello"
"""A whole answer."""
STREAM = OK + b"content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
"""The head of a stream; `chunk` and `LAST_CHUNK` follow."""
LAST_CHUNK = b"0\r\n\r\n"

_DEADLINE_S = 10.0
_ENDS = (asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError)
"""How a script may end: with the test, or with the client's leaving."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def chunk(content: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(content), content)


def event(data: str) -> bytes:
    """One server-sent event, as a chunk."""
    return chunk(f"data: {data}\n\n".encode())


@dataclass(frozen=True)
class Request:
    """What a provider was sent; header names in lower case, a repeated header's values in order."""

    line: str
    headers: dict[str, list[str]]
    body: bytes


class Peer:
    """One connection, from the provider's side. Every wait has a deadline."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.socket = writer.get_extra_info("socket")

    async def head(self) -> Request:
        """Reads a request up to its body."""
        async with asyncio.timeout(_DEADLINE_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        headers: dict[str, list[str]] = {}
        for each in fields:
            name, _, value = each.partition(": ")
            headers.setdefault(name.lower(), []).append(value)
        return Request(line, headers, b"")

    async def request(self) -> Request:
        """Reads a whole request."""
        head = await self.head()
        async with asyncio.timeout(_DEADLINE_S):
            body = await self.reader.readexactly(int(head.headers["content-length"][0]))
        return Request(head.line, head.headers, body)

    async def send(self, *pieces: bytes) -> None:
        """Sends each piece when the one before has been read, as far as one process can tell."""
        async with asyncio.timeout(_DEADLINE_S):
            for piece in pieces:
                self.writer.write(piece)
                await self.writer.drain()
                for _ in range(2):
                    await asyncio.sleep(0)

    async def gone(self) -> None:
        """Waits until the client has closed, properly or by a reset."""
        async with asyncio.timeout(_DEADLINE_S):
            with contextlib.suppress(ConnectionError):
                while await self.reader.read(1 << 16):
                    pass

    async def hesitate(self, seconds: float) -> None:
        """Does nothing for so long, or until the client says something or leaves."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.reader.read(1)

    def reset(self) -> None:
        """Breaks the connection with a TCP reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.writer.transport.abort()


Serve = Callable[[Peer], Awaitable[None]]


@dataclass
class Provider:
    """A running provider and the connections made to it so far."""

    host: str
    port: int
    scheme: str = "http"
    peers: list[Peer] = field(default_factory=list)
    scripts: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}/v1/chat/completions"

    async def played(self) -> None:
        """Waits until every script so far has come to its end."""
        async with asyncio.timeout(_DEADLINE_S):
            await asyncio.gather(*self.scripts)


@asynccontextmanager
async def scripted(
    serve: Serve, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Provider]:
    """Calls `serve` for each connection, which is closed after it. What `serve` raises is raised at the end."""
    provider = Provider(host, 0, "https" if tls else "http")

    async def attend(peer: Peer) -> None:
        try:
            await serve(peer)
        finally:
            peer.writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        provider.peers.append(peer)
        provider.scripts.append(asyncio.create_task(attend(peer)))

    server = await asyncio.start_server(accept, host, 0, ssl=tls)
    provider.port = server.sockets[0].getsockname()[1]
    try:
        yield provider
    finally:
        server.close()
        for peer in provider.peers:
            # A TLS transport that has ended already fails here in some versions of Python.
            with contextlib.suppress(AttributeError):
                peer.writer.transport.abort()
        for script in provider.scripts:
            script.cancel()
        outcomes = await asyncio.gather(*provider.scripts, return_exceptions=True)
        await server.wait_closed()
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, _ENDS):
            raise outcome


def answering(*answers: bytes) -> Serve:
    """Answers the requests of each connection with these bytes, one after the other; then closes it."""

    async def serve(peer: Peer) -> None:
        for answer in answers:
            await peer.request()
            await peer.send(answer)

    return serve


@asynccontextmanager
async def open_upstream(
    *, connect: float = 2.0, read: float = 2.0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Upstream]:
    """The seam under test."""
    upstream = Upstream(Timeouts(connect, read), tls=tls)
    try:
        yield upstream
    finally:
        await upstream.close()


async def ask(upstream: Upstream, provider: Provider, body: bytes = b"{}") -> bytes:
    """One request and its whole answer."""
    response = await upstream.send(provider.url, {}, body)
    try:
        return await response.read()
    finally:
        response.close()
