"""The read side of changes: keeps a copy of another service's state in memory, and on disk for a start without it.

Subscribes first, then takes a snapshot; drops what is older, applies only revision n + 1, asks for what it missed on a
gap. After two seconds of silence it polls over gRPC, so a cut NATS delays a change by seconds and loses none.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import grpc
from google.protobuf.message import DecodeError
from nats.aio.msg import Msg

from pantheon.events.v1.change_feed_service_pb2 import GetSnapshotRequest, ListChangesRequest
from pantheon.events.v1.change_feed_service_pb2_grpc import ChangeFeedServiceStub
from pantheon.events.v1.change_pb2 import Change, RevisionBeat
from services.runtime.bus import Bus
from services.runtime.change_cache import ChangeCache
from services.runtime.errors import PantheonError, ResourceNotFound, SnapshotStale
from services.runtime.logging import get_logger
from services.runtime.status import error_from_rpc

_SILENCE_SECONDS = 2.0
_CHECK_SECONDS = 0.5
_CALL_SECONDS = 5.0
_SNAPSHOT_SECONDS = 30.0


class Follower:
    """Follows one source.

    `reset` empties the copy, `apply` puts one change into it; both are plain functions called on the event loop, so a
    reader never sees a half-applied change. A snapshot is reset and applied in one go.
    """

    def __init__(
        self,
        source: str,
        bus: Bus,
        channel: grpc.aio.Channel,
        *,
        reset: Callable[[], None],
        apply: Callable[[Change], None],
        cache: Path | None = None,
        max_staleness: float = 300.0,
    ) -> None:
        self.source = source
        self.revision = -1
        self.loaded = asyncio.Event()
        self.began_from_cache = False
        self._bus = bus
        self._feed = ChangeFeedServiceStub(channel)
        self._reset = reset
        self._apply = apply
        self._cache = ChangeCache(cache) if cache is not None else None
        self._meanwhile: list[Change] | None = None
        self._max_staleness = max_staleness
        self._confirmed_at = -max_staleness
        self._cached = False
        self._behind = asyncio.Event()

    def check_fresh(self) -> None:
        """Raises SnapshotStale when the copy can't be trusted any more."""
        age = time.monotonic() - self._confirmed_at
        if age > self._max_staleness:
            raise SnapshotStale(self.source, age)

    async def run(self) -> None:
        """Runs until cancelled. NATS need not be there: until it is, the source is asked."""
        changes, beats = f"pantheon.changes.v1.{self.source}.>", f"pantheon.revisions.v1.{self.source}"
        async with (
            # Subscribed first, then read, and read again whenever a connection comes or comes back.
            self._bus.listening(changes, self._on_change, begun=self._behind.set),
            self._bus.listening(beats, self._on_beat),
        ):
            if not await self._catch_up():
                self._load_cache()
            while True:
                await self._wait()
                await self._catch_up()

    async def _wait(self) -> None:
        """Until a gap shows or the source has been silent for too long."""
        while time.monotonic() - self._confirmed_at < _SILENCE_SECONDS:
            try:
                async with asyncio.timeout(_CHECK_SECONDS):
                    await self._behind.wait()
                    return
            except TimeoutError:
                continue
        # Silent: one poll a check interval at most.
        await asyncio.sleep(_CHECK_SECONDS)

    async def _on_change(self, message: Msg) -> None:
        change = Change.FromString(message.data)
        if change.revision == self.revision + 1:
            self._apply_one(change)
        elif change.revision > self.revision + 1:
            self._behind.set()

    async def _on_beat(self, message: Msg) -> None:
        beat = RevisionBeat.FromString(message.data)
        if beat.revision == self.revision:
            self._confirmed_at = time.monotonic()
        else:
            self._behind.set()

    def _apply_one(self, change: Change) -> None:
        self._apply(change)
        self.revision = change.revision
        self._confirmed_at = time.monotonic()
        if self._meanwhile is not None:
            self._meanwhile.append(change)
        if self._cache is not None:
            self._cache.add(change)

    async def _catch_up(self) -> bool:
        """Asks for what was missed, or for everything. False when the source can't be reached."""
        self._behind.clear()
        try:
            if self.revision < 0 or self._cached or not await self._list_changes():
                await self._take_snapshot()
        except (PantheonError, grpc.aio.AioRpcError, DecodeError) as error:
            get_logger().warning("follower.source_unreachable", source=self.source, error=str(error)[:200])
            return False
        self._confirmed_at = time.monotonic()
        self.loaded.set()
        return True

    async def _list_changes(self) -> bool:
        """False when the changes are no longer kept, or the source was set back."""
        while True:
            try:
                answer = await self._feed.ListChanges(
                    ListChangesRequest(after_revision=self.revision), timeout=_CALL_SECONDS
                )
            except grpc.aio.AioRpcError as failure:
                error = error_from_rpc(failure, self.source)
                if isinstance(error, ResourceNotFound):
                    return False
                raise error from None
            for change in answer.changes:
                if change.revision == self.revision + 1:
                    self._apply_one(change)
            if self.revision >= answer.revision:
                return True

    async def _take_snapshot(self) -> None:
        changes: list[Change] = []
        revision = 0
        # Changes applied while the snapshot is on its way may not be in it, and must not be undone by it.
        meanwhile = self._meanwhile = []
        try:
            async for part in self._feed.GetSnapshot(GetSnapshotRequest(), timeout=_SNAPSHOT_SECONDS):
                revision = part.revision
                changes.extend(part.changes)
        finally:
            self._meanwhile = None
        self._replace(changes, revision)
        self._cached = False
        get_logger().info("follower.snapshot_taken", source=self.source, revision=revision, changes=len(changes))
        if self._cache is not None:
            self._cache.replace(changes)
        for change in meanwhile:
            if change.revision == self.revision + 1:
                self._apply_one(change)

    def _replace(self, changes: list[Change], revision: int) -> None:
        self._reset()
        for change in changes:
            self._apply(change)
        self.revision = revision

    def _load_cache(self) -> None:
        """Starts from what was known last. The age of it is not known, so it counts from now.

        The first contact takes a snapshot whatever the revision: the source may have been restored from a backup and
        gone on from there.
        """
        changes = self._cache.load() if self._cache is not None else []
        if self._cache is None or not changes:
            return
        self._replace(changes, changes[-1].revision)
        self._cache.replace(changes)  # without what a crash cut off, or nothing could be added
        self._cached = self.began_from_cache = True
        self._confirmed_at = time.monotonic()
        self.loaded.set()
        get_logger().warning("follower.cache_loaded", source=self.source, revision=self.revision)
