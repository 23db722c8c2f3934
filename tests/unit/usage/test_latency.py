import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.usage.latency import THRESHOLDS, middle, percentile, slot_of

DAY = 86_400_000_000
MICROSECONDS = st.integers(min_value=0, max_value=DAY)


def histogram(durations: list[int]) -> tuple[list[int], list[int]]:
    slots = sorted({slot_of(duration) for duration in durations})
    return slots, [sum(slot_of(duration) == slot for duration in durations) for slot in slots]


@given(MICROSECONDS)
def test_a_slot_is_eight_per_cent_wide_and_holds_its_duration(duration: int) -> None:
    slot = slot_of(duration)
    if duration == 0:
        assert slot == 0
    else:
        # 1.08^(slot - 1) <= duration < 1.08^slot, in whole numbers.
        assert 27 ** (slot - 1) <= duration * 25 ** (slot - 1)
        assert duration * 25**slot < 27**slot


def test_the_slots_reach_beyond_a_day() -> None:
    assert THRESHOLDS[-1] > 11 * DAY
    assert slot_of(10**15) == len(THRESHOLDS)


@given(st.integers(min_value=1, max_value=DAY))
def test_the_middle_of_a_slot_is_within_four_per_cent_of_what_it_holds(duration: int) -> None:
    assert middle(slot_of(duration)) == pytest.approx(duration / 1e6, rel=0.04)


@given(st.lists(MICROSECONDS, min_size=1, max_size=60), st.floats(min_value=0, max_value=100))
def test_a_percentile_is_within_four_per_cent_of_the_exact_one(durations: list[int], percent: float) -> None:
    exact = sorted(durations)[max(1, math.ceil(len(durations) * percent / 100)) - 1]
    assert percentile(*histogram(durations), percent) == pytest.approx(exact / 1e6, rel=0.04)


@given(st.lists(st.lists(MICROSECONDS, min_size=1, max_size=20), min_size=1, max_size=5))
def test_merged_histograms_are_the_histogram_of_all(parts: list[list[int]]) -> None:
    merged: dict[int, int] = {}
    for part in parts:
        for slot, count in zip(*histogram(part), strict=True):
            merged[slot] = merged.get(slot, 0) + count
    slots, counts = histogram([duration for part in parts for duration in part])
    assert merged == dict(zip(slots, counts, strict=True))
