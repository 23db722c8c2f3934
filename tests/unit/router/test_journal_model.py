"""The journal against a model, through faults, crashes of the process and failures of the power."""

import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from services.router.journal import Journal, JournalLimits
from services.runtime.errors import JournalUnavailable
from tests.unit.router.journals import VolatileFiles, all_records, close_journal, crash, open_journal

LIMITS = JournalLimits(segment_bytes=2048, spool_bytes=32 * 1024, tail_bytes=1000, retry_seconds=0.001)
RESERVE = 200

# How often each step is taken, relatively, and the range of its argument.
STEPS = {
    "start": (30, 0, 400),
    "finish": (10, 0, RESERVE),
    "finish_nowait": (15, 0, RESERVE),
    "checkpoint": (10, 0, 50),
    "check": (6, 0, 0),
    "trim": (4, 0, 10),
    "fail_syncs": (3, 1, 3),
    "fail_write": (3, 0, 1),
    "fill_disk": (2, 0, 1),
    "crash": (3, 0, 0),
    "power_failure": (3, 0, 1000),
}


@dataclass
class Model:
    """What was promised: acknowledged or published records by number, and STARTs that have no FINISH."""

    records: dict[int, bytes] = field(default_factory=dict)
    open: dict[int, bytes] = field(default_factory=dict)
    watermark: int = 0
    made: int = 0

    def payload(self, size: int) -> bytes:
        self.made += 1
        return b"%06d" % self.made + bytes(size)


class Scenario:
    def __init__(self, root: Path, journal: Journal, files: VolatileFiles) -> None:
        self.root = root
        self.journal = journal
        self.files = files
        self.model = Model()

    async def start(self, size: int) -> None:
        payload = self.model.payload(size)
        try:
            number = self.journal.start(payload, RESERVE)
        except JournalUnavailable:
            return
        assert number == self.journal.last_number
        self.model.open[number] = payload
        self.assert_room_for_every_finish()

    async def finish(self, size: int) -> None:
        if self.model.open:
            payload = self.model.payload(max(0, size - 6))
            start, _ = self.model.open.popitem()
            try:
                number = await self.journal.finish(start, payload)
            except JournalUnavailable:
                return
            assert number <= self.journal.durable_number
            self.model.records[number] = payload

    async def finish_nowait(self, size: int) -> None:
        if self.model.open:
            start = min(self.model.open)
            del self.model.open[start]
            self.journal.finish_nowait(start, self.model.payload(max(0, size - 6)))

    async def checkpoint(self, size: int) -> None:
        for number in list(self.model.open)[:3]:
            self.journal.checkpoint(number, b"checkpoint" + bytes(size))
        self.assert_room_for_every_finish()

    async def trim(self, tenths: int) -> None:
        await self.check()
        self.model.watermark = max(self.model.watermark, self.journal.durable_number * tenths // 10)
        self.journal.trim(self.model.watermark)

    async def fail_syncs(self, count: int) -> None:
        self.files.failing_syncs = count

    async def fail_write(self, reached_disk: int) -> None:
        self.files.failing_writes, self.files.writes_before_failing = 1, bool(reached_disk)

    async def fill_disk(self, full: int) -> None:
        self.files.full = bool(full)

    async def crash(self, _: int) -> None:
        last = self.journal.last_number
        await crash(self.journal)
        await self.reopen(last)
        assert self.model.open.keys() <= self.journal.unfinished.keys()

    async def power_failure(self, seed: int) -> None:
        durable = self.journal.durable_number
        await crash(self.journal)
        self.files.fail_power(random.Random(seed))
        await self.reopen(durable)
        assert {number for number in self.model.open if number <= durable} <= self.journal.unfinished.keys()

    async def reopen(self, certain: int) -> None:
        """Opens the journal anew; records through `certain` have to be there."""
        self.files.failing_syncs = self.files.failing_writes = 0
        self.files.full = False
        self.journal = await open_journal(self.root, self.files, LIMITS, name=self.journal.spool.directory.name)
        for number, attempt in self.journal.unfinished.items():
            if number <= certain:
                assert self.model.open.get(number, attempt.start.payload) == attempt.start.payload
        self.model.open = {number: attempt.start.payload for number, attempt in self.journal.unfinished.items()}
        await self.check()

    async def check(self, _: int = 0) -> None:
        """No promise was broken, and no number given twice. What is read is published: another promise."""
        assert self.journal.watermark <= self.model.watermark
        published = dict(await all_records(self.journal, first=self.model.watermark + 1))
        assert list(published) == list(range(self.model.watermark + 1, self.journal.durable_number + 1))
        for number, payload in self.model.records.items():
            if number > self.model.watermark:
                assert published[number] == payload
        self.model.records |= published

    def assert_room_for_every_finish(self) -> None:
        if self.journal._repair.fault is not None:
            return
        segments = self.journal._store.segments
        assert sum(segment.free for segment in (segments.active, *segments.spares)) >= segments.reserved


@pytest.mark.parametrize("seed", range(20))
async def test_no_promise_is_ever_broken(tmp_path: Path, seed: int) -> None:
    chance, files = random.Random(seed), VolatileFiles()
    scenario = Scenario(tmp_path, await open_journal(tmp_path, files, LIMITS), files)
    weights = [weight for weight, _, _ in STEPS.values()]
    for step in chance.choices(list(STEPS), weights, k=300):
        _, least, most = STEPS[step]
        await getattr(scenario, step)(chance.randint(least, most))
    await scenario.crash(0)
    await close_journal(scenario.journal)
