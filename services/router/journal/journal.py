"""The journal of one router process: nothing billable happens that is not in it.

    number = journal.start(payload, finish_reserve)      before a request is dispatched
    journal.checkpoint(number, payload)                  at most every second while it streams
    await journal.finish(number, payload)                before the client gets the last frame

Payloads are serialised CompletionEvents; the journal does not look into them. A START survives the process, a FINISH
that returned survives the machine. Numbers that were published are never given again, so nothing is published
(`durable_number`) before it is synced, a START neither: after a power failure the next record would get its number.
"""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from services.router.journal import metrics
from services.router.journal.commit import GroupCommit
from services.router.journal.files import DiskFiles, Files
from services.router.journal.frames import OVERHEAD, Kind, encode_frame
from services.router.journal.repair import Attempt, Repair
from services.router.journal.replay import Replay, Unfinished, replay
from services.router.journal.segments import SpoolFull
from services.router.journal.spool import Spool
from services.router.journal.store import JournalLimits, Store
from services.runtime.errors import JournalUnavailable
from services.runtime.logging import get_logger


class Journal:
    """One spool's records. All methods belong to one event loop; only those that are `async` wait.

    Attributes:
        spool: the directory it lies in, and its lock.
        unfinished: attempts found open when the journal was opened, by START's number, until they are finished.
    """

    def __init__(
        self, spool: Spool, limits: JournalLimits, files: Files, found: Replay, threads: ThreadPoolExecutor
    ) -> None:
        self.spool = spool
        self.unfinished: dict[int, Unfinished] = dict(found.unfinished)
        self._threads = threads
        self._watchers: list[Callable[[], None]] = []
        self._open = {number: _still_open(attempt) for number, attempt in found.unfinished.items()}
        self._store = Store(files, spool.directory, limits, found, threads)
        self._commit = GroupCommit(files, self._store.segments, threads, self._store.last_number)
        self._repair = Repair(str(spool.id), self._store, self._commit, self._open, limits.retry_seconds)
        self._commit.on_synced = self._synced
        self._commit.on_failed = self._repair.sync_failed
        metrics.BYTES.labels(str(spool.id)).set_function(lambda: self.bytes_used)
        metrics.OPEN_ATTEMPTS.labels(str(spool.id)).set_function(lambda: self.open_count)

    @classmethod
    async def open(cls, spool: Spool, limits: JournalLimits, files: Files | None = None) -> Self:
        """Reads back what the spool holds and goes on from there. Raises OSError when the disk does."""
        files = files or DiskFiles()
        threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="journal")
        try:
            found = await asyncio.get_running_loop().run_in_executor(threads, replay, files, spool.directory)
            return cls(spool, limits, files, found, threads)
        except BaseException:
            threads.shutdown(wait=False)
            raise

    @property
    def last_number(self) -> int:
        """The number of the newest record; 0: there never was one."""
        return self._store.last_number

    @property
    def durable_number(self) -> int:
        """The newest record that survives the machine, with all before it. What is above may not be published."""
        return self._commit.durable

    @property
    def watermark(self) -> int:
        """The highest number given to `trim`: it and all below are in the ledger."""
        return self._store.watermark

    @property
    def open_count(self) -> int:
        """STARTs without a FINISH."""
        return len(self._open)

    @property
    def bytes_used(self) -> int:
        """Bytes allocated on disk."""
        return self._store.segments.allocated

    @property
    def refusal(self) -> str | None:
        """Why no new work can be taken; None: it can, as far as is known."""
        return self._repair.refusal or ("the spool is full" if self._store.is_full else None)

    def watch(self, on_durable: Callable[[], None]) -> None:
        """Calls back whenever `durable_number` may have grown."""
        self._watchers.append(on_durable)

    def start(self, payload: bytes, finish_reserve: int) -> int:
        """Writes a START and reserves room for a FINISH of `finish_reserve` bytes; returns the START's number.

        Raises JournalUnavailable, having written nothing, when the spool is full or the disk fails; ValueError when
        either record is too large.
        """
        if self._repair.refusal is not None or self._repair.fault is not None:
            raise JournalUnavailable(self._repair.refusal or "the disk fails")
        number = self._store.last_number + 1
        frame = encode_frame(Kind.START, number, 0, payload)
        reserve = finish_reserve + OVERHEAD
        try:
            self._store.ensure_room(len(frame), reserve)
        except (SpoolFull, OSError) as error:
            raise JournalUnavailable(str(error)) from error
        try:
            segment = self._store.append(number, frame)
        except OSError as error:
            self._repair.write_failed(error)
            raise JournalUnavailable(str(error)) from error
        self._store.segments.reserve(reserve)
        segment.holds += 1
        self._open[number] = Attempt(frame, segment, reserve)
        self._appended(number, frame)
        return number

    def checkpoint(self, start_number: int, payload: bytes) -> None:
        """Writes how far an open attempt has come, unless there is no room or the disk fails: none is vital.

        Raises KeyError when there is no such open START.
        """
        attempt = self._open[start_number]
        frame = encode_frame(Kind.CHECKPOINT, 0, start_number, payload)
        if self._repair.fault is not None:
            return
        try:
            self._store.ensure_room(len(frame), 0)
            segment = self._store.append(0, frame)
        except SpoolFull:
            return
        except OSError as error:
            self._repair.write_failed(error)
            return
        if attempt.checkpoint_segment is not None:
            attempt.checkpoint_segment.holds -= 1
        segment.holds += 1
        attempt.checkpoint, attempt.checkpoint_segment = frame, segment

    async def finish(self, start_number: int, payload: bytes) -> int:
        """Writes the FINISH of an attempt and returns its number once it is durable.

        Cancelling it cancels the waiting: the FINISH is written and synced all the same. Raises JournalUnavailable
        when the disk fails and fails again; the FINISH is then kept in memory, and written if the disk recovers.
        Otherwise as `finish_nowait`.
        """
        number = self.finish_nowait(start_number, payload)
        if self._repair.refusal is not None:
            raise JournalUnavailable(self._repair.refusal)
        await self._commit.wait()
        return number

    def finish_nowait(self, start_number: int, payload: bytes) -> int:
        """Writes the FINISH of an attempt and returns its number; it is synced in a moment.

        Raises KeyError when there is no such open START: an attempt is finished once; ValueError when the record is
        too large.
        """
        attempt = self._open[start_number]
        number = self._store.last_number + 1
        frame = encode_frame(Kind.FINISH, number, start_number, payload)
        del self._open[start_number]
        self.unfinished.pop(start_number, None)
        self._store.segments.release(attempt.reserve)
        self._commit.release_later(attempt.segments())
        if self._repair.fault is None:
            try:
                # Within the reservation there is room. What exceeds it is not lost for the spool's limit.
                self._store.ensure_room(len(frame), 0, beyond_limit=True)
                self._store.append(number, frame)
            except OSError as error:
                self._repair.write_failed(error)
        self._appended(number, frame)
        return number

    async def sync(self) -> None:
        """Returns once everything written so far is durable. Raises JournalUnavailable when the disk fails."""
        if self._repair.refusal is not None:
            raise JournalUnavailable(self._repair.refusal)
        await self._commit.wait()

    async def read(self, first_number: int, most_bytes: int, most_records: int) -> list[tuple[int, bytes]]:
        """Durable records from `first_number` on, as (number, payload): within both bounds, but at least one if any.

        A record that was lost on disk has the payload b"". Raises OSError when the disk does.
        """
        last = min(self.durable_number, first_number + most_records - 1)
        return await self._store.read(first_number, last, most_bytes)

    def trim(self, watermark: int) -> None:
        """Everything through `watermark` is in the ledger: deletes what nobody needs any more."""
        if watermark > self.durable_number:
            # The directory was put back to an earlier state: the ledger knows other records of these numbers.
            get_logger().error("journal.watermark_ahead", spool=str(self.spool.id), watermark=watermark)
            watermark = self.durable_number
        if watermark > self._store.watermark:
            self._store.watermark = watermark
            self._store.tail.forget_through(watermark)
            self._store.collect()

    async def close(self) -> None:
        """Syncs what is written and closes the files; what is open stays open. The spool stays locked."""
        with contextlib.suppress(JournalUnavailable):
            await self.sync()
        self._repair.stop()
        await self._commit.stop()
        await self._store.close()
        self._threads.shutdown(wait=False)
        metrics.BYTES.remove(str(self.spool.id))
        metrics.OPEN_ATTEMPTS.remove(str(self.spool.id))

    def _appended(self, number: int, frame: bytes) -> None:
        self._store.last_number = number
        self._store.tail.add(number, frame)
        self._commit.appended = number
        self._commit.later()

    def _synced(self) -> None:
        self._repair.synced()
        self._store.tail.shrink(self.durable_number)
        self._store.collect()
        for notify in self._watchers:
            notify()


def _still_open(found: Unfinished) -> Attempt:
    start = encode_frame(Kind.START, found.start.number, 0, found.start.payload)
    attempt = Attempt(start, found.start_segment, reserve=0)
    if found.checkpoint is not None:
        attempt.checkpoint = encode_frame(Kind.CHECKPOINT, 0, found.start.number, found.checkpoint.payload)
        attempt.checkpoint_segment = found.checkpoint_segment
    return attempt
