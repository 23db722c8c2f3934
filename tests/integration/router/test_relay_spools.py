import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from pantheon.events.v1.completion_pb2 import CompletionFinished
from services.router.journal import Journal, JournalLimits, create_spool, lock_spool
from services.router.spools import Spools
from services.runtime.bus import Bus
from services.runtime.errors import JournalUnavailable
from tests.fixtures.eventually import eventually
from tests.integration.router.ledgers import HASTY, Ledger
from tests.unit.router.journals import SMALL, crash, start_payload, started


@asynccontextmanager
async def running(root: Path, bus: Bus, ledger: Ledger, limits: JournalLimits = SMALL) -> AsyncIterator[Spools]:
    spools = await Spools.open(root, bus, ledger.watermark, limits=limits, settings=HASTY)
    task = asyncio.create_task(spools.run())
    try:
        yield spools
        assert not task.done()
    finally:
        task.cancel()
        _, lasting = await asyncio.wait([task], timeout=10)
        assert not lasting
        await spools.close()


async def left_behind(root: Path, attempts: int) -> str:
    """The id of a spool whose process died with so many attempts open."""
    journal = await Journal.open(create_spool(root), SMALL)
    for _ in range(attempts):
        journal.start(start_payload(started()), 1000)
    await crash(journal)
    return str(journal.spool.id)


async def test_a_drain_ends_when_the_ledger_has_everything(tmp_path: Path, bus: Bus, ledger: Ledger) -> None:
    async with running(tmp_path, bus, ledger) as spools:
        assert spools.ready()
        number = spools.journal.start(start_payload(), 1000)
        ledger.consuming.clear()
        await spools.journal.finish(number, b"")
        assert not await spools.drain(0.3)
        ledger.consuming.set()
        assert await spools.drain(30)
        assert ledger.numbers(spools.journal.spool.id) == [1, 2]


async def test_a_restarted_router_goes_on_with_its_spool(tmp_path: Path, bus: Bus, ledger: Ledger) -> None:
    async with running(tmp_path, bus, ledger) as spools:
        spool = spools.journal.spool.id
        await spools.journal.finish(spools.journal.start(start_payload(), 1000), b"")
        assert await spools.drain(30)
    async with running(tmp_path, bus, ledger) as spools:
        assert spools.journal.spool.id == spool
        assert spools.journal.start(start_payload(), 1000) == 3
    assert ledger.numbers(spool) == [1, 2]


async def test_attempts_of_a_dead_process_are_finished_by_estimates(tmp_path: Path, bus: Bus, ledger: Ledger) -> None:
    spool = await left_behind(tmp_path, 3)
    rated: list[CompletionFinished] = []
    spools = await Spools.open(tmp_path, bus, ledger.watermark, rate=rated.append, limits=SMALL, settings=HASTY)
    assert str(spools.journal.spool.id) == spool
    assert spools.journal.open_count == 0
    assert spools.journal.durable_number == 6
    assert len(rated) == 3
    await spools.close()


async def test_spools_of_others_are_seen_off_and_removed(tmp_path: Path, bus: Bus, ledger: Ledger) -> None:
    own, *others = [await left_behind(tmp_path, 3) for _ in range(3)]
    async with running(tmp_path, bus, ledger) as spools:
        assert str(spools.journal.spool.id) == own
        await eventually(lambda: [path.name for path in tmp_path.iterdir()] == [own])
        for spool in others:
            assert ledger.numbers(spool) == list(range(1, 7))


async def test_a_spool_that_loses_its_process_later_is_adopted_then(tmp_path: Path, bus: Bus, ledger: Ledger) -> None:
    beside = await Journal.open(create_spool(tmp_path), SMALL)
    async with running(tmp_path, bus, ledger) as spools:
        assert spools.journal.spool.id != beside.spool.id
        beside.start(start_payload(started()), 1000)
        await crash(beside)
        await eventually(lambda: not beside.spool.directory.exists())
        assert ledger.numbers(beside.spool.id) == [1, 2]


async def test_an_adopted_spool_stays_until_the_ledger_has_it(tmp_path: Path, bus: Bus, ledger: Ledger) -> None:
    ledger.consuming.clear()
    _own, other = [await left_behind(tmp_path, 3) for _ in range(2)]
    async with running(tmp_path, bus, ledger):
        with structlog.testing.capture_logs() as logs:
            await eventually(lambda: any(line["event"] == "spool.adopted" for line in logs))
        assert lock_spool(tmp_path / other) is None
    # Given back, unfinished business and all.
    spool = lock_spool(tmp_path / other)
    assert spool is not None
    journal = await Journal.open(spool, SMALL)
    assert journal.last_number == 6
    await journal.close()
    spool.release()


async def test_a_spool_that_cannot_be_read_keeps_nobody_from_starting(tmp_path: Path, bus: Bus, ledger: Ledger) -> None:
    unreadable = await left_behind(tmp_path, 1)
    (tmp_path / unreadable / "watermark").write_text("garbage")
    async with running(tmp_path, bus, ledger) as spools:
        assert str(spools.journal.spool.id) != unreadable
        assert spools.ready()
    assert (tmp_path / unreadable).exists()


async def test_a_full_spool_is_not_ready(tmp_path: Path, bus: Bus, ledger: Ledger) -> None:
    ledger.consuming.clear()
    async with running(tmp_path, bus, ledger) as spools:
        with contextlib.suppress(JournalUnavailable):
            while True:
                spools.journal.finish_nowait(spools.journal.start(start_payload(), 300), b"")
        assert not spools.ready()
        ledger.consuming.set()
        assert await spools.drain(30)
        assert spools.ready()
