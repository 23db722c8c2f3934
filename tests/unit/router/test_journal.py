import asyncio
import contextlib
from pathlib import Path

import pytest

from services.router.journal import JournalLimits
from services.runtime.errors import JournalUnavailable
from tests.fixtures.eventually import eventually
from tests.unit.router.journals import (
    SMALL,
    FaultyFiles,
    all_records,
    close_journal,
    fill,
    once_durable,
    open_journal,
    opened,
)


async def test_records_are_numbered_without_gaps_and_read_in_order(tmp_path: Path) -> None:
    async with opened(tmp_path) as journal:
        first, second = journal.start(b"start 1", 100), journal.start(b"start 2", 100)
        journal.checkpoint(first, b"checkpoint")
        assert await journal.finish(second, b"finish 2") == 3
        assert await journal.finish(first, b"finish 1") == 4
        assert await all_records(journal) == [(1, b"start 1"), (2, b"start 2"), (3, b"finish 2"), (4, b"finish 1")]


async def test_a_finish_is_durable_when_it_returns(tmp_path: Path) -> None:
    files = FaultyFiles()
    async with opened(tmp_path, files) as journal:
        number = journal.start(b"start", 100)
        syncs = files.syncs
        finish = await journal.finish(number, b"finish")
        assert files.syncs > syncs
        assert journal.durable_number == finish


async def test_finishes_that_wait_together_share_a_sync(tmp_path: Path) -> None:
    files = FaultyFiles()
    async with opened(tmp_path, files, JournalLimits()) as journal:
        numbers = [journal.start(b"start", 100) for _ in range(100)]
        syncs = files.syncs
        finishes = await asyncio.gather(*(journal.finish(number, b"finish") for number in numbers))
        assert sorted(finishes) == list(range(101, 201))
        assert files.syncs - syncs <= 2


async def test_what_is_written_during_a_sync_waits_for_the_next(tmp_path: Path) -> None:
    files = FaultyFiles()
    async with opened(tmp_path, files) as journal:
        files.released.clear()
        first = asyncio.create_task(journal.finish(journal.start(b"start", 100), b"finish"))
        await eventually(lambda: journal._commit.busy)
        second = asyncio.create_task(journal.finish(journal.start(b"start", 100), b"finish"))
        await asyncio.sleep(0)
        assert journal.last_number == 4
        durable: list[int] = []
        journal.watch(lambda: durable.append(journal.durable_number))
        files.released.set()
        assert [await first, await second] == [2, 4]
        assert durable == [2, 4]


async def test_a_start_is_synced_without_anybody_waiting(tmp_path: Path) -> None:
    async with opened(tmp_path) as journal:
        await once_durable(journal, journal.start(b"start", 100))


async def test_nothing_is_readable_before_it_is_durable(tmp_path: Path) -> None:
    async with opened(tmp_path) as journal:
        journal.start(b"start", 100)
        assert await journal.read(1, 1000, 10) == []
        await journal.sync()
        assert await journal.read(1, 1000, 10) == [(1, b"start")]


async def test_a_cancelled_finish_is_written_all_the_same(tmp_path: Path) -> None:
    async with opened(tmp_path) as journal:
        number = journal.start(b"start", 100)
        waiting = asyncio.create_task(journal.finish(number, b"finish"))
        beside = asyncio.create_task(journal.finish(journal.start(b"start", 100), b"beside"))
        await asyncio.sleep(0)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        await beside
        assert sorted(payload for _, payload in await all_records(journal)) == [
            b"beside",
            b"finish",
            b"start",
            b"start",
        ]
        assert journal.open_count == 0


async def test_an_attempt_is_finished_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as journal:
        number = journal.start(b"start", 100)
        journal.finish_nowait(number, b"finish")
        with pytest.raises(KeyError):
            await journal.finish(number, b"again")
        with pytest.raises(KeyError):
            journal.checkpoint(number, b"late")


async def test_a_full_spool_takes_no_new_work_yet_every_finish(tmp_path: Path) -> None:
    async with opened(tmp_path) as journal:
        numbers = fill(journal)
        with pytest.raises(JournalUnavailable, match="reached its limit of 65536 bytes"):
            journal.start(bytes(200), 300)
        assert journal.refusal == "the spool is full"
        assert journal.bytes_used <= SMALL.spool_bytes
        for number in numbers:
            await journal.finish(number, bytes(300))
        assert journal.bytes_used <= SMALL.spool_bytes
        assert journal.last_number == 2 * len(numbers)


async def test_a_full_spool_takes_work_again_once_records_are_confirmed(tmp_path: Path) -> None:
    async with opened(tmp_path) as journal:
        while numbers := fill(journal):
            for number in numbers:
                journal.finish_nowait(number, bytes(300))
        await journal.sync()
        assert journal.refusal == "the spool is full"
        journal.trim(journal.durable_number)
        assert journal.start(b"start", 300) == journal.last_number
        assert journal.refusal is None


async def test_a_finish_larger_than_its_reservation_is_kept(tmp_path: Path) -> None:
    async with opened(tmp_path) as journal:
        number = journal.start(b"start", 10)
        finish = await journal.finish(number, bytes(3000))
        assert (await all_records(journal))[-1] == (finish, bytes(3000))


async def test_a_record_larger_than_a_segment_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as journal:
        with pytest.raises(ValueError, match="exceeds a segment"):
            journal.start(bytes(5000), 100)
        with pytest.raises(ValueError, match="exceeds a segment"):
            journal.start(b"start", 5000)
        assert journal.open_count == journal.last_number == 0


async def test_records_that_left_memory_are_read_from_disk(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=JournalLimits(segment_bytes=4096, tail_bytes=500)) as journal:
        for index in range(100):
            start = journal.start(b"start %d" % index, 100)
            journal.checkpoint(start, b"checkpoint")
            await journal.finish(start, b"finish %d" % index)
        records = await all_records(journal)
        assert [number for number, _ in records] == list(range(1, 201))
        assert records[100:102] == [(101, b"start 50"), (102, b"finish 50")]


async def test_reading_keeps_within_its_bounds(tmp_path: Path) -> None:
    for tail_bytes in (0, 100_000):
        async with opened(tmp_path, limits=JournalLimits(segment_bytes=4096, tail_bytes=tail_bytes)) as journal:
            for _ in range(50):
                journal.start(bytes(100), 10)
            await journal.sync()
            assert len(await journal.read(1, 1000, 1000)) == 10
            assert len(await journal.read(45, 10_000, 3)) == 3
            assert len(await journal.read(50, 10, 10)) == 1
            assert await journal.read(51, 1000, 10) == []


async def test_confirmed_segments_are_deleted(tmp_path: Path) -> None:
    async with opened(tmp_path) as journal:
        for _ in range(20):
            await journal.finish(journal.start(bytes(300), 300), bytes(300))
        before = journal.bytes_used
        journal.trim(20)
        assert 0 < journal.bytes_used < before
        assert (await journal.read(21, 1000, 1))[0][0] == 21
        journal.trim(40)
        # The one being written, and one ahead.
        await eventually(lambda: journal.bytes_used <= 2 * SMALL.segment_bytes)

        def on_disk() -> int:
            return sum(file.stat().st_size for file in journal.spool.directory.glob("*.log"))

        # The one ahead is made beside the writing, and counted once it is whole.
        await eventually(lambda: on_disk() == journal.bytes_used)


async def test_a_segment_with_an_open_start_stays(tmp_path: Path) -> None:
    async with opened(tmp_path) as journal:
        long_lived = journal.start(b"long-lived", 300)
        for _ in range(20):
            await journal.finish(journal.start(bytes(300), 300), bytes(300))
        journal.checkpoint(long_lived, b"far along")
        for _ in range(20):
            await journal.finish(journal.start(bytes(300), 300), bytes(300))
        journal.trim(journal.durable_number)
        name = journal.spool.directory.name
    async with opened(tmp_path, name=name) as journal:
        (attempt,) = journal.unfinished.values()
        assert attempt.start.payload == b"long-lived"
        assert attempt.checkpoint is not None
        assert attempt.checkpoint.payload == b"far along"
        await journal.finish(long_lived, b"at last")
        journal.trim(journal.durable_number)
        assert journal.bytes_used <= 2 * SMALL.segment_bytes


async def test_a_reopened_journal_goes_on_where_it_was(tmp_path: Path) -> None:
    journal = await open_journal(tmp_path)
    name = journal.spool.directory.name
    for _ in range(5):
        await journal.finish(journal.start(bytes(300), 300), bytes(300))
    journal.trim(7)
    await close_journal(journal)
    async with opened(tmp_path, name=name) as journal:
        assert (journal.last_number, journal.durable_number, journal.watermark) == (10, 10, 7)
        assert journal.start(b"start", 100) == 11
        assert (await journal.read(9, 1000, 100))[0] == (9, bytes(300))


async def test_numbers_go_on_when_every_record_is_confirmed_and_deleted(tmp_path: Path) -> None:
    journal = await open_journal(tmp_path)
    name = journal.spool.directory.name
    for _ in range(20):
        await journal.finish(journal.start(bytes(300), 300), bytes(300))
    journal.trim(40)
    await close_journal(journal)
    for segment in (tmp_path / name).glob("*.log"):
        segment.unlink()
    async with opened(tmp_path, name=name) as journal:
        assert journal.start(b"start", 100) == 41


async def test_a_watermark_beyond_the_last_record_is_not_believed(tmp_path: Path) -> None:
    async with opened(tmp_path) as journal:
        await journal.finish(journal.start(b"start", 100), b"finish")
        journal.trim(1000)
        assert journal.watermark == 2


async def test_reservations_outlive_a_crash(tmp_path: Path) -> None:
    files = FaultyFiles()
    journal = await open_journal(tmp_path, files)
    name = journal.spool.directory.name
    started = len(fill(journal))
    await close_journal(journal)
    files.full = True
    async with opened(tmp_path, files, name=name) as journal:
        assert len(journal.unfinished) == started
        for number in list(journal.unfinished):
            await journal.finish(number, bytes(300))
