import asyncio
import contextlib
import random
from pathlib import Path

import pytest

from services.router.journal import JournalLimits
from services.runtime.errors import JournalUnavailable
from tests.fixtures.eventually import eventually
from tests.unit.router.journals import SMALL, FaultyFiles, all_records, close_journal, fill, open_journal, opened


async def test_a_full_disk_refuses_new_work_yet_takes_every_finish(tmp_path: Path) -> None:
    files = FaultyFiles()
    async with opened(tmp_path, files) as journal:
        journal.start(b"start", 100)
        files.full = True
        numbers = fill(journal)
        with pytest.raises(JournalUnavailable):
            journal.start(bytes(200), 300)
        last = journal.last_number
        for number in numbers:
            await journal.finish(number, bytes(300))
        assert journal.last_number == last + len(numbers)


@pytest.mark.parametrize("seed", range(10))
async def test_reservations_hold_whatever_their_sizes_and_their_order(tmp_path: Path, seed: int) -> None:
    chance, files = random.Random(seed), FaultyFiles()
    async with opened(tmp_path, files) as journal:
        files.full = seed % 2 == 0
        attempts = []
        with contextlib.suppress(JournalUnavailable):
            while True:
                reserve = chance.randint(1, 1500)
                attempts.append((journal.start(bytes(chance.randint(1, 500)), reserve), reserve))
        files.full = True
        allocated = journal.bytes_used
        chance.shuffle(attempts)
        for number, reserve in attempts:
            await journal.finish(number, bytes(reserve))
        assert journal.bytes_used == allocated


async def test_a_disk_with_room_again_is_used_again(tmp_path: Path) -> None:
    files = FaultyFiles()
    async with opened(tmp_path, files) as journal:
        files.full = True
        started = fill(journal)
        files.full = False
        await eventually(lambda: fill(journal))
        assert journal.open_count > len(started)


async def test_after_a_failed_sync_everything_is_written_anew(tmp_path: Path) -> None:
    files = FaultyFiles()
    journal = await open_journal(tmp_path, files)
    long_lived = journal.start(b"start 1", 100)
    journal.checkpoint(long_lived, b"checkpoint")
    await journal.sync()
    abandoned = set(journal.spool.directory.glob("*.log"))
    finished, unfinished = journal.start(b"start 2", 100), journal.start(b"start 3", 100)
    files.failing_syncs = 1
    assert await journal.finish(finished, b"finish 2") == 4
    assert journal.refusal is None
    for _ in range(20):
        await journal.finish(journal.start(bytes(300), 300), bytes(300))
    # All is confirmed; yet what is open is needed, and not to be had from where it was written first.
    journal.trim(journal.durable_number)
    await close_journal(journal)
    for segment in abandoned:
        segment.unlink(missing_ok=True)
    async with opened(tmp_path, name=journal.spool.directory.name) as journal:
        assert {number: attempt.start.payload for number, attempt in journal.unfinished.items()} == {
            long_lived: b"start 1",
            unfinished: b"start 3",
        }
        checkpoint = journal.unfinished[long_lived].checkpoint
        assert checkpoint is not None
        assert checkpoint.payload == b"checkpoint"


async def test_an_open_start_written_anew_keeps_its_new_segment(tmp_path: Path) -> None:
    files = FaultyFiles()
    journal = await open_journal(tmp_path, files)
    abandoned = set(journal.spool.directory.glob("*.log"))
    files.failing_syncs = 1
    open_start = journal.start(b"start", 100)
    await journal.sync()
    for _ in range(20):
        await journal.finish(journal.start(bytes(300), 300), bytes(300))
    journal.trim(journal.durable_number)
    await close_journal(journal)
    for segment in abandoned:
        segment.unlink(missing_ok=True)
    async with opened(tmp_path, name=journal.spool.directory.name) as journal:
        assert list(journal.unfinished) == [open_start]


async def test_work_goes_on_while_records_are_written_anew(tmp_path: Path) -> None:
    files = FaultyFiles()
    async with opened(tmp_path, files) as journal:
        files.failing_syncs = 1
        for _ in range(5):
            await asyncio.gather(*(journal.finish(journal.start(b"start", 100), b"finish") for _ in range(10)))
        assert [number for number, _ in await all_records(journal)] == list(range(1, 101))


async def test_a_disk_that_fails_twice_fails_the_waiting_and_refuses_the_new(tmp_path: Path) -> None:
    files = FaultyFiles()
    async with opened(tmp_path, files, JournalLimits(retry_seconds=3600)) as journal:
        numbers = [journal.start(b"start", 100) for _ in range(3)]
        files.failing_syncs = -1
        finishing = (journal.finish(number, b"finish") for number in numbers[:2])
        errors = await asyncio.gather(*finishing, return_exceptions=True)
        assert [type(error) for error in errors] == [JournalUnavailable, JournalUnavailable]
        assert journal.refusal == "the disk fails: [Errno 5] Input/output error"
        with pytest.raises(JournalUnavailable, match="Input/output error"):
            journal.start(b"start", 100)
        with pytest.raises(JournalUnavailable, match="Input/output error"):
            await journal.finish(numbers[2], b"finish")
        assert journal.durable_number == 0


async def test_what_a_failing_disk_refused_is_written_when_it_recovers(tmp_path: Path) -> None:
    files = FaultyFiles()
    async with opened(tmp_path, files) as journal:
        numbers = [journal.start(b"start", 100) for _ in range(2)]
        files.failing_syncs = -1
        for number in numbers:
            with pytest.raises(JournalUnavailable):
                await journal.finish(number, b"finish %d" % number)
        await eventually(lambda: files.syncs > 10)
        assert journal.bytes_used <= 4 * SMALL.segment_bytes
        files.failing_syncs = 0
        await eventually(lambda: journal.refusal is None)
        await journal.finish(journal.start(b"start", 100), b"finish")
        payloads = [payload for _, payload in await all_records(journal)]
        assert payloads == [b"start", b"start", b"finish 1", b"finish 2", b"start", b"finish"]


async def test_a_start_that_could_not_be_written_was_not_started(tmp_path: Path) -> None:
    files = FaultyFiles()
    journal = await open_journal(tmp_path, files)
    for reached_disk in (False, True):
        files.writes_before_failing = reached_disk
        files.failing_writes = 1
        with pytest.raises(JournalUnavailable):
            journal.start(b"phantom", 100)
        await journal.sync()
        await journal.finish(journal.start(b"start", 100), b"finish")
    records = [(1, b"start"), (2, b"finish"), (3, b"start"), (4, b"finish")]
    assert await all_records(journal) == records
    await close_journal(journal)
    async with opened(tmp_path, name=journal.spool.directory.name) as journal:
        assert await all_records(journal) == records
        assert not journal.unfinished


async def test_a_finish_that_could_not_be_written_is_written_elsewhere(tmp_path: Path) -> None:
    files = FaultyFiles()
    async with opened(tmp_path, files) as journal:
        number = journal.start(b"start", 100)
        files.failing_writes = 1
        await journal.finish(number, b"finish")
        assert await all_records(journal) == [(1, b"start"), (2, b"finish")]


async def test_a_checkpoint_that_could_not_be_written_does_no_harm(tmp_path: Path) -> None:
    files = FaultyFiles()
    async with opened(tmp_path, files) as journal:
        number = journal.start(b"start", 100)
        files.failing_writes = 1
        journal.checkpoint(number, b"checkpoint")
        await journal.finish(number, b"finish")
        assert await all_records(journal) == [(1, b"start"), (2, b"finish")]


async def test_no_record_is_lost_by_a_failure_in_the_middle_of_writing_anew(tmp_path: Path) -> None:
    files = FaultyFiles()
    async with opened(tmp_path, files) as journal:
        numbers = [journal.start(bytes(200), 300) for _ in range(30)]
        waiting = asyncio.gather(*(journal.finish(number, bytes(300)) for number in numbers), return_exceptions=True)
        await asyncio.sleep(0)
        files.failing_syncs, files.full = 1, True
        await waiting
        files.full = False
        await eventually(lambda: journal.refusal is None and journal.durable_number == 60)
        assert [number for number, _ in await all_records(journal)] == list(range(1, 61))
