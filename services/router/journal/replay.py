"""Reads back what a spool's segments hold. Blocking: to be run in a thread."""

import errno
import os
from dataclasses import dataclass, field
from pathlib import Path

from services.router.journal import metrics
from services.router.journal.files import Files
from services.router.journal.frames import MAGIC, Damage, Frame, Kind, scan
from services.router.journal.index import Index
from services.router.journal.segments import SUFFIX, Segment, close_descriptors
from services.runtime.logging import get_logger

WATERMARK = "watermark"


@dataclass(slots=True)
class Unfinished:
    """A START without a FINISH, with the newest checkpoint of its attempt, and the segments these lie in."""

    start: Frame
    start_segment: Segment
    checkpoint: Frame | None = None
    checkpoint_segment: Segment | None = None


@dataclass(slots=True)
class Replay:
    """A spool as found on disk; everything in it is durable."""

    watermark: int
    last_number: int
    index: Index = field(default_factory=Index)
    # Written to, in the order they were begun; only the last one's descriptor is open.
    used: list[Segment] = field(default_factory=list)
    # Allocated, never written to.
    unused: list[Segment] = field(default_factory=list)
    unfinished: dict[int, Unfinished] = field(default_factory=dict)
    next_ordinal: int = 1


def replay(files: Files, directory: Path) -> Replay:
    """Reads every segment. What can't be read is reported, and everything that can be is kept.

    Raises OSError when the disk does.
    """
    watermark = read_watermark(directory)
    found = Replay(watermark, watermark)
    try:
        for path in sorted(directory.glob(f"*{SUFFIX}")):
            _replay_segment(files, path, found)
            found.next_ordinal = int(path.stem) + 1
        if found.used:
            _reopen(files, found.used[-1])
            _retire(found)
    except OSError:
        close_descriptors(found.unused)
        raise
    for first, last in found.index.gaps(watermark + 1, found.last_number):
        metrics.MISSING.inc(last - first + 1)
        get_logger().error("journal.records_missing", spool=directory.name, first=first, last=last)
    return found


def read_watermark(directory: Path) -> int:
    """The number up to which everything was in the ledger when it was last written down; 0: never."""
    path = directory / WATERMARK
    try:
        return int(path.read_text())
    except FileNotFoundError:
        return 0
    except ValueError as error:
        raise OSError(errno.EIO, "not a number", str(path)) from error


def write_watermark(files: Files, directory: Path, number: int) -> None:
    """Writes it down so that a crash leaves the old number or the new one. Raises OSError."""
    staged = directory / f"{WATERMARK}.new"
    staged.unlink(missing_ok=True)
    descriptor = files.open(staged)
    try:
        files.pwrite(descriptor, f"{number}\n".encode(), 0)
        files.fdatasync(descriptor)
    finally:
        os.close(descriptor)
    staged.rename(directory / WATERMARK)
    files.sync_directory(directory)


def _replay_segment(files: Files, path: Path, found: Replay) -> None:
    content = path.read_bytes()
    if not content.strip(b"\0"):
        # The process died while it made the file.
        path.unlink()
        return
    segment = Segment(int(path.stem), path, len(content), -1)
    damages = _replay_content(content, segment, found)
    if content[: len(MAGIC)] != MAGIC:
        damages.insert(0, Damage(0, len(MAGIC)))
    _report(segment, damages)
    segment.last_number = found.last_number
    if segment.end > len(MAGIC) or damages:
        # After a crash of the process, not of the machine, what was read may still be in memory only.
        segment.descriptor = files.open(path)
        try:
            files.fdatasync(segment.descriptor)
        finally:
            close_descriptors([segment])
        found.used.append(segment)
    else:
        segment.descriptor = files.open(path)
        found.unused.append(segment)


def _reopen(files: Files, newest: Segment) -> None:
    """Makes the segment fit to be written on: old remains behind its last record must not meet new records."""
    newest.descriptor = files.open(newest.path)
    try:
        files.pwrite(newest.descriptor, bytes(newest.free), newest.end)
        files.fdatasync(newest.descriptor)
    except OSError:
        close_descriptors([newest])
        raise


def _retire(found: Replay) -> None:
    """Segments that seem unused, but are older than used ones, lost all they had in a power failure.

    Records that go on in them would be taken for older than they are.
    """
    newest = found.used[-1]
    older = [segment for segment in found.unused if segment.ordinal < newest.ordinal]
    close_descriptors(older)
    found.unused = [segment for segment in found.unused if segment not in older]
    found.used[:0] = older


def _replay_content(content: bytes, segment: Segment, found: Replay) -> list[Damage]:
    damages = []
    for item in scan(content):
        if isinstance(item, Damage):
            damages.append(item)
        else:
            segment.end = item.end
            _replay_frame(item, segment, found)
    return damages


def _replay_frame(frame: Frame, segment: Segment, found: Replay) -> None:
    """Takes one record in. Where a number occurs twice the later record counts.

    Records are written anew after a failure of the disk; and a START whose write failed may be on disk all the same,
    though its number was given to the next record.
    """
    if frame.number:
        known = found.index.find(frame.number) is not None
        found.index.add(frame.number, segment.path, frame.offset)
        found.last_number = max(found.last_number, frame.number)
        superseded = _close(frame.number, found) if known else None
        if frame.kind == Kind.START:
            found.unfinished[frame.number] = Unfinished(frame, segment)
            segment.holds += 1
            if superseded is not None and superseded.checkpoint is not None:
                _note_checkpoint(superseded.checkpoint, superseded.checkpoint_segment or segment, found)
    if frame.kind == Kind.FINISH:
        _close(frame.start, found)
    elif frame.kind == Kind.CHECKPOINT:
        _note_checkpoint(frame, segment, found)


def _note_checkpoint(frame: Frame, segment: Segment, found: Replay) -> None:
    attempt = found.unfinished.get(frame.start)
    if attempt is None:
        return
    if attempt.checkpoint_segment is not None:
        attempt.checkpoint_segment.holds -= 1
    attempt.checkpoint, attempt.checkpoint_segment = frame, segment
    segment.holds += 1


def _close(start_number: int, found: Replay) -> Unfinished | None:
    attempt = found.unfinished.pop(start_number, None)
    if attempt is not None:
        attempt.start_segment.holds -= 1
        if attempt.checkpoint_segment is not None:
            attempt.checkpoint_segment.holds -= 1
    return attempt


def _report(segment: Segment, damages: list[Damage]) -> None:
    for damage in damages:
        metrics.DAMAGED.inc()
        get_logger().error(
            "journal.damaged",
            segment=f"{segment.path.parent.name}/{segment.path.name}",
            offset=damage.offset,
            size=damage.end - damage.offset,
            torn_tail=damage.offset >= segment.end,
        )
