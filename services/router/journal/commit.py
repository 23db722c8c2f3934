"""Group commit: one fdatasync, in a thread, serves everything appended before it began."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from services.router.journal import metrics
from services.router.journal.files import Files
from services.router.journal.segments import Segment, Segments
from services.runtime.errors import JournalUnavailable

# What nobody waits for (a START) is synced after this long, unless a FINISH comes first.
_LINGER = 0.05
# Syncs begin at least this far apart. A disk may sync in a tenth of it, and then every FINISH would pay for a sync and
# two thread switches of its own; a journal that was idle does not wait at all. A completion takes a hundred times as
# long.
_PACE = 0.003


@dataclass(slots=True)
class _Batch:
    """What the next sync is for."""

    waiters: list["asyncio.Future[None]"] = field(default_factory=list)
    # Segments to let go of, once each, when the batch is durable.
    released: list[Segment] = field(default_factory=list)


class GroupCommit:
    """Syncs on demand, one at a time; the next begins soon after, for all who came meanwhile.

    `on_synced` is called after each success, `on_failed` with the error and the segments it concerns. Between `pause`
    and `resume` no sync begins and everybody waits.
    """

    on_synced: Callable[[], None]
    on_failed: Callable[[OSError, Sequence[Segment]], None]

    def __init__(self, files: Files, segments: Segments, threads: ThreadPoolExecutor, last_number: int) -> None:
        self._files = files
        self._segments = segments
        self._threads = threads
        self._loop = asyncio.get_running_loop()
        self._next = _Batch()
        self._timer: asyncio.Handle | None = None
        self._lingering = False
        self._began_at = 0.0
        self._paused = False
        self._stopped = False
        self._idle = asyncio.Event()
        self._idle.set()
        # The newest record appended, and the newest that survives the machine with all before it.
        self.appended = last_number
        self.durable = last_number
        # A sync is under way.
        self.busy = False

    async def wait(self) -> None:
        """Returns once everything appended so far is durable. Cancelling it cancels only the waiting.

        Raises JournalUnavailable when the disk fails for good, or the journal is closed.
        """
        if self._stopped:
            raise JournalUnavailable("the journal is closed")
        waiter = self._loop.create_future()
        self._next.waiters.append(waiter)
        self.now()
        await waiter

    def release_later(self, segments: Iterable[Segment]) -> None:
        """Lets go of each of the segments once what was appended so far is durable."""
        self._next.released.extend(segments)

    def now(self) -> None:
        """Syncs as soon as the callbacks that are ready now have run, or the pace allows: others may append too."""
        if self.busy or self._paused or (self._timer is not None and not self._lingering):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._lingering = False
        wait = self._began_at + _PACE - self._loop.time()
        self._timer = self._loop.call_later(wait, self._begin) if wait > 0 else self._loop.call_soon(self._begin)

    def later(self) -> None:
        """Syncs in a moment, if nobody asks sooner."""
        if self._timer is None and not self.busy and not self._paused:
            self._lingering = True
            self._timer = self._loop.call_later(_LINGER, self._begin)

    def pause(self) -> None:
        """Begins no more syncs."""
        self._paused = True

    def resume(self) -> None:
        """Begins syncs again, one at once."""
        self._paused = self._stopped
        self.now()

    def fail(self, detail: str) -> None:
        """Raises JournalUnavailable in everybody who waits."""
        waiters, self._next.waiters = self._next.waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_exception(JournalUnavailable(detail))

    async def stop(self) -> None:
        """Begins no more syncs, for good, and waits for the one under way."""
        self._paused = self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        await self._idle.wait()
        self.fail("the journal is closed")

    def _begin(self) -> None:
        self._timer = None
        if self.busy or self._paused:
            return
        segments, batch, target = self._segments.take_dirty(), self._take_batch(), self.appended
        if not segments:
            self._settle(batch)
            return
        self.busy = True
        self._began_at = self._loop.time()
        self._idle.clear()
        for segment in segments:
            segment.syncing = True
        metrics.SYNC_WAITERS.observe(len(batch.waiters))
        descriptors = [segment.descriptor for segment in segments]
        syncing = self._loop.run_in_executor(self._threads, _sync, self._files, descriptors)
        syncing.add_done_callback(lambda done: self._ended(done, segments, batch, target))

    def _take_batch(self) -> _Batch:
        batch, self._next = self._next, _Batch()
        return batch

    def _ended(self, syncing: "asyncio.Future[None]", segments: Sequence[Segment], batch: _Batch, target: int) -> None:
        self.busy = False
        self._idle.set()
        for segment in segments:
            segment.syncing = False
        error = syncing.exception()
        if isinstance(error, OSError):
            self._next.waiters[:0] = batch.waiters
            self._next.released[:0] = batch.released
            self.on_failed(error, segments)
            return
        syncing.result()
        self.durable = target
        self._settle(batch)
        self._segments.close_left()
        self.on_synced()
        if self._next.waiters:
            self.now()
        elif self._segments.dirty:
            self.later()

    @staticmethod
    def _settle(batch: _Batch) -> None:
        for waiter in batch.waiters:
            if not waiter.done():
                waiter.set_result(None)
        for segment in batch.released:
            segment.holds -= 1


def _sync(files: Files, descriptors: Sequence[int]) -> None:
    began = time.perf_counter()
    for descriptor in descriptors:
        files.fdatasync(descriptor)
    metrics.SYNC_SECONDS.observe(time.perf_counter() - began)
