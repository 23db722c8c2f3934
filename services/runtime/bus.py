"""NATS: one connection a process, and the JetStream streams. Transport, not the ledger."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

import nats
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import BadRequestError

from services.runtime.logging import get_logger

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


class Bus:
    """A connection that is re-established for ever. While it is down publishing fails and subscriptions are silent."""

    def __init__(self, client: Client) -> None:
        self.nc = client
        self.jetstream: JetStreamContext = client.jetstream(timeout=5)

    @classmethod
    async def connect(cls, url: str, *, name: str) -> Self:
        """Connects, waiting as long as it takes; the caller sets the deadline."""
        log = get_logger()

        async def on_error(error: Exception) -> None:
            log.warning("bus.error", error=str(error))

        async def on_disconnected() -> None:
            log.warning("bus.disconnected")

        async def on_reconnected() -> None:
            log.info("bus.reconnected")

        client = await nats.connect(
            url,
            name=f"pantheon-{name}",
            allow_reconnect=True,
            max_reconnect_attempts=-1,
            reconnect_time_wait=_RECONNECT_SECONDS,
            ping_interval=5,
            max_outstanding_pings=2,
            # A message published while disconnected is better refused now than sent much later: who must not lose
            # it keeps it in a journal or an outbox.
            pending_size=0,
            error_cb=on_error,
            disconnected_cb=on_disconnected,
            reconnected_cb=on_reconnected,
        )
        return cls(client)

    @property
    def connected(self) -> bool:
        """Whether the server can be reached right now, as far as is known."""
        return bool(self.nc.is_connected)

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
        try:
            async with asyncio.timeout(2):
                await self.nc.drain()
        except (TimeoutError, nats.errors.Error):
            await self.nc.close()


# JetStream API error 10058: "stream name already in use with a different configuration".
_STREAM_NAME_IN_USE = 10058
