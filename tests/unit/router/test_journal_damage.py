from pathlib import Path

import pytest
import structlog

from services.router.journal.frames import OVERHEAD
from tests.unit.router.journals import all_records, close_journal, fill, open_journal, opened

START, FINISH = b"start of twenty bytes", b"finish"
START_FRAME = OVERHEAD + len(START)


async def written(root: Path, attempts: int) -> Path:
    """The only segment of a journal with so many attempts, of which the last has no FINISH."""
    journal = await open_journal(root)
    for index in range(attempts):
        number = journal.start(START, 100)
        if index < attempts - 1:
            await journal.finish(number, FINISH)
    await journal.sync()
    await close_journal(journal)
    (segment,) = journal.spool.directory.glob("*.log")
    return segment


async def test_a_spool_cut_off_at_any_byte_of_its_last_record_loses_only_that(tmp_path: Path) -> None:
    segment = await written(tmp_path, 3)
    content = segment.read_bytes()
    end = content.rindex(START) + len(START)
    for cut in range(end - START_FRAME, end):
        segment.write_bytes(content[:cut])
        for other in set(segment.parent.glob("*.log")) - {segment}:
            other.unlink()
        async with opened(tmp_path, name=segment.parent.name) as journal:
            assert journal.last_number == 4
            assert not journal.unfinished
            assert journal.start(b"next", 100) == 5
            await journal.sync()
            assert (await all_records(journal))[-1] == (5, b"next")


async def test_what_is_written_after_a_torn_tail_does_not_meet_its_remains(tmp_path: Path) -> None:
    segment = await written(tmp_path, 3)
    content = segment.read_bytes()
    torn_at = content.rindex(START)
    segment.write_bytes(content[:torn_at] + b"\xff" * (len(content) - torn_at))
    async with opened(tmp_path, name=segment.parent.name) as journal:
        assert journal.start(START, 100) == 5
    assert segment.read_bytes() == content


async def test_a_damaged_record_is_reported_and_published_empty(tmp_path: Path) -> None:
    segment = await written(tmp_path, 3)
    content = bytearray(segment.read_bytes())
    content[content.index(FINISH)] ^= 1
    segment.write_bytes(content)
    with structlog.testing.capture_logs() as logs:
        async with opened(tmp_path, name=segment.parent.name) as journal:
            assert await all_records(journal) == [(1, START), (2, b""), (3, START), (4, FINISH), (5, START)]
            # Its attempt counts as open again: under the id of the finish that is lost it will be estimated.
            assert set(journal.unfinished) == {1, 5}
    assert {"journal.damaged", "journal.records_missing"} <= {line["event"] for line in logs}
    missing = next(line for line in logs if line["event"] == "journal.records_missing")
    assert (missing["first"], missing["last"]) == (2, 2)


async def test_damage_in_an_older_segment_does_not_hide_the_newer_ones(tmp_path: Path) -> None:
    journal = await open_journal(tmp_path)
    numbers = fill(journal)
    await journal.sync()
    await close_journal(journal)
    oldest = min(journal.spool.directory.glob("*.log"))
    oldest.write_bytes(b"\xff" * oldest.stat().st_size)
    with structlog.testing.capture_logs() as logs:
        async with opened(tmp_path, name=journal.spool.directory.name) as journal:
            records = await all_records(journal)
            assert [number for number, _ in records] == numbers
            lost = [number for number, payload in records if not payload]
            assert lost == list(range(1, len(lost) + 1))
            assert len(lost) < len(numbers) / 2
    assert "journal.damaged" in {line["event"] for line in logs}


async def test_a_record_damaged_while_the_journal_is_open_is_published_empty(tmp_path: Path) -> None:
    segment = await written(tmp_path, 3)
    async with opened(tmp_path, name=segment.parent.name) as journal:
        content = bytearray(segment.read_bytes())
        content[content.index(FINISH)] ^= 1
        segment.write_bytes(content)
        assert await all_records(journal) == [(1, START), (2, b""), (3, START), (4, FINISH), (5, START)]


async def test_a_segment_whose_making_was_interrupted_is_removed(tmp_path: Path) -> None:
    segment = await written(tmp_path, 1)
    for ordinal, content in ((7, b""), (8, bytes(4096))):
        (segment.parent / f"{ordinal:010d}.log").write_bytes(content)
    async with opened(tmp_path, name=segment.parent.name) as journal:
        assert [path.name for path in segment.parent.glob("*.log")] == [segment.name]
        assert journal.last_number == 1


async def test_a_watermark_that_is_no_number_keeps_the_spool_closed(tmp_path: Path) -> None:
    segment = await written(tmp_path, 1)
    (segment.parent / "watermark").write_text("garbage")
    with pytest.raises(OSError, match="not a number"):
        await open_journal(tmp_path, name=segment.parent.name)
