"""A set of record numbers, kept as ranges."""

from bisect import bisect_left
from collections.abc import Iterator


class Ranges:
    """Disjoint ranges (first, last), inclusive, in order, adjacent ones merged. Few of them: operations are linear."""

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int]] = []

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(self._ranges)

    def __len__(self) -> int:
        return len(self._ranges)

    def add(self, first: int, last: int) -> None:
        """Adds first to last; nothing where last < first."""
        if last < first:
            return
        place = bisect_left(self._ranges, first - 1, key=_last)
        end = place
        while end < len(self._ranges) and self._ranges[end][0] <= last + 1:
            first, last = min(first, self._ranges[end][0]), max(last, self._ranges[end][1])
            end += 1
        self._ranges[place:end] = [(first, last)]

    def remove(self, first: int, last: int) -> None:
        """Removes first to last, as far as they are in it."""
        kept: list[tuple[int, int]] = []
        for low, high in self._ranges:
            kept += [part for part in ((low, min(high, first - 1)), (max(low, last + 1), high)) if part[0] <= part[1]]
        self._ranges = sorted(set(kept))


def _last(pair: tuple[int, int]) -> int:
    return pair[1]
