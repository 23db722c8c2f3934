"""The files of one spool: one being written, some allocated ahead, some full.

Invariant: the allocated free bytes cover the reservations of all open attempts, whatever order they end in. A record
lies in one segment whole, so each segment may lose up to the largest reservation, less a byte, at its end; that much
of each is not counted.
"""

import contextlib
import os
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from services.router.journal.files import Files
from services.router.journal.frames import MAGIC

SUFFIX = ".log"


class SpoolFull(Exception):
    """Another segment would exceed the spool's limit."""


@dataclass(slots=True, eq=False)
class Segment:
    """One preallocated file."""

    ordinal: int
    path: Path
    size: int
    descriptor: int
    end: int = len(MAGIC)
    # The highest number written when the segment was left: it and all before it hold nothing above.
    last_number: int = 0
    # Open STARTs, and newest checkpoints of open attempts, that are only here.
    holds: int = 0
    # Something in it was written after its last sync began.
    dirty: bool = False
    # A sync is under way.
    syncing: bool = False

    @property
    def free(self) -> int:
        """Bytes not written yet."""
        return self.size - self.end


def segment_path(directory: Path, ordinal: int) -> Path:
    """`0000000017.log`: names sort as segments were begun."""
    return directory / f"{ordinal:010d}{SUFFIX}"


def create_segment(files: Files, directory: Path, ordinal: int, size: int) -> Segment:
    """Allocates a new, empty segment on disk, its directory entry included. Raises OSError, leaving nothing behind."""
    path = segment_path(directory, ordinal)
    descriptor = files.open(path)
    try:
        files.fallocate(descriptor, size)
        files.pwrite(descriptor, MAGIC, 0)
        files.fdatasync(descriptor)
        files.sync_directory(directory)
    except OSError:
        os.close(descriptor)
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    return Segment(ordinal, path, size, descriptor)


@dataclass(slots=True)
class Segments:
    """What is written where, and whether there is room. Decides; creates and deletes no file."""

    segment_bytes: int
    spool_bytes: int
    active: Segment
    spares: deque[Segment] = field(default_factory=deque)
    full: list[Segment] = field(default_factory=list)
    dirty: list[Segment] = field(default_factory=list)
    # Full ones that still have an open descriptor.
    left: list[Segment] = field(default_factory=list)
    reserved: int = 0
    next_ordinal: int = 1
    _largest: int = 0

    @property
    def allocated(self) -> int:
        """Bytes on disk."""
        return sum(segment.size for segment in (self.active, *self.spares, *self.full))

    @property
    def may_grow(self) -> bool:
        """Whether one more segment is within the spool's limit."""
        return self.allocated + self.segment_bytes <= self.spool_bytes

    @property
    def wants_spare(self) -> bool:
        """Whether the next segment had better be allocated now, before it is needed."""
        return not self.spares and self.active.free < self.active.size // 2 and self.may_grow

    def take_ordinal(self) -> int:
        """The ordinal of the next new segment."""
        ordinal = self.next_ordinal
        self.next_ordinal += 1
        return ordinal

    def has_room(self, size: int, reserve: int) -> bool:
        """Whether a record of `size` bytes can be written and `reserve` more be reserved.

        Raises ValueError for what is larger than a segment.
        """
        largest = max(self._largest, reserve)
        if self.active.free - size - largest >= self.reserved + reserve:
            return True
        if max(size, largest) > self.segment_bytes - len(MAGIC):
            raise ValueError(f"a record of {max(size, largest)} bytes exceeds a segment of {self.segment_bytes}")
        free = [self.active.free, *(spare.free for spare in self.spares)]
        while free and free[0] < size:
            free.pop(0)
        if not free:
            return False
        free[0] -= size
        return sum(max(0, room - largest) for room in free) >= self.reserved + reserve

    def reserve(self, size: int) -> None:
        """Sets room aside for the FINISH of an attempt; `has_room` said there is."""
        self.reserved += size
        self._largest = max(self._largest, size)

    def release(self, size: int) -> None:
        """Gives the room of an attempt back."""
        self.reserved -= size
        if self.reserved == 0:
            self._largest = 0

    def place(self, size: int, last_number: int) -> Segment:
        """The segment that takes the next `size` bytes, now marked dirty; the active one is left if it is too full."""
        while self.active.free < size:
            self.leave_active(last_number)
        segment = self.active
        if not segment.dirty:
            segment.dirty = True
            self.dirty.append(segment)
        return segment

    def leave_active(self, last_number: int) -> None:
        """Goes on in the next spare, of which there must be one. The segment left is written no more."""
        self.active.last_number = last_number
        spare = self.spares.popleft()
        self.full.append(self.active)
        self.left.append(self.active)
        self.active = spare

    def take_dirty(self) -> list[Segment]:
        """The segments a sync has to cover; they count as clean until written again."""
        batch, self.dirty = self.dirty, []
        for segment in batch:
            segment.dirty = False
        return batch

    def close_left(self) -> None:
        """Closes the full segments whose every byte is synced; no sync may be under way."""
        if self.left:
            close_descriptors(segment for segment in self.left if not segment.dirty)
            self.left = [segment for segment in self.left if segment.dirty]

    def take_below(self, watermark: int) -> list[Segment]:
        """Removes and returns the full segments that nobody needs: all confirmed, nothing open, nothing to sync."""
        doomed = [
            segment
            for segment in self.full
            if segment.last_number <= watermark and not (segment.holds or segment.dirty or segment.syncing)
        ]
        self.full = [segment for segment in self.full if segment not in doomed]
        return doomed


def close_descriptors(segments: Iterable[Segment]) -> None:
    """Closes what is still open."""
    for segment in segments:
        if segment.descriptor >= 0:
            os.close(segment.descriptor)
            segment.descriptor = -1
