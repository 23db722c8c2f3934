"""Changes as events: a change, its outbox row and the next revision are one transaction; a relay publishes the rows.

Revisions are gapless in commit order, because the one-row counter stays locked until the transaction ends.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

from nats.errors import Error as NatsError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from pantheon.events.v1 import change_feed_service_pb2_grpc
from pantheon.events.v1.change_feed_service_pb2 import (
    GetSnapshotRequest,
    GetSnapshotResponse,
    ListChangesRequest,
    ListChangesResponse,
)
from pantheon.events.v1.change_pb2 import Change, RevisionBeat
from services.runtime import times
from services.runtime.bus import CHANGES, Bus
from services.runtime.db import Database, ReadConnection, WriteConnection, after_commit, lock_for
from services.runtime.errors import DependencyUnavailable, ResourceNotFound
from services.runtime.ids import uuid7
from services.runtime.logging import get_logger
from services.runtime.rpc import RpcContext

DDL = (
    "CREATE TABLE revision (singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton), value bigint NOT NULL)",
    "INSERT INTO revision (value) VALUES (0)",
    """CREATE TABLE outbox (
        revision bigint PRIMARY KEY,
        committed_at timestamptz NOT NULL,
        subject text NOT NULL,
        change bytea NOT NULL,
        published_at timestamptz
    )""",
    "CREATE INDEX outbox_unpublished ON outbox (revision) WHERE published_at IS NULL",
)
"""Statements for a service's first migration."""

KEPT = timedelta(days=7)
_SNAPSHOT_PART = 500
_LIST_MOST = 1_000
_RELAY_BATCH = 100
_BEAT_SECONDS = 1.0


class Outbox:
    """The write side: books changes in the transaction that makes them."""

    def __init__(self, db: Database, source: str) -> None:
        self.db = db
        self.source = source
        self.added = asyncio.Event()

    async def add(self, connection: WriteConnection, change: Change) -> int:
        """Gives the change the next revision, an id and the time, and books it. Returns the revision."""
        revision: int = (
            await connection.execute(text("UPDATE revision SET value = value + 1 RETURNING value"))
        ).scalar_one()
        committed = times.now()
        event_id = str(uuid7())
        change.MergeFrom(Change(revision=revision, event_id=event_id, commit_time=times.to_timestamp(committed)))
        subject = f"pantheon.changes.v1.{self.source}.{change.WhichOneof('event')}"
        await connection.execute(
            text("INSERT INTO outbox (revision, committed_at, subject, change) VALUES (:r, :t, :s, :c)"),
            {"r": revision, "t": committed, "s": subject, "c": change.SerializeToString()},
        )
        after_commit(connection, self.added.set)
        return revision


class OutboxRelay:
    """Publishes what is booked, in order, and beats the revision every second. One replica does so at a time."""

    def __init__(self, outbox: Outbox, bus: Bus) -> None:
        self._outbox = outbox
        self._bus = bus
        self._lock_name = f"pantheon.outbox.{outbox.source}"

    async def run(self) -> None:
        """Runs until cancelled; trouble with the database or NATS is waited out, and logged here or by the bus."""
        log = get_logger()
        # A cancellation that a NATS request has lost is still counted; see `tasks.end`.
        while (task := asyncio.current_task()) and not task.cancelling():
            await self._bus.until_connected()
            self._outbox.added.clear()
            try:
                await self._bus.ensure_stream(CHANGES)
                while await self._publish_some():
                    pass
                await self._beat()
            except (DependencyUnavailable, DBAPIError, NatsError, OSError) as error:
                log.warning("outbox.relay_failed", source=self._outbox.source, error=str(error))
            try:
                async with asyncio.timeout(_BEAT_SECONDS):
                    await self._outbox.added.wait()
            except TimeoutError:
                pass

    async def _publish_some(self) -> bool:
        async with self._outbox.db.write() as connection:
            # Another replica's relay may have looked before what we were woken for was committed: wait, don't give up.
            await lock_for(connection, self._lock_name)
            rows = (
                await connection.execute(
                    text(
                        "SELECT revision, subject, change FROM outbox WHERE published_at IS NULL "
                        "ORDER BY revision LIMIT :most"
                    ),
                    {"most": _RELAY_BATCH},
                )
            ).all()
            if not rows:
                return False
            for row in rows:
                event_id = Change.FromString(row.change).event_id
                await self._bus.jetstream.publish(row.subject, row.change, headers={"Nats-Msg-Id": event_id})
            await connection.execute(
                text("UPDATE outbox SET published_at = now() WHERE revision BETWEEN :first AND :last"),
                {"first": rows[0].revision, "last": rows[-1].revision},
            )
            await connection.execute(
                text("DELETE FROM outbox WHERE published_at < now() - CAST(:kept AS interval)"), {"kept": KEPT}
            )
        return len(rows) == _RELAY_BATCH

    async def _beat(self) -> None:
        async with self._outbox.db.read() as connection:
            revision = await current_revision(connection)
        beat = RevisionBeat(source=self._outbox.source, revision=revision)
        await self._bus.nc.publish(f"pantheon.revisions.v1.{self._outbox.source}", beat.SerializeToString())


async def current_revision(connection: ReadConnection) -> int:
    """The revision this transaction sees."""
    revision: int = (await connection.execute(text("SELECT value FROM revision"))).scalar_one()
    return revision


class ChangeFeedServicer(change_feed_service_pb2_grpc.ChangeFeedServiceServicer):
    """The read side: snapshots and missed changes. `snapshot` yields the whole state as changes, in one transaction."""

    def __init__(self, db: Database, snapshot: Callable[[ReadConnection], AsyncIterator[Change]]) -> None:
        self._db = db
        self._snapshot = snapshot

    async def GetSnapshot(self, request: GetSnapshotRequest, context: RpcContext) -> AsyncIterator[GetSnapshotResponse]:
        """See the proto."""
        async with self._db.snapshot() as connection:
            revision = await current_revision(connection)
            part = GetSnapshotResponse(revision=revision)
            async for change in self._snapshot(connection):
                change.revision = revision
                part.changes.append(change)
                if len(part.changes) == _SNAPSHOT_PART:
                    yield part
                    part = GetSnapshotResponse(revision=revision)
            yield part

    async def ListChanges(self, request: ListChangesRequest, context: RpcContext) -> ListChangesResponse:
        """See the proto."""
        async with self._db.snapshot() as connection:
            revision = await current_revision(connection)
            rows = (
                await connection.execute(
                    text("SELECT change FROM outbox WHERE revision > :after ORDER BY revision LIMIT :most"),
                    {"after": request.after_revision, "most": _LIST_MOST},
                )
            ).scalars()
            changes = [Change.FromString(row) for row in rows]
        first = changes[0].revision if changes else revision + 1
        if request.after_revision > revision or first != request.after_revision + 1:
            raise ResourceNotFound("change after revision", str(request.after_revision))
        return ListChangesResponse(changes=changes, revision=revision)
