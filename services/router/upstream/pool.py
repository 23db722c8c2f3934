"""The connections to all providers: which are free, how many there may be, and when an idle one goes."""

import asyncio
import contextlib
from collections import deque
from functools import partial

from services.router.upstream.connection import Connection
from services.router.upstream.dialling import Dialler
from services.router.upstream.limits import Limits, Timeouts
from services.router.upstream.requests import Origin

_SWEEP_SECONDS = 1.0
_HINT_MARGIN_SECONDS = 1.0
"""For a request on its way while the provider closes, which is lost."""
_CLOSE_SECONDS = 5.0


class _Host:
    """The connections to one origin."""

    def __init__(self) -> None:
        self.idle: list[Connection] = []
        """The last one used is the next one used, so that the others can expire."""
        self.taken = 0
        """Connections, idle or not, and attempts at one."""
        self.waiting: deque[asyncio.Future[None]] = deque()

    def leave(self) -> None:
        """A connection is gone, or an attempt at one has failed."""
        self.taken -= 1
        self.give_way()

    def give_way(self) -> None:
        """Lets the first that waits look again."""
        while self.waiting:
            waiter = self.waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return


class Pool:
    """Keeps connections. One an `Upstream`."""

    def __init__(self, dialler: Dialler, timeouts: Timeouts, limits: Limits) -> None:
        self._dialler = dialler
        self._timeouts = timeouts
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._hosts: dict[Origin, _Host] = {}
        """As many as there are base URLs of providers."""
        self._connections: set[Connection] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closing = False
        self._lost_one = asyncio.Event()

    def idle(self, origin: Origin) -> Connection | None:
        """A connection that waits for a request, if there is one."""
        host = self._hosts.get(origin)
        while host is not None and host.idle:
            connection = host.idle.pop()
            if connection.idle_until > self._loop.time() and connection.usable:
                return connection
            connection.abort()
        return None

    async def open(self, origin: Origin) -> Connection:
        """A new connection, or one that became free while this waited for leave to make one.

        Raises:
            TimeoutError: all connections stayed taken, or a new one took too long.
            OSError: a new one failed, or the pool was closed.
        """
        host = self._hosts.setdefault(origin, _Host())
        async with asyncio.timeout(self._timeouts.connect):
            while host.taken >= self._limits.per_host:
                await _turn(host)
                if (connection := self.idle(origin)) is not None:
                    return connection
            host.taken += 1
            try:
                connection = await self._dialler.dial(origin, partial(self._make, host))
            except BaseException:
                host.leave()
                raise
        self._connections.add(connection)
        if self._closing or connection.closing:
            connection.abort()
            raise ConnectionAbortedError("closed before anything was sent")
        return connection

    async def close(self) -> None:
        """Closes all connections, idle or not."""
        self._closing = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in list(self._connections):
            connection.abort()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                while self._connections:
                    await self._lost_one.wait()
                    self._lost_one.clear()

    def _make(self, host: _Host) -> Connection:
        return Connection(self._timeouts.read, partial(self._keep, host), partial(self._lose, host))

    def _keep(self, host: _Host, connection: Connection) -> None:
        hint = connection.idle_hint
        seconds = self._limits.idle if hint is None else min(hint - _HINT_MARGIN_SECONDS, self._limits.idle)
        if seconds <= 0 or self._closing:
            connection.abort()
            return
        connection.idle_until = self._loop.time() + seconds
        host.idle.append(connection)
        host.give_way()
        if self._sweeper is None:
            self._sweep_later()

    def _lose(self, host: _Host, connection: Connection) -> None:
        if connection in host.idle:
            host.idle.remove(connection)
        if connection in self._connections:
            self._connections.remove(connection)
            self._lost_one.set()
            host.leave()

    def _sweep_later(self) -> None:
        self._sweeper = self._loop.call_later(min(_SWEEP_SECONDS, self._limits.idle), self._sweep)

    def _sweep(self) -> None:
        """Closes what has been idle for too long; comes back while anything is idle."""
        now = self._loop.time()
        self._sweeper = None
        for host in self._hosts.values():
            for connection in [each for each in host.idle if each.idle_until <= now]:
                host.idle.remove(connection)
                connection.abort()
        if any(host.idle for host in self._hosts.values()):
            self._sweep_later()


async def _turn(host: _Host) -> None:
    """Waits until a connection is free, or may be made."""
    waiter = asyncio.get_running_loop().create_future()
    host.waiting.append(waiter)
    try:
        await waiter
    except asyncio.CancelledError:
        if not waiter.cancelled():
            host.give_way()
        raise
