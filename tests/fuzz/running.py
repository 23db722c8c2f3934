"""So many inputs, one after the other, each watched; what they found."""

import faulthandler
import signal
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import FrameType

import msgspec

from tests.fuzz.targets import Target, all_targets

HANG_SECONDS = 2.0
"""Longer than any input may take. The largest are some hundred kilobytes and take milliseconds."""
_BACKSTOP_SECONDS = 60.0
_ROOT = Path(__file__).parents[2]


class Hang(Exception):
    """An input took too long."""


class Fault(msgspec.Struct):
    """What should not have come out, how often, and the number of the first input it came out for."""

    target: str
    error: str
    place: str
    first: int
    count: int = 1

    def is_as(self, other: "Fault") -> bool:
        """Whether it is the same error from the same line."""
        kinds = {fault.error.partition(":")[0] for fault in (self, other)}
        return (self.target, self.place, len(kinds)) == (other.target, other.place, 1)


class Findings(msgspec.Struct):
    """What so many inputs found. `slowest_seconds` is the longest that one took, `slowest` its number."""

    inputs: int = 0
    faults: list[Fault] = []
    slowest_seconds: float = 0.0
    slowest: int = 0

    def add(self, fault: Fault) -> None:
        """Notes what an input did. The same error from the same line is the same fault."""
        for known in self.faults:
            if known.is_as(fault):
                known.first, known.count = min(known.first, fault.first), known.count + fault.count
                return
        self.faults.append(fault)

    def merge(self, other: "Findings") -> None:
        """Takes over what another run found."""
        self.inputs += other.inputs
        for fault in other.faults:
            self.add(fault)
        if other.slowest_seconds > self.slowest_seconds:
            self.slowest_seconds, self.slowest = other.slowest_seconds, other.slowest


def chosen(part: str) -> dict[str, Target]:
    """The targets that have this in their name."""
    return {name: target for name, target in all_targets().items() if part in name}


def feed(part: str, numbers: Iterable[int], seed: int) -> Findings:
    """As `run`, for the targets that have this in their name."""
    return run(chosen(part), numbers, seed)


def run(
    targets: Mapping[str, Target], numbers: Iterable[int], seed: int, hang_seconds: float = HANG_SECONDS
) -> Findings:
    """Feeds the inputs of these numbers, to all targets in turns. The same seed and number make the same input."""
    findings = Findings()
    names = sorted(targets)
    with _watchdog():
        for number in numbers:
            name = names[number % len(names)]
            dice = Random(f"{seed}/{number}")
            began = time.perf_counter()
            signal.setitimer(signal.ITIMER_REAL, hang_seconds)
            try:
                targets[name](dice)
            except (Exception, Hang) as stray:  # noqa: BLE001 - whatever comes out is the finding
                findings.add(Fault(name, f"{type(stray).__name__}: {str(stray)[:200]}", _place(stray), number))
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            took = time.perf_counter() - began
            if took > findings.slowest_seconds:
                findings.slowest_seconds, findings.slowest = took, number
            findings.inputs += 1
            if findings.inputs % 1000 == 0:
                _rearm()
    return findings


@contextmanager
def _watchdog() -> Iterator[None]:
    """Interrupts an input that takes too long; ends the process where even that is not noticed (inside C)."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise Hang("took too long")

    before = signal.signal(signal.SIGALRM, interrupt)
    _rearm()
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)


def _rearm() -> None:
    faulthandler.dump_traceback_later(_BACKSTOP_SECONDS, exit=True)


def _place(error: BaseException) -> str:
    """The innermost line of ours."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(str(_ROOT / "services"))] or frames
    last = ours[-1]
    return f"{last.filename.removeprefix(f'{_ROOT}/')}:{last.lineno}"
