"""What the journal's tests share: small journals, disks that fail on demand, events."""

import asyncio
import errno
import os
import random
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pantheon.events.v1.completion_pb2 import CompletionEvent, CompletionFinished, CompletionStarted
from services.router.journal import DiskFiles, Files, Journal, JournalLimits, create_spool, lock_spool
from services.router.journal.segments import close_descriptors
from services.runtime.errors import JournalUnavailable
from services.runtime.ids import uuid7

_SECTOR = 64

SMALL = JournalLimits(segment_bytes=4096, spool_bytes=64 * 1024, retry_seconds=0.01)


class FaultyFiles(DiskFiles):
    """A disk that can be full, fail, or be held up."""

    def __init__(self) -> None:
        self.full = False
        self.syncs = 0
        # While it is not set, syncs do not end.
        self.released = threading.Event()
        self.released.set()
        # How many of the next syncs and writes fail; -1: all of them.
        self.failing_syncs = 0
        self.failing_writes = 0
        # A failing write may have reached the disk all the same.
        self.writes_before_failing = False

    def fallocate(self, descriptor: int, size: int) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().fallocate(descriptor, size)

    def pwrite(self, descriptor: int, content: bytes, offset: int) -> None:
        if self.failing_writes:
            self.failing_writes -= 1
            if self.writes_before_failing:
                super().pwrite(descriptor, content, offset)
            raise OSError(errno.EIO, "Input/output error")
        super().pwrite(descriptor, content, offset)

    def fdatasync(self, descriptor: int) -> None:
        self.syncs += 1
        assert self.released.wait(10)
        if self.failing_syncs:
            self.failing_syncs -= 1
            raise OSError(errno.EIO, "Input/output error")


class VolatileFiles(FaultyFiles):
    """A disk whose power can fail: what was not synced is lost, sector by sector, as chance will have it."""

    def __init__(self) -> None:
        super().__init__()
        # By file, what lay where something was written since its last sync: (offset, content before).
        self._overwritten: dict[str, list[tuple[int, bytes]]] = {}

    def pwrite(self, descriptor: int, content: bytes, offset: int) -> None:
        before = os.pread(descriptor, len(content), offset)
        super().pwrite(descriptor, content, offset)
        self._overwritten.setdefault(_path(descriptor), []).append((offset, before))

    def fdatasync(self, descriptor: int) -> None:
        super().fdatasync(descriptor)
        self._overwritten.pop(_path(descriptor), None)

    def fail_power(self, chance: random.Random) -> None:
        """To be called when nothing uses the files."""
        for path, writes in self._overwritten.items():
            if not Path(path).exists():
                continue
            with Path(path).open("r+b") as file:
                for offset, before in reversed(writes):
                    for sector in range(0, len(before), _SECTOR):
                        if chance.random() < 0.5:
                            file.seek(offset + sector)
                            file.write(before[sector : sector + _SECTOR])
        self._overwritten.clear()


def _path(descriptor: int) -> str:
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


async def open_journal(
    root: Path, files: Files | None = None, limits: JournalLimits = SMALL, *, name: str | None = None
) -> Journal:
    """The journal of the spool `name` under `root`, or of a new one."""
    spool = lock_spool(root / name) if name else create_spool(root)
    assert spool is not None
    return await Journal.open(spool, limits, files)


async def close_journal(journal: Journal) -> None:
    await journal.close()
    journal.spool.release()


async def crash(journal: Journal) -> None:
    """Leaves everything as the end of the process would."""
    journal._repair.stop()
    await journal._commit.stop()
    journal._threads.shutdown(wait=True)
    segments = journal._store.segments
    close_descriptors([segments.active, *segments.spares, *segments.full])
    journal.spool.release()


@asynccontextmanager
async def opened(
    root: Path, files: Files | None = None, limits: JournalLimits = SMALL, *, name: str | None = None
) -> AsyncIterator[Journal]:
    journal = await open_journal(root, files, limits, name=name)
    try:
        yield journal
    finally:
        await close_journal(journal)


def fill(journal: Journal) -> list[int]:
    """Starts attempts until the journal takes no more; returns their numbers."""
    numbers = []
    while True:
        try:
            numbers.append(journal.start(bytes(200), 300))
        except JournalUnavailable:
            return numbers


async def all_records(journal: Journal, *, first: int = 1) -> list[tuple[int, bytes]]:
    """Everything durable, in pieces as a relay would read it."""
    records: list[tuple[int, bytes]] = []
    while read := await journal.read(first, 1500, 100):
        records += read
        first = read[-1][0] + 1
    return records


async def once_durable(journal: Journal, number: int) -> None:
    async with asyncio.timeout(10):
        grown = asyncio.Event()
        journal.watch(grown.set)
        while journal.durable_number < number:
            grown.clear()
            await grown.wait()


def started(prompt_tokens: int = 10) -> CompletionStarted:
    return CompletionStarted(
        attempt_id=str(uuid7()),
        finish_id=str(uuid7()),
        request_id=str(uuid7()),
        attempt_number=1,
        estimated_prompt_tokens=prompt_tokens,
        price_version_id="price-1",
    )


def start_payload(start: CompletionStarted | None = None) -> bytes:
    return CompletionEvent(started=start or started()).SerializeToString()


def finish_payload(start: CompletionStarted) -> bytes:
    finished = CompletionFinished(event_id=start.finish_id, started=start)
    return CompletionEvent(finished=finished).SerializeToString()
