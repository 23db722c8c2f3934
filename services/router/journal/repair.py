"""What happens when the disk fails a write or a sync.

After a failed fdatasync nothing is known of what was written before it, and asking again proves nothing: the kernel
may have dropped the pages and call the rest a success. So the segments concerned are abandoned, and everything in them
that was not durable, and every attempt still open, is written anew from memory into a fresh segment. If that fails
too, those who wait are told, new work is refused, and the same is tried again every few seconds.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.router.journal import metrics
from services.router.journal.commit import GroupCommit
from services.router.journal.segments import Segment
from services.router.journal.store import Store
from services.runtime.logging import get_logger


@dataclass(slots=True)
class Attempt:
    """A START without a FINISH. Its frames are kept for the case that their segments fail."""

    start: bytes
    start_segment: Segment
    # Bytes set aside for its FINISH.
    reserve: int
    checkpoint: bytes = b""
    checkpoint_segment: Segment | None = None

    def segments(self) -> Iterator[Segment]:
        """The segments that may not be deleted while the attempt is open."""
        yield self.start_segment
        if self.checkpoint_segment is not None:
            yield self.checkpoint_segment


class Repair:
    """Takes the journal through a failure of its disk.

    Attributes:
        fault: why nothing can be written at the moment; records are then kept in memory only.
        refusal: why no new work may be taken; None: it may.
    """

    def __init__(
        self, spool: str, store: Store, commit: GroupCommit, attempts: dict[int, Attempt], retry_seconds: float
    ) -> None:
        self.fault: OSError | None = None
        self.refusal: str | None = None
        self._spool = spool
        self._store = store
        self._commit = commit
        self._attempts = attempts
        self._retry_seconds = retry_seconds
        self._suspects: set[Segment] = set()
        # Segments that hold copies no sync has confirmed yet; None: there was no repair since the last good sync.
        self._probation: list[Segment] | None = None
        self._retry: asyncio.Handle | None = None
        self._stopped = False

    def write_failed(self, error: OSError) -> None:
        """A record could not be written; it is to be kept in memory if it must not be lost."""
        self._note(error, "write")
        if self._retry is None and not self._commit.busy:
            self._retry = asyncio.get_running_loop().call_soon(self._rewrite)

    def sync_failed(self, error: OSError, segments: Sequence[Segment]) -> None:
        """A sync of these segments failed."""
        self._note(error, "sync")
        self._suspects.update(segments)
        if self._probation is None:
            self._rewrite()
        else:
            self._give_up(error)

    def synced(self) -> None:
        """A sync succeeded. A write may have failed while it ran."""
        self._probation = None
        self._suspects.clear()
        if self.fault is not None:
            self._rewrite()
        elif self.refusal is not None:
            self.refusal = None
            get_logger().info("journal.recovered", spool=self._spool)

    def stop(self) -> None:
        """Tries no more."""
        self._stopped = True
        if self._retry is not None:
            self._retry.cancel()

    def _note(self, error: OSError, operation: str) -> None:
        metrics.DISK_FAILURES.labels(operation).inc()
        get_logger().error("journal.disk_failed", spool=self._spool, operation=operation, error=str(error))
        self.fault = error
        self._commit.pause()

    def _rewrite(self) -> None:
        self._retry = None
        if self._stopped:
            return
        segments = self._store.segments
        self._suspects.update((segments.active, *segments.take_dirty()))
        superseded, self._probation = self._probation or [], []
        try:
            self._store.abandon()
            self._rewrite_attempts()
            for number, frame in self._store.tail.after(self._commit.durable):
                segment = self._append(number, frame)
                if number in self._attempts:
                    self._move_start(self._attempts[number], segment)
        except OSError as error:
            self._probation += superseded
            self._give_up(error)
            return
        self._store.discard(superseded)
        self.fault = None
        get_logger().warning("journal.rewritten", spool=self._spool, durable=self._commit.durable)
        self._commit.resume()

    def _rewrite_attempts(self) -> None:
        """Copies what is open and durable, but lies in an abandoned segment."""
        for number, attempt in self._attempts.items():
            if number <= self._commit.durable and attempt.start_segment in self._suspects:
                self._move_start(attempt, self._append(0, attempt.start))
            if attempt.checkpoint_segment in self._suspects:
                segment = self._append(0, attempt.checkpoint)
                self._commit.release_later([attempt.checkpoint_segment])
                segment.holds += 1
                attempt.checkpoint_segment = segment

    def _move_start(self, attempt: Attempt, segment: Segment) -> None:
        # The old place is needed until the new one is durable.
        self._commit.release_later([attempt.start_segment])
        segment.holds += 1
        attempt.start_segment = segment

    def _append(self, number: int, frame: bytes) -> Segment:
        self._store.ensure_room(len(frame), 0, beyond_limit=True)
        segment = self._store.append(number, frame)
        if self._probation is not None and segment not in self._probation:
            self._probation.append(segment)
        return segment

    def _give_up(self, error: OSError) -> None:
        self.fault = error
        self.refusal = f"the disk fails: {error}"
        get_logger().error("journal.failed", spool=self._spool, error=str(error), retry_in=self._retry_seconds)
        self._commit.pause()
        self._commit.fail(self.refusal)
        if not self._stopped:
            self._retry = asyncio.get_running_loop().call_later(self._retry_seconds, self._rewrite)
