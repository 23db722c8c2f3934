"""Latency histograms: slots 8 % wide, so that percentiles are within 4 % however many are merged. Pure.

Slot 0 holds durations of 0 us, slot n those from 1.08^(n-1) us, inclusive, to 1.08^n us, exclusive. A percentile is
given as the geometric middle of its slot, at most sqrt(1.08) - 1 = 3.93 % from any duration in it. The last slot begins
at 11.6 days and takes whatever is longer.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence

TOTAL = 1
"""Metric: until the whole answer had come."""
TTFT = 2
"""Metric: until the first token had come."""

_SLOTS = 360

# Durations are whole microseconds: such a one is at least 1.08^n exactly if it is at least that rounded up. In whole
# numbers, so that Postgres' width_bucket and bisect agree on every duration.
THRESHOLDS: tuple[int, ...] = tuple(-(-(27**n) // 25**n) for n in range(_SLOTS))


def slot_of(microseconds: int) -> int:
    """The slot that holds a duration; as Postgres' `width_bucket(microseconds, THRESHOLDS)`."""
    return bisect_right(THRESHOLDS, microseconds)


def middle(slot: int) -> float:
    """The geometric middle of a slot in seconds."""
    return math.pow(1.08, slot - 0.5) / 1e6 if slot else 0.0


def percentile(slots: Sequence[int], counts: Sequence[int], percent: float) -> float:
    """The nearest-rank percentile in seconds of a histogram that is not empty.

    `slots` ascends; `counts` has a count for each. The smallest duration that at least `percent` per cent of all
    durations do not exceed, to the precision of the slots.
    """
    rank = max(1, math.ceil(sum(counts) * percent / 100))
    for slot, count in zip(slots, counts, strict=True):
        rank -= count
        if rank <= 0:
            return middle(slot)
    return middle(slots[-1])
