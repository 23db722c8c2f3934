"""New connections: from a name to an address to a socket to, where asked for, TLS."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from services.router.upstream.names import Address, Names, SocketAddress
from services.router.upstream.requests import Origin

Guard = Callable[[str, SocketAddress], None]
"""Called with the host and each of its addresses before it is connected to; raises OSError to forbid it."""

P = TypeVar("P", bound=asyncio.Protocol)

_NEXT_AFTER_SECONDS = 0.25
"""RFC 8305, section 5: how long an address has before the next one is tried beside it."""


def default_tls() -> ssl.SSLContext:
    """Trusts whom the system trusts (OpenSSL's SSL_CERT_FILE and SSL_CERT_DIR are heeded); speaks HTTP/1.1."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def allow_all(host: str, address: SocketAddress) -> None:
    """The guard that forbids nothing."""


class Dialler:
    """Makes connections."""

    def __init__(self, names: Names, tls: ssl.SSLContext | None = None, guard: Guard = allow_all) -> None:
        self._names = names
        self._tls = tls
        self._making_tls = asyncio.Lock()
        self._guard = guard

    async def dial(self, origin: Origin, protocol: Callable[[], P]) -> P:
        """A protocol of this kind, connected.

        Raises:
            OSError: no address, none that answers, or none that proves to be the host it was taken for.
        """
        addresses = await self._names.addresses(origin.host, origin.port)
        try:
            connected = await _connect_any(addresses, partial(self._guard, origin.host))
        except OSError:
            self._names.forget(origin.host, origin.port)
            raise
        try:
            secure = await self._trusted() if origin.scheme == "https" else None
            _, made = await asyncio.get_running_loop().create_connection(
                protocol, sock=connected, ssl=secure, server_hostname=origin.host.rstrip(".") if secure else None
            )
        except BaseException:
            connected.close()
            raise
        return made

    async def _trusted(self) -> ssl.SSLContext:
        """Made once, when it is first needed: it takes a tenth of a second to read the system's certificates."""
        async with self._making_tls:
            if self._tls is None:
                self._tls = await asyncio.to_thread(default_tls)
        return self._tls


async def _connect_any(addresses: Sequence[Address], guard: Callable[[SocketAddress], None]) -> socket.socket:
    """The first connection that comes about; later addresses are tried when earlier ones fail or take long.

    Raises:
        OSError: the first address's failure.
    """
    if len(addresses) == 1:
        return await _connect(addresses[0], guard)
    attempts: list[asyncio.Task[socket.socket]] = []
    running: set[asyncio.Task[socket.socket]] = set()
    winner: asyncio.Task[socket.socket] | None = None
    try:
        while winner is None and (running or len(attempts) < len(addresses)):
            more = len(attempts) < len(addresses)
            if more:
                attempts.append(asyncio.create_task(_connect(addresses[len(attempts)], guard), name="upstream.dial"))
                running.add(attempts[-1])
            wait = _NEXT_AFTER_SECONDS if len(attempts) < len(addresses) else None
            done, running = await asyncio.wait(running, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
            winner = next((attempt for attempt in done if attempt.exception() is None), None)
    finally:
        await _discard([attempt for attempt in attempts if attempt is not winner])
    return (winner or attempts[0]).result()


async def _discard(attempts: Sequence[asyncio.Task[socket.socket]]) -> None:
    for attempt in attempts:
        attempt.cancel()
    for outcome in await asyncio.gather(*attempts, return_exceptions=True):
        if isinstance(outcome, socket.socket):
            outcome.close()


async def _connect(address: Address, guard: Callable[[SocketAddress], None]) -> socket.socket:
    guard(address.address)
    with contextlib.ExitStack() as undo:
        made = undo.enter_context(socket.socket(address.family, socket.SOCK_STREAM))
        made.settimeout(0)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(made, address.address)
        undo.pop_all()
    return made
