"""NATS: one connection a process, and the JetStream streams. Transport, not the ledger."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import BadRequestError

from services.runtime.logging import get_logger
from services.runtime.nats_address import nats_address
from services.runtime.tasks import Tasks

_RECONNECT_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """A stream as Pantheon makes it where it is missing. One that exists is left as its operator configured it."""

    name: str
    subjects: tuple[str, ...]
    keep: timedelta
    discard: DiscardPolicy
    duplicate_window: timedelta = timedelta(minutes=2)


COMPLETIONS = StreamSpec("COMPLETIONS", ("pantheon.completions.v1.>",), timedelta(days=7), DiscardPolicy.NEW)
CHANGES = StreamSpec("CHANGES", ("pantheon.changes.v1.>",), timedelta(days=7), DiscardPolicy.OLD)


class NeverConnected(nats.errors.Error):
    """NATS has not been reached since this process started."""

    def __str__(self) -> str:
        return "nats: not connected yet"


@dataclass(slots=True, eq=False)
class _Listener:
    """One subject, heard on whatever connection there is."""

    subject: str
    callback: Callable[[Msg], Awaitable[None]]
    begun: Callable[[], object]
    _held: Subscription | None = None

    async def begin(self, client: Client) -> None:
        self._held = await client.subscribe(self.subject, cb=self.callback)
        self.begun()

    async def end(self) -> None:
        if self._held is not None:
            with contextlib.suppress(nats.errors.Error):
                await self._held.unsubscribe()


class Bus:
    """A connection that is made, and made again, for ever. While there is none publishing fails at once, and whoever
    listens hears nothing.
    """

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._server = nats_address(url)
        self._client: Client | None = None
        self._jetstream: JetStreamContext | None = None
        self._up = asyncio.Event()
        self._listeners: list[_Listener] = []
        self._complaints: set[str] = set()
        self._tasks = Tasks()

    @classmethod
    def open(cls, url: str, *, name: str) -> Self:
        """Begins to connect, and returns at once: NATS may come whenever it likes. To be called on the running loop.

        Raises ValueError when the URL leads nowhere.
        """
        bus = cls(url, name)
        bus._tasks.start("bus", bus._stay_connected())
        return bus

    @classmethod
    async def connect(cls, url: str, *, name: str) -> Self:
        """For who can do nothing without NATS: opens, and waits as long as it takes; the caller sets the deadline.

        Raises ValueError when the URL leads nowhere.
        """
        bus = cls.open(url, name=name)
        try:
            await bus.until_connected()
        except BaseException:
            await bus.close()
            raise
        return bus

    @property
    def connected(self) -> bool:
        """Whether the server can be reached right now, as far as is known."""
        return self._client is not None and bool(self._client.is_connected)

    @property
    def nc(self) -> Client:
        """The connection, up or down. Raises NeverConnected, which is one of nats' errors."""
        if self._client is None:
            raise NeverConnected
        return self._client

    @property
    def jetstream(self) -> JetStreamContext:
        """JetStream on the connection, up or down. Raises NeverConnected, which is one of nats' errors."""
        if self._jetstream is None:
            raise NeverConnected
        return self._jetstream

    async def until_connected(self) -> None:
        """Returns at once if the server can be reached, else as soon as it can."""
        while not self.connected:
            self._up.clear()
            await self._up.wait()

    @asynccontextmanager
    async def listening(
        self, subject: str, callback: Callable[[Msg], Awaitable[None]], *, begun: Callable[[], object] = lambda: None
    ) -> AsyncIterator[None]:
        """Inside the block `callback` gets what is published on the subject while there is a connection.

        `begun` is called whenever there is one, be it new or back: what was published before has to be asked for
        elsewhere. With a connection that is up this has happened when the block is entered.
        """
        listener = _Listener(subject, callback, begun)
        self._listeners.append(listener)
        try:
            if self._client is not None and not self._client.is_closed:
                await listener.begin(self._client)
            yield
        finally:
            self._listeners.remove(listener)
            await listener.end()

    async def ensure_stream(self, spec: StreamSpec) -> None:
        """Makes the stream unless there is one of this name. Safe to race."""
        config = StreamConfig(
            name=spec.name,
            subjects=list(spec.subjects),
            retention=RetentionPolicy.LIMITS,
            storage=StorageType.FILE,
            discard=spec.discard,
            max_age=spec.keep.total_seconds(),
            duplicate_window=spec.duplicate_window.total_seconds(),
        )
        try:
            await self.jetstream.add_stream(config)
        except BadRequestError as error:
            if error.err_code != _STREAM_NAME_IN_USE:
                raise

    async def close(self) -> None:
        """Sends what is buffered, then disconnects. Does not wait for a server that is not there."""
        await self._tasks.close()
        if self._client is None:
            return
        try:
            async with asyncio.timeout(2):
                await self._client.drain()
        except (TimeoutError, nats.errors.Error):
            await self._client.close()

    async def _stay_connected(self) -> None:
        while True:
            closed = asyncio.Event()
            client = await self._connected(closed)
            self._client, self._jetstream = client, client.jetstream(timeout=5)
            for listener in tuple(self._listeners):
                # What closes the connection meanwhile is told below.
                with contextlib.suppress(nats.errors.ConnectionClosedError):
                    if listener in self._listeners:
                        await listener.begin(client)
            self._is_up("bus.connected")
            # The client reconnects by itself, but gives up when the server says why it ends the connection: the user
            # was taken away, say, or the certificate has expired.
            await closed.wait()
            get_logger().error("bus.closed_by_server", server=self._server, error=str(client.last_error))
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _connected(self, closed: asyncio.Event) -> Client:
        """A new client, once it has connected. `closed` is set when it has given up."""
        while True:
            client = Client()
            done = False
            try:
                await self._connect(client, closed)
                done = True
                return client
            except Exception as error:  # noqa: BLE001 - whatever talks at that address and how, NATS may be there later
                self._complain(error)
            finally:
                if not done:
                    await client.close()
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _connect(self, client: Client, closed: asyncio.Event) -> None:
        async def on_error(error: Exception) -> None:
            self._complain(error)

        async def on_disconnected() -> None:
            if self._client is client:
                get_logger().warning("bus.disconnected")

        async def on_reconnected() -> None:
            self._is_up("bus.reconnected")
            for listener in tuple(self._listeners):
                listener.begun()

        async def on_closed() -> None:
            closed.set()

        await client.connect(
            self._url,
            name=f"pantheon-{self._name}",
            allow_reconnect=True,
            max_reconnect_attempts=-1,
            reconnect_time_wait=_RECONNECT_SECONDS,  # type: ignore[arg-type]  # a part of a second will do
            ping_interval=5,
            max_outstanding_pings=2,
            # A message published while disconnected is better refused now than sent much later: who must not lose
            # it keeps it in a journal or an outbox.
            pending_size=0,
            error_cb=on_error,
            disconnected_cb=on_disconnected,
            reconnected_cb=on_reconnected,
            closed_cb=on_closed,
        )

    def _is_up(self, event: str) -> None:
        get_logger().info(event, server=self._server)
        self._complaints.clear()
        self._up.set()

    def _complain(self, error: Exception) -> None:
        """Several attempts a second fail while NATS is away: each reason is logged once."""
        text = str(error) or repr(error)
        if self.connected:
            get_logger().warning("bus.error", error=text)
        elif text not in self._complaints:
            self._complaints.add(text)
            get_logger().warning("bus.unreachable", server=self._server, error=text)


# JetStream API error 10058: "stream name already in use with a different configuration".
_STREAM_NAME_IN_USE = 10058
