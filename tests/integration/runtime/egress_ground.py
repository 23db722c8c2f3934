"""A piece of the loopback network where one address may be connected to, and all others have to stay silent.

One address answers, over TLS as model.example; 127.0.0.1, 127.0.0.2 and, where there is one, ::1 listen on the same
port. Names lead there in the worst way: what the C library reads as an address is that address, and every other name
has all that listen.
"""

import contextlib
import re
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import unquote

import httpx2 as httpx

from services.router.upstream import Limits, NotDispatched, Timeouts, Upstream
from services.router.upstream.names import Address, Lookup
from services.runtime.egress import AddressRefused, EgressPolicy
from services.runtime.egress.transport import Bounds, EgressRefused, egress_client
from tests.fixtures.forbidden_hosts import FORBIDDEN_HOSTS
from tests.integration.router.upstream.conftest import Authority
from tests.integration.router.upstream.scripted import Peer, Provider, Serve, scripted

NAME = "model.example"
OPEN_HOST = "127.0.0.3"
OPEN_FAMILY = socket.AF_INET
NOBODY_HOST = "127.0.0.4"
"""Opened too, and nobody listens there."""
_SILENT_HOSTS = ("127.0.0.1", "127.0.0.2", "::1")
_REDIRECT = re.compile(r"POST /to/(\S*) ")

_watching: list[list[Any]] = []


def _note_connections(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        for seen in _watching:
            seen.append(arguments[1])


sys.addaudithook(_note_connections)


@contextlib.contextmanager
def connections_tried() -> Iterator[list[Any]]:
    """Every address that this process asks the kernel to connect to, as far as Python's audit events tell: uvloop
    asks by itself."""
    seen: list[Any] = []
    _watching.append(seen)
    try:
        yield seen
    finally:
        _watching[:] = [each for each in _watching if each is not seen]


@dataclass
class Ground:
    """`silent` are the listeners that nobody may reach; `tls` trusts the one that answers."""

    provider: Provider
    tls: ssl.SSLContext
    silent: list[socket.socket] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.provider.port

    @property
    def allow(self) -> str:
        """As PANTHEON_EGRESS_ALLOW has it."""
        return f"{OPEN_HOST}:{self.port},{NOBODY_HOST}:{self.port}"

    @property
    def policy(self) -> EgressPolicy:
        return EgressPolicy.parse(self.allow)

    def reached(self) -> list[Any]:
        """Who has connected to the listeners that should have stayed silent."""
        found = []
        for listener in self.silent:
            with contextlib.suppress(BlockingIOError):
                while True:
                    connection, _ = listener.accept()
                    connection.close()
                    found.append(listener.getsockname())
        return found

    async def worst_lookup(self, host: str, port: int) -> Sequence[Address]:
        """See the head of this file."""
        return [Address(OPEN_FAMILY, (OPEN_HOST, port))] if host == NAME else meaning(host, port)


def meaning(host: str, port: int) -> Sequence[Address]:
    """All that a host in a URL could be taken for, escapes and user info aside."""
    bare = unquote(host).rpartition("@")[2].strip("[]").rstrip(".")
    with contextlib.suppress(OSError, ValueError):
        found = socket.getaddrinfo(bare, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        return [Address(family, address) for family, *_, address in found]
    return [
        Address(socket.AF_INET6, (listening, port, 0, 0))
        if ":" in listening
        else Address(OPEN_FAMILY, (listening, port))
        for listening in _SILENT_HOSTS
    ]


class Refused(Exception):
    """The guard, or whoever reads URLs before it, said no."""


class Unreached(Exception):
    """It was permitted, and nobody answered."""


class Sender(Protocol):
    """One way of the product to send something to where a user pointed."""

    async def post(self, url: str) -> int:
        """The answer's status. Raises Refused or Unreached."""


class UpstreamSender:
    """As the router sends to custom models."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def post(self, url: str) -> int:
        try:
            response = await self._upstream.send(url, {}, b"{}")
        except NotDispatched as failure:
            raise (Refused if isinstance(failure.__cause__, AddressRefused | ValueError) else Unreached) from failure
        await response.read()
        response.close()
        return response.status


class HttpxSender:
    """As webhooks and tests of custom models are sent; `follow` is what nobody should ask of it."""

    def __init__(self, client: httpx.AsyncClient, *, follow: bool = False) -> None:
        self._client = client
        self._follow = follow

    async def post(self, url: str) -> int:
        try:
            response = await self._client.post(url, content=b"{}", follow_redirects=self._follow)
        except (EgressRefused, httpx.InvalidURL, httpx.RemoteProtocolError, httpx.UnsupportedProtocol) as failure:
            raise Refused from failure
        except httpx.ConnectError as failure:
            raise Unreached from failure
        return response.status_code


@contextlib.asynccontextmanager
async def upstream_sender(ground: Ground, lookup: Lookup) -> AsyncIterator[Sender]:
    limits = Limits(names=0)  # so that the next look-up may have another answer
    guard = ground.policy.guard
    upstream = Upstream(Timeouts(2.0, 2.0), tls=ground.tls, guard=guard, limits=limits, lookup=lookup)
    try:
        yield UpstreamSender(upstream)
    finally:
        await upstream.close()


@contextlib.asynccontextmanager
async def httpx_sender(ground: Ground, lookup: Lookup, *, follow: bool = False) -> AsyncIterator[Sender]:
    async def addresses(host: str, port: int) -> Sequence[tuple[Any, ...]]:
        return [found.address for found in await lookup(host, port)]

    async with egress_client(ground.policy, bounds=Bounds(2.0, 4.0), tls=ground.tls, lookup=addresses) as client:
        yield HttpxSender(client, follow=follow)


@contextlib.asynccontextmanager
async def open_ground(authority: Authority, serve: Serve | None = None) -> AsyncIterator[Ground]:
    """The listeners, for as long as the block lasts; `serve` is what the one that answers does."""
    tls: ssl.SSLContext = authority.server_context()
    with contextlib.ExitStack() as listeners:
        async with scripted(serve or _answer, host=OPEN_HOST, tls=tls) as provider:
            ground = Ground(provider, authority.client_context())
            for host in _SILENT_HOSTS:
                listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
                listeners.enter_context(listener)
                try:
                    listener.bind((host, provider.port))
                except OSError:
                    continue  # no such address on this machine
                listener.listen(512)
                listener.setblocking(False)
                ground.silent.append(listener)
            yield ground


async def _answer(peer: Peer) -> None:
    """Redirects to what follows /to/ in the path, in hexadecimal, as often as it is asked; else greets and leaves."""
    while to := _REDIRECT.match((await peer.request()).line):
        await peer.send(
            b"HTTP/1.1 307 Temporary Redirect\r\nlocation: %b\r\ncontent-length: 5\r\n\r\nhello" % bytes.fromhex(to[1])
        )
    await peer.send(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello")


def spellings_proven(record: Callable[[str, object], None], how: str, attempts: int) -> None:
    """Notes in the test's report what was tried in vain, and `how`."""
    assert len(FORBIDDEN_HOSTS) >= 200
    assert attempts >= len(FORBIDDEN_HOSTS)
    line = f"{len(FORBIDDEN_HOSTS)} spellings, {how}: {attempts} attempts, 0 forbidden connections"
    record("egress", line)
    sys.stdout.write(f"{line}\n")  # for pytest -rA
