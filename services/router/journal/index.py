"""Where each numbered record lies. Memory only: four bytes a record."""

from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True, eq=False)
class Run:
    """Records first, first + 1, ... of one segment: record i of the run begins at offsets[i]."""

    first: int
    path: Path
    offsets: "array[int]"

    @property
    def after(self) -> int:
        """The number after the last."""
        return self.first + len(self.offsets)


@dataclass(frozen=True, slots=True)
class Location:
    """A record's place, and the number after the last one of the same run."""

    path: Path
    offset: int
    run_end: int


class Index:
    """Runs of records, ordered by number, none overlapping."""

    def __init__(self) -> None:
        self._runs: list[Run] = []

    def add(self, number: int, path: Path, offset: int) -> None:
        """Notes a record, in place of what was noted under its number. In increasing order it takes constant time."""
        newest = self._runs[-1] if self._runs else None
        if newest is not None and newest.path == path and newest.after == number:
            newest.offsets.append(offset)
            return
        self._remove(number)
        place = bisect_right(self._runs, number, key=_first)
        before = self._runs[place - 1] if place else None
        if before is not None and before.path == path and before.after == number:
            before.offsets.append(offset)
        else:
            self._runs.insert(place, Run(number, path, array("I", [offset])))

    def find(self, number: int) -> Location | None:
        """Where the record lies; None: nowhere."""
        place = bisect_right(self._runs, number, key=_first) - 1
        if place < 0 or number >= self._runs[place].after:
            return None
        run = self._runs[place]
        return Location(run.path, run.offsets[number - run.first], run.after)

    def gaps(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """The stretches between `first` and `last`, inclusive, of which nothing is known, as (first, last)."""
        for run in self._runs:
            if run.first > first:
                yield first, min(run.first - 1, last)
            first = max(first, run.after)
            if first > last:
                return
        if first <= last:
            yield first, last

    def forget_segments(self, paths: Collection[Path]) -> None:
        """Forgets every record of these segments: they are deleted."""
        self._runs = [run for run in self._runs if run.path not in paths]

    def _remove(self, number: int) -> None:
        place = bisect_right(self._runs, number, key=_first) - 1
        if place < 0 or number >= self._runs[place].after:
            return
        run = self._runs.pop(place)
        cut = number - run.first
        parts = (Run(run.first, run.path, run.offsets[:cut]), Run(number + 1, run.path, run.offsets[cut + 1 :]))
        self._runs[place:place] = [part for part in parts if part.offsets]


def _first(run: Run) -> int:
    return run.first
