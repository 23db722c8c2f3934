import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from nats.aio.msg import Msg
from sqlalchemy import text

from pantheon.events.v1.change_feed_service_pb2 import GetSnapshotRequest, ListChangesRequest
from pantheon.events.v1.change_feed_service_pb2_grpc import ChangeFeedServiceStub
from pantheon.events.v1.change_pb2 import Change, RevisionBeat
from services.local.nats import LocalNats
from services.local.postgres import LocalPostgres
from services.runtime.bus import CHANGES, Bus
from services.runtime.errors import ResourceNotFound
from services.runtime.outbox import OutboxRelay
from services.runtime.status import error_from_rpc
from services.runtime.tasks import Tasks
from tests.fixtures.databases import database_from
from tests.fixtures.eventually import eventually
from tests.integration.runtime.changing_source import (
    SOURCE,
    ChangingSource,
    channel_of_a_follower,
    make_schema,
    renamed,
    serving,
)

source_url = database_from(make_schema)

STATE = "SELECT count(*) rows, coalesce(max(revision), 0) last, (SELECT value FROM revision) FROM outbox"


@pytest.fixture
async def source(source_url: str) -> AsyncIterator[ChangingSource]:
    made = ChangingSource(source_url)
    yield made
    await made.db.close()


@pytest.fixture
async def bus(own_nats: LocalNats) -> AsyncIterator[Bus]:
    connected = await Bus.connect(own_nats.url, name="test")
    yield connected
    await connected.close()


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    """Background tasks of the test; none may fail."""
    group = Tasks()
    yield group
    await group.close()
    assert not group.failed.is_set()


@pytest.fixture
async def feed(source: ChangingSource, tmp_path: Path) -> AsyncIterator[ChangeFeedServiceStub]:
    async with (
        serving(source, tmp_path / "keys") as port,
        channel_of_a_follower(port, tmp_path / "keys") as channel,
    ):
        yield ChangeFeedServiceStub(channel)


async def published(bus: Bus) -> list[int]:
    """The revisions in the stream, as often and in the order in which they are there."""
    await bus.ensure_stream(CHANGES)
    count = (await bus.jetstream.stream_info(CHANGES.name)).state.messages
    messages = [await bus.jetstream.get_msg(CHANGES.name, number) for number in range(1, count + 1)]
    return [Change.FromString(message.data or b"").revision for message in messages]


class RolledBackError(Exception):
    """What a writer changes its mind with."""


async def test_revisions_are_gapless_in_commit_order_under_twenty_writers(source: ChangingSource) -> None:
    async def write(writer: int) -> None:
        for number in range(10):
            with contextlib.suppress(RolledBackError):
                async with source.db.write() as connection:
                    await source.outbox.add(connection, renamed(f"{writer}", f"{number}"))
                    if (writer + number) % 5 == 0:
                        raise RolledBackError

    async def watch(done: asyncio.Event) -> int:
        looks = 0
        while not done.is_set():
            async with source.db.snapshot() as connection:
                row = (await connection.execute(text(STATE))).one()
            # What is committed is always 1 to n: a commit that overtakes a lower revision would leave a hole.
            assert row.rows == row.last == row.value
            looks += 1
        return looks

    done = asyncio.Event()
    watching = asyncio.create_task(watch(done))
    await asyncio.gather(*(write(writer) for writer in range(20)))
    done.set()
    assert await watching > 5
    async with source.db.read() as connection:
        revisions = (await connection.execute(text("SELECT revision FROM outbox ORDER BY revision"))).scalars().all()
    assert list(revisions) == list(range(1, 161))


async def test_a_change_is_published_at_once_and_once(source: ChangingSource, bus: Bus, tasks: Tasks) -> None:
    heard: asyncio.Queue[Msg] = asyncio.Queue()
    await bus.nc.subscribe(f"pantheon.changes.v1.{SOURCE}.>", cb=heard.put)
    tasks.start("relay", OutboxRelay(source.outbox, bus).run())
    for number in range(1, 6):
        await source.put("a", f"name {number}")
        # Well before the next beat would have found it.
        message = await asyncio.wait_for(heard.get(), 0.7)
        assert message.subject == f"pantheon.changes.v1.{SOURCE}.organisation_changed"
        change = Change.FromString(message.data)
        assert change.revision == number
        assert change.organisation_changed.organisation.name == f"name {number}"
        assert (message.headers or {})["Nats-Msg-Id"] == change.event_id
        assert change.HasField("commit_time")
    assert await published(bus) == [1, 2, 3, 4, 5]


async def test_what_was_booked_while_nats_was_down_is_published_when_it_is_back(
    source: ChangingSource, bus: Bus, tasks: Tasks, own_nats: LocalNats
) -> None:
    tasks.start("relay", OutboxRelay(source.outbox, bus).run())
    await source.put("a", "before")
    await eventually(lambda: all_published(source))
    await own_nats.kill()
    for number in range(3):
        await source.put("a", f"meanwhile {number}")
    await own_nats.start()
    await eventually(lambda: all_published(source))
    assert await published(bus) == [1, 2, 3, 4]


async def test_two_relays_publish_in_order_and_nothing_twice(
    source: ChangingSource, source_url: str, bus: Bus, own_nats: LocalNats, tasks: Tasks
) -> None:
    replica = ChangingSource(source_url)
    other_bus = await Bus.connect(own_nats.url, name="replica")
    tasks.start("relay", OutboxRelay(source.outbox, bus).run())
    tasks.start("relay of the replica", OutboxRelay(replica.outbox, other_bus).run())

    async def write(writer: ChangingSource, count: int) -> None:
        for number in range(count):
            await writer.put(f"{id(writer)}", f"{number}")

    await asyncio.gather(*(write(writer, 20) for writer in (source, replica, source, replica)))
    await eventually(lambda: all_published(source))
    assert await published(bus) == list(range(1, 81))
    await tasks.close()
    await other_bus.close()
    await replica.db.close()


async def test_a_backlog_larger_than_a_batch_is_published_whole(source: ChangingSource, bus: Bus, tasks: Tasks) -> None:
    async with source.db.write() as connection:
        for number in range(250):
            await source.outbox.add(connection, renamed("a", f"{number}"))
    tasks.start("relay", OutboxRelay(source.outbox, bus).run())
    await eventually(lambda: all_published(source))
    assert await published(bus) == list(range(1, 251))


async def test_the_relay_outlives_a_crash_of_postgres(own_postgres: LocalPostgres, bus: Bus, tasks: Tasks) -> None:
    await own_postgres.create_database("crashing")
    await make_schema(own_postgres.dsn("crashing"))
    source = ChangingSource(own_postgres.dsn("crashing"))
    tasks.start("relay", OutboxRelay(source.outbox, bus).run())
    await source.put("a", "before")
    await eventually(lambda: all_published(source))
    await own_postgres.restart("immediate")
    await source.put("a", "after")
    await eventually(lambda: all_published(source))
    assert await published(bus) == [1, 2]
    assert not tasks.failed.is_set()
    await tasks.close()
    await source.db.close()


async def test_the_revision_is_beaten_every_second(source: ChangingSource, bus: Bus, tasks: Tasks) -> None:
    beats: asyncio.Queue[Msg] = asyncio.Queue()
    await bus.nc.subscribe(f"pantheon.revisions.v1.{SOURCE}", cb=beats.put)
    await source.put("a", "name")
    tasks.start("relay", OutboxRelay(source.outbox, bus).run())
    for _ in range(2):
        message = await asyncio.wait_for(beats.get(), 3)
        assert RevisionBeat.FromString(message.data) == RevisionBeat(source=SOURCE, revision=1)


async def test_published_changes_are_kept_for_seven_days(
    source: ChangingSource, bus: Bus, tasks: Tasks, feed: ChangeFeedServiceStub
) -> None:
    for number in range(3):
        await source.put("a", f"{number}")
    await source.execute("UPDATE outbox SET published_at = now() - interval '8 days' WHERE revision = 1")
    await source.execute("UPDATE outbox SET published_at = now() - interval '6 days' WHERE revision = 2")
    tasks.start("relay", OutboxRelay(source.outbox, bus).run())
    await eventually(lambda: all_published(source))
    assert [change.revision for change in await listed(feed, after=1)] == [2, 3]
    with pytest.raises(ResourceNotFound):
        await listed(feed, after=0)


async def test_changes_after_a_revision_are_listed_a_thousand_at_a_time(
    source: ChangingSource, feed: ChangeFeedServiceStub
) -> None:
    async with source.db.write() as connection:
        for number in range(1_002):
            await source.outbox.add(connection, renamed("a", f"{number}"))
    assert [change.revision for change in await listed(feed, after=1)] == list(range(2, 1_002))
    assert [change.revision for change in await listed(feed, after=1_001)] == [1_002]
    assert await listed(feed, after=1_002) == []


@pytest.mark.parametrize("after", (-1, 2, 1_000_000))
async def test_a_revision_that_was_never_reached_is_not_found(
    source: ChangingSource, feed: ChangeFeedServiceStub, after: int
) -> None:
    await source.put("a", "name")
    with pytest.raises(ResourceNotFound):
        await listed(feed, after=after)


async def test_a_snapshot_comes_in_parts_of_one_revision(source: ChangingSource, feed: ChangeFeedServiceStub) -> None:
    await source.execute("INSERT INTO names SELECT n::text, 'name ' || n FROM generate_series(1, 1201) n")
    await source.put("1", "renamed")
    parts = [part async for part in feed.GetSnapshot(GetSnapshotRequest())]
    assert [len(part.changes) for part in parts] == [500, 500, 201]
    assert {part.revision for part in parts} == {1}
    organisations = [change.organisation_changed.organisation for part in parts for change in part.changes]
    assert {organisation.id: organisation.name for organisation in organisations} == await source.names()


async def test_the_snapshot_of_an_empty_source_has_its_revision(
    source: ChangingSource, feed: ChangeFeedServiceStub
) -> None:
    (part,) = [part async for part in feed.GetSnapshot(GetSnapshotRequest())]
    assert (part.revision, len(part.changes)) == (0, 0)


async def all_published(source: ChangingSource) -> bool:
    async with source.db.read() as connection:
        waiting = await connection.execute(text("SELECT count(*) FROM outbox WHERE published_at IS NULL"))
        return bool(waiting.scalar_one() == 0)


async def listed(feed: ChangeFeedServiceStub, *, after: int) -> list[Change]:
    try:
        return list((await feed.ListChanges(ListChangesRequest(after_revision=after))).changes)
    except grpc.aio.AioRpcError as failure:
        raise error_from_rpc(failure) from None
