"""A spool's records on disk and in memory: room for them, appending, reading back, deleting what is confirmed."""

import asyncio
import concurrent.futures
import errno
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from services.router.journal import metrics
from services.router.journal.files import Files
from services.router.journal.frames import MAX_PAYLOAD_BYTES, OVERHEAD, frame_at, payload_of
from services.router.journal.index import Location
from services.router.journal.replay import Replay, write_watermark
from services.router.journal.segments import Segment, Segments, SpoolFull, close_descriptors, create_segment
from services.router.journal.tail import Tail
from services.runtime.logging import get_logger

_ALLOCATION_TIMEOUT = 5.0
_REFUSAL_HOLDS = 0.5
_ROOM = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLimits:
    """How much a journal may take."""

    # One file.
    segment_bytes: int = 16 * 1024 * 1024
    # All files of the spool: beyond it new work is refused.
    spool_bytes: int = 1024 * 1024 * 1024
    # Newest records kept in memory for the relay.
    tail_bytes: int = 8 * 1024 * 1024
    # How long to wait before a disk that failed twice is tried again.
    retry_seconds: float = 5.0


class Store:
    """Used on one event loop; what blocks for long runs on the journal's own threads."""

    def __init__(
        self, files: Files, directory: Path, limits: JournalLimits, found: Replay, threads: ThreadPoolExecutor
    ) -> None:
        self._files = files
        self._directory = directory
        self._limits = limits
        self._threads = threads
        self._index = found.index
        self._allocating: concurrent.futures.Future[Segment] | None = None
        self._refused_until = 0.0
        self._deleting: asyncio.Future[None] | None = None
        self.tail = Tail(limits.tail_bytes, found.last_number)
        self.watermark = found.watermark
        self.last_number = found.last_number
        self.segments = self._resume(found)

    def _resume(self, found: Replay) -> Segments:
        spares = list(found.unused)
        active = found.used.pop() if found.used else None
        ordinal = found.next_ordinal
        if active is None and spares:
            active = spares.pop(0)
        if active is None:
            active = create_segment(self._files, self._directory, ordinal, self._limits.segment_bytes)
            ordinal += 1
        segments = Segments(self._limits.segment_bytes, self._limits.spool_bytes, active, next_ordinal=ordinal)
        segments.spares.extend(spares)
        segments.full.extend(found.used)
        return segments

    @property
    def is_full(self) -> bool:
        """Whether the spool's limit leaves no room for one more attempt of some size."""
        return not self.segments.may_grow and not self.segments.has_room(0, min(_ROOM, self._limits.segment_bytes // 8))

    def ensure_room(self, size: int, reserve: int, *, beyond_limit: bool = False) -> None:
        """Sees that `size` bytes can be written and `reserve` more be reserved, allocating segments if need be.

        Raises SpoolFull at the spool's limit, which `beyond_limit` lifts, and OSError when the disk refuses.
        """
        while not self.segments.has_room(size, reserve):
            self._grow(beyond_limit=beyond_limit)
        if self.segments.wants_spare and self._allocating is None and time.monotonic() >= self._refused_until:
            self._allocate_ahead()

    def append(self, number: int, frame: bytes) -> Segment:
        """Writes the frame of the numbered record `number` (0: of none) where `ensure_room` made room.

        Returns its segment. Raises OSError.
        """
        segment = self.segments.place(len(frame), self.last_number)
        self._files.pwrite(segment.descriptor, frame, segment.end)
        if number:
            self._index.add(number, segment.path, segment.end)
        segment.end += len(frame)
        return segment

    def abandon(self) -> None:
        """Leaves the active segment. Raises OSError when there is no room for a fresh one."""
        while not self.segments.spares:
            self._grow(beyond_limit=True)
        self.segments.leave_active(self.last_number)

    async def read(self, first: int, last: int, most_bytes: int) -> list[tuple[int, bytes]]:
        """Records `first` to `last`, as (number, payload); fewer where they exceed `most_bytes`, never none.

        A record that was lost on disk has the payload b"": its number is published all the same, and ends as a dead
        letter, for everybody to see.
        """
        records: list[tuple[int, bytes]] = []
        size = 0
        while first <= last:
            if first in self.tail:
                payloads = [payload_of(self.tail[first])]
            else:
                payloads = await self._read_disk(first, last, most_bytes - size)
            for payload in payloads:
                size += len(payload)
                if records and size > most_bytes:
                    return records
                records.append((first, payload))
                first += 1
        return records

    def collect(self) -> None:
        """Deletes segments that nobody needs, in a thread."""
        if self._deleting is not None:
            return
        doomed = self.segments.take_below(self.watermark)
        if not doomed:
            return
        self._index.forget_segments({segment.path for segment in doomed})
        loop = asyncio.get_running_loop()
        self._deleting = loop.run_in_executor(self._threads, self._delete, doomed, self.watermark)
        self._deleting.add_done_callback(lambda done: self._deleted(done, doomed))

    def discard(self, segments: Sequence[Segment]) -> None:
        """Deletes segments that hold nothing but copies."""
        for segment in segments:
            if segment in self.segments.full:
                self.segments.full.remove(segment)
                close_descriptors([segment])
                segment.path.unlink(missing_ok=True)

    async def close(self) -> None:
        """Waits for what runs on the threads, writes the watermark down and closes the files."""
        loop = asyncio.get_running_loop()
        if self._deleting is not None:
            await asyncio.wait([self._deleting])
        creating = self._allocating
        if creating is not None:
            await loop.run_in_executor(None, concurrent.futures.wait, [creating])
            self._allocated(creating)
        try:
            await loop.run_in_executor(self._threads, write_watermark, self._files, self._directory, self.watermark)
        except OSError as error:
            get_logger().error("journal.watermark_not_written", spool=self._directory.name, error=str(error))
        close_descriptors([self.segments.active, *self.segments.spares, *self.segments.full])

    def _grow(self, *, beyond_limit: bool) -> None:
        """Adds a spare. The one that is being made is waited for: segments are used in the order of their ordinals."""
        if self._allocating is not None:
            concurrent.futures.wait([self._allocating], _ALLOCATION_TIMEOUT)
            self._allocated(self._allocating)
            return
        if not beyond_limit and not self.segments.may_grow:
            raise SpoolFull(f"the spool has reached its limit of {self._limits.spool_bytes} bytes")
        if not beyond_limit and time.monotonic() < self._refused_until:
            # The disk was asked a moment ago: a full one is not asked anew for every request.
            raise SpoolFull("the disk has no room for another segment")
        try:
            self.segments.spares.append(self._create(self.segments.take_ordinal()))
        except OSError:
            self._refused_until = time.monotonic() + _REFUSAL_HOLDS
            raise

    def _create(self, ordinal: int) -> Segment:
        return create_segment(self._files, self._directory, ordinal, self._limits.segment_bytes)

    def _allocate_ahead(self) -> None:
        loop = asyncio.get_running_loop()
        creating = self._allocating = self._threads.submit(self._create, self.segments.take_ordinal())
        creating.add_done_callback(lambda done: loop.call_soon_threadsafe(self._allocated, done))

    def _allocated(self, creating: "concurrent.futures.Future[Segment]") -> None:
        """Takes the spare over, once. Raises TimeoutError, an OSError, while the disk is still at it."""
        if creating is not self._allocating:
            return
        if not creating.done():
            raise TimeoutError(errno.ETIMEDOUT, "no segment was allocated in time")
        self._allocating = None
        error = creating.exception()
        if error is None:
            self.segments.spares.append(creating.result())
            return
        self._refused_until = time.monotonic() + _REFUSAL_HOLDS
        get_logger().warning("journal.allocation_failed", spool=self._directory.name, error=str(error))

    async def _read_disk(self, first: int, last: int, most_bytes: int) -> list[bytes]:
        place = self._index.find(first)
        if place is None:
            return [b""]
        last = min(last, place.run_end - 1)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _read_run, place, first, last, most_bytes)

    def _delete(self, doomed: Sequence[Segment], watermark: int) -> None:
        # In this order: what is missing on disk must be known to be in the ledger.
        write_watermark(self._files, self._directory, watermark)
        for segment in doomed:
            close_descriptors([segment])
            segment.path.unlink(missing_ok=True)

    def _deleted(self, deleting: "asyncio.Future[None]", doomed: Sequence[Segment]) -> None:
        self._deleting = None
        error = deleting.exception()
        if error is not None:
            # They stay on disk, and are tried again with the next ones.
            get_logger().error("journal.deletion_failed", spool=self._directory.name, error=str(error))
            self.segments.full.extend(doomed)
        else:
            self.collect()


def _read_run(place: Location, first: int, last: int, most_bytes: int) -> list[bytes]:
    """The payloads of consecutive records, from the one at `place` on, until one can't be read or there are enough.

    The first one is b"" if it is damaged, or gone with its segment, which then was confirmed meanwhile.
    """
    found: list[bytes] = []
    try:
        with place.path.open("rb", buffering=0) as segment:
            segment.seek(place.offset)
            content = segment.read(most_bytes + OVERHEAD + MAX_PAYLOAD_BYTES)
    except FileNotFoundError:
        return [b""]
    frame = frame_at(content, 0)
    while frame is not None and first + len(found) <= last:
        if frame.number == first + len(found):
            found.append(frame.payload)
        frame = frame_at(content, frame.end)
    if not found:
        metrics.DAMAGED.inc()
        get_logger().error("journal.damaged", segment=place.path.name, offset=place.offset, number=first)
    return found or [b""]
