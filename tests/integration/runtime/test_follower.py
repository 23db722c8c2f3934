import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.local.nats import LocalNats
from services.runtime.bus import Bus
from services.runtime.errors import SnapshotStale
from services.runtime.outbox import OutboxRelay
from services.runtime.tasks import Tasks
from tests.fixtures.databases import database_from
from tests.fixtures.eventually import eventually
from tests.fixtures.fault_proxy import FaultProxy
from tests.integration.runtime.changing_source import ChangingSource, make_schema, serving
from tests.integration.runtime.followers import Copy, Followers, beat, loaded, publish

source_url = database_from(make_schema)

# Sooner than a follower would ask by itself after two seconds of silence.
BEFORE_SILENCE = 1.5


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
async def wire(source: ChangingSource, tmp_path: Path) -> AsyncIterator[FaultProxy]:
    """What followers reach the source through."""
    async with serving(source, tmp_path / "keys") as port, FaultProxy(port) as proxy:
        yield proxy


@pytest.fixture
def followers(bus: Bus, wire: FaultProxy, tmp_path: Path) -> Followers:
    return Followers(bus, wire, tmp_path / "keys")


@pytest.fixture
async def relay(source: ChangingSource, bus: Bus) -> AsyncIterator[None]:
    """The source publishes its changes."""
    tasks = Tasks()
    tasks.start("relay", OutboxRelay(source.outbox, bus).run())
    yield
    await tasks.close()
    assert not tasks.failed.is_set()


async def test_a_follower_has_what_was_there_and_what_comes(
    source: ChangingSource, followers: Followers, relay: None
) -> None:
    await source.put("a", "one")
    await source.put("b", "two")
    async with followers.following() as copy:
        await loaded(copy)
        assert copy.names == {"a": "one", "b": "two"}
        await source.put("b", "three")
        await eventually(lambda: copy.names["b"] == "three", timeout=1)
        assert (copy.follower.revision, copy.resets) == (3, 1)


async def test_older_events_are_dropped(source: ChangingSource, followers: Followers, bus: Bus) -> None:
    for name in ("one", "two"):
        await source.put("a", name)
    async with followers.following() as copy:
        await loaded(copy)
        for revision in (1, 2):
            await publish(bus, revision, "a", "old")
        await publish(bus, 3, "b", "new")
        await eventually(lambda: copy.names == {"a": "two", "b": "new"})
        assert copy.follower.revision == 3


async def test_what_was_missed_is_asked_for_when_a_later_event_comes(
    source: ChangingSource, followers: Followers, bus: Bus
) -> None:
    async with followers.following() as copy:
        await loaded(copy)
        for number in range(3):
            await source.put(str(number), "name")
        await publish(bus, 3, "2", "name")
        await eventually(lambda: copy.names == dict.fromkeys("012", "name"), timeout=BEFORE_SILENCE)
        assert (copy.follower.revision, copy.resets) == (3, 1)


async def test_what_was_missed_is_asked_for_when_a_beat_tells_of_it(
    source: ChangingSource, followers: Followers, bus: Bus
) -> None:
    async with followers.following() as copy:
        await loaded(copy)
        await source.put("a", "name")
        await beat(bus, 1)
        await eventually(lambda: copy.names == {"a": "name"}, timeout=BEFORE_SILENCE)


async def test_in_silence_the_source_is_asked_by_itself(source: ChangingSource, followers: Followers) -> None:
    async with followers.following() as copy:
        await loaded(copy)
        await source.put("a", "name")
        await eventually(lambda: copy.names == {"a": "name"}, timeout=5)


async def test_a_follower_needs_no_nats_to_start_and_hears_once_that_has_come(
    source: ChangingSource, wire: FaultProxy, late_nats: LocalNats, tmp_path: Path
) -> None:
    bus = Bus.open(late_nats.url, name="test")
    await source.put("a", "before")
    async with Followers(bus, wire, tmp_path / "keys").following() as copy:
        await loaded(copy)
        await source.put("b", "polled")
        await eventually(lambda: copy.names == {"a": "before", "b": "polled"}, timeout=5)
        await late_nats.start()
        await asyncio.wait_for(bus.until_connected(), 10)
        # Nothing is polled any more.
        await wire.cut()
        await publish(bus, 3, "c", "heard")
        await eventually(lambda: copy.names.get("c") == "heard")
    await bus.close()


async def test_what_was_missed_is_asked_for_when_nats_comes(
    source: ChangingSource, wire: FaultProxy, late_nats: LocalNats, tmp_path: Path
) -> None:
    bus = Bus.open(late_nats.url, name="test")
    async with Followers(bus, wire, tmp_path / "keys").following() as copy:
        await loaded(copy)
        await source.put("a", "nobody told")
        await late_nats.start()
        await eventually(lambda: copy.names == {"a": "nobody told"}, timeout=BEFORE_SILENCE)
    await bus.close()


async def test_changes_that_are_no_longer_kept_are_replaced_by_a_snapshot(
    source: ChangingSource, followers: Followers, bus: Bus
) -> None:
    async with followers.following() as copy:
        await loaded(copy)
        for number in range(3):
            await source.put("a", f"{number}")
        await source.execute("DELETE FROM outbox WHERE revision < 3")
        await beat(bus, 3)
        await eventually(lambda: copy.follower.revision == 3, timeout=BEFORE_SILENCE)
        assert (copy.names, copy.resets) == ({"a": "2"}, 2)


async def test_a_source_restored_from_a_backup_is_followed_back(
    source: ChangingSource, followers: Followers, relay: None
) -> None:
    for number in range(5):
        await source.put(str(number), "name")
    async with followers.following() as copy:
        await loaded(copy)
        await source.execute("DELETE FROM outbox WHERE revision > 2")
        await source.execute("DELETE FROM names WHERE id >= '2'")
        await source.execute("UPDATE revision SET value = 2")
        await eventually(lambda: copy.names == {"0": "name", "1": "name"})
        assert copy.follower.revision == 2
        await source.put("9", "after")
        await eventually(lambda: copy.names == {"0": "name", "1": "name", "9": "after"}, timeout=1)


async def test_changes_that_overtake_a_snapshot_are_not_lost(
    source: ChangingSource, followers: Followers, bus: Bus
) -> None:
    await source.put("a", "1")
    async with followers.following() as copy:
        await loaded(copy)
        source.snapshot_begun.clear()
        source.snapshot_may_go_on.clear()
        for name in ("2", "3"):
            await source.put("a", name)
        await source.execute("DELETE FROM outbox WHERE revision <= 2")
        await beat(bus, 3)
        await asyncio.wait_for(source.snapshot_begun.wait(), 5)
        await source.put("a", "4")
        for revision in (2, 3, 4):
            await publish(bus, revision, "a", f"{revision}")
        await eventually(lambda: copy.follower.revision == 4)
        source.snapshot_may_go_on.set()
        await eventually(lambda: copy.resets == 2 and copy.follower.revision == 4, timeout=BEFORE_SILENCE)
        assert copy.names == {"a": "4"}


async def test_followers_that_start_amid_changes_end_in_the_same_state(
    source: ChangingSource, followers: Followers, relay: None
) -> None:
    async def write(writer: int) -> None:
        for number in range(30):
            await source.put(f"{(writer + number) % 7}", f"{writer}.{number}")

    async def has_reached(revision: int) -> bool:
        return await source.revision() >= revision

    async def follow(start_at: int) -> None:
        await eventually(lambda: has_reached(start_at))
        async with followers.following() as copy:
            await eventually(lambda: copy.follower.revision == 120)
            assert copy.names == await source.names()

    await asyncio.gather(*(write(writer) for writer in range(4)), *(follow(start) for start in range(0, 120, 15)))


async def test_a_follower_starts_from_its_cache_without_the_source(
    source: ChangingSource, followers: Followers, relay: None, wire: FaultProxy, tmp_path: Path
) -> None:
    cache = tmp_path / "state" / "source.changes"
    await source.put("a", "in the snapshot")
    async with followers.following(cache) as copy:
        await loaded(copy)
        await source.put("b", "after it")
        await eventually(lambda: len(copy.names) == 2)
    await wire.cut()
    async with followers.following(cache) as copy:
        await loaded(copy)
        assert copy.names == {"a": "in the snapshot", "b": "after it"}
        assert copy.follower.revision == 2
        copy.follower.check_fresh()
        await source.put("c", "by event")
        await eventually(lambda: len(copy.names) == 3)


async def test_a_cache_is_replaced_when_the_source_is_back_whatever_its_revision(
    source: ChangingSource, followers: Followers, wire: FaultProxy, tmp_path: Path
) -> None:
    cache = tmp_path / "source.changes"
    await source.put("a", "of a history that is lost")
    async with followers.following(cache) as copy:
        await loaded(copy)
    await source.execute("UPDATE names SET name = 'restored'")
    await source.put("b", "and gone on")
    await wire.cut()
    async with followers.following(cache) as copy:
        await loaded(copy)
        assert copy.names == {"a": "of a history that is lost"}
        await wire.resume()
        await eventually(lambda: copy.names == {"a": "restored", "b": "and gone on"})


async def test_a_cache_cut_off_in_mid_write_is_used_up_to_there_and_mended(
    source: ChangingSource, followers: Followers, bus: Bus, wire: FaultProxy, tmp_path: Path
) -> None:
    cache = tmp_path / "source.changes"
    await source.put("a", "one")
    async with followers.following(cache) as copy:
        await loaded(copy)
        await publish(bus, 2, "b", "two")
        await eventually(lambda: len(copy.names) == 2)
    truncate(cache, by=3)
    await wire.cut()
    async with followers.following(cache) as copy:
        await loaded(copy)
        assert copy.names == {"a": "one"}
        await publish(bus, 2, "b", "two again")
        await eventually(lambda: len(copy.names) == 2)
    async with followers.following(cache) as copy:
        await loaded(copy)
        assert copy.names == {"a": "one", "b": "two again"}


async def test_an_unreadable_cache_does_not_keep_a_follower_from_starting(
    source: ChangingSource, followers: Followers, wire: FaultProxy, tmp_path: Path
) -> None:
    cache = tmp_path / "source.changes"
    overwrite(cache, b"\0\0\0\4\xff\xff\xff\xff")
    await source.put("a", "one")
    await wire.cut()
    with capture_logs() as logs:
        async with followers.following(cache) as copy:
            await eventually(lambda: "cache.unreadable" in {line["event"] for line in logs})
            assert not copy.follower.loaded.is_set()
            await wire.resume()
            await loaded(copy)
            assert copy.names == {"a": "one"}


async def test_a_cache_that_cannot_be_written_costs_only_itself(
    source: ChangingSource, followers: Followers, tmp_path: Path
) -> None:
    nowhere = tmp_path / "file"
    nowhere.write_text("not a directory")
    async with followers.following(nowhere / "source.changes") as copy:
        await loaded(copy)
        await source.put("a", "one")
        await eventually(lambda: copy.names == {"a": "one"})


async def test_a_cache_is_for_its_owner_only(source: ChangingSource, followers: Followers, tmp_path: Path) -> None:
    cache = tmp_path / "source.changes"
    async with followers.following(cache) as copy:
        await loaded(copy)
        assert mode(cache) == 0o600


async def test_a_copy_nobody_has_confirmed_for_too_long_is_not_to_be_trusted(
    source: ChangingSource, followers: Followers, wire: FaultProxy, own_nats: LocalNats
) -> None:
    async with followers.following(max_staleness=1) as copy:
        with pytest.raises(SnapshotStale, match="What is known of source"):
            copy.follower.check_fresh()
        await loaded(copy)
        copy.follower.check_fresh()
        await wire.cut()
        await eventually(lambda: is_stale(copy))
        await wire.resume()
        await eventually(lambda: not is_stale(copy))


async def test_beats_alone_keep_a_copy_trusted(
    source: ChangingSource, followers: Followers, wire: FaultProxy, bus: Bus
) -> None:
    async with followers.following(max_staleness=0.5) as copy:
        await loaded(copy)
        await wire.cut()
        await eventually(lambda: is_stale(copy))
        await beat(bus, 0)
        await eventually(lambda: not is_stale(copy))


def is_stale(copy: Copy) -> bool:
    try:
        copy.follower.check_fresh()
    except SnapshotStale:
        return True
    return False


def truncate(path: Path, *, by: int) -> None:
    path.write_bytes(path.read_bytes()[:-by])


def overwrite(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777
