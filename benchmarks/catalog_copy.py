"""A router's copy of a large catalog, in a process of its own: time, memory, and what a plan then takes.

`python -m benchmarks.catalog_copy FILE`: the parts of a snapshot, each behind its length; prints JSON.
"""

import gc
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import msgspec

from benchmarks.figures import quantiles
from pantheon.events.v1.change_feed_service_pb2 import GetSnapshotResponse
from services.router.chat import ChatRequest
from services.router.plan import make_plan
from services.router.snapshot import Snapshot
from services.runtime.auth import ALL_SCOPES, Principal

_PLANS = 20_000
_WORDS = msgspec.Raw(b'[{"role":"user","content":"hello"}]')


class Measured(msgspec.Struct, frozen=True):
    """CPU seconds to load, resident MiB, microseconds of planning."""

    seconds: float
    mebibytes: float
    plan_median: float
    plan_p99: float
    auto_median: float
    auto_p99: float

    @classmethod
    def from_json(cls, body: bytes) -> Self:
        """What the process printed."""
        return msgspec.json.decode(body, type=cls)


def main(path: Path) -> None:
    """Loads, measures, prints."""
    parts = list(_parts(path.read_bytes()))
    gc.collect()
    before = _resident()
    snapshot = Snapshot()
    began = time.process_time()
    for part in parts:
        for change in part.changes:
            snapshot.apply(change)
    seconds = time.process_time() - began
    users = [
        change.settings_changed.settings.user_id
        for part in parts
        for change in part.changes
        if change.WhichOneof("event") == "settings_changed"
    ]
    aliases = [alias for alias in snapshot.catalog.aliases if alias.startswith("model-")]
    gc.collect()
    grown = _resident() - before

    def planned(number: int, model: str) -> None:
        caller = Principal(users[number * 31 % len(users)], "o", "p", "k", 10, ALL_SCOPES)
        request = ChatRequest(model, {"model": msgspec.Raw(b'""'), "messages": _WORDS}, 64)
        make_plan(request, snapshot.catalog, caller)

    plain = _microseconds(lambda number: planned(number, aliases[number * 17 % len(aliases)]))
    auto = _microseconds(lambda number: planned(number, "auto"))
    measured = Measured(seconds, grown / 2**20, *plain, *auto)
    sys.stdout.write(msgspec.json.encode(measured).decode())


def _parts(content: bytes) -> Iterator[GetSnapshotResponse]:
    at = 0
    while at < len(content):
        end = at + 4 + int.from_bytes(content[at : at + 4], "big")
        yield GetSnapshotResponse.FromString(content[at + 4 : end])
        at = end


def _resident() -> int:
    """Bytes of this process in memory (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4_096


def _microseconds(call: Callable[[int], None]) -> tuple[float, float]:
    """The median and the 99th percentile of many calls, each with its number."""
    taken = []
    for number in range(_PLANS):
        began = time.perf_counter()
        call(number)
        taken.append((time.perf_counter() - began) * 1e6)
    return quantiles(taken)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
