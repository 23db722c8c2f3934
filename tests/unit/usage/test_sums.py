from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.usage.entry import MEASURES, MONEY, Entry
from services.usage.events import Bounds, entry_of
from services.usage.latency import TOTAL, TTFT, slot_of
from services.usage.sums import added, summed
from tests.fixtures.completion_events import Traffic

START = datetime(2026, 11, 1, 10, tzinfo=UTC)
BOUNDS = Bounds(0, 2**47)


def entries(number: int, seed: int = 0) -> list[Entry]:
    traffic = Traffic(seed)
    moments = [START + timedelta(minutes=traffic.dice.uniform(0, 60)) for _ in range(number)]
    return [entry_of(traffic.finished(traffic.started(moment)), BOUNDS) for moment in moments]


def quarter(entry: Entry) -> int:
    return entry.milliseconds // 900_000 * 900_000


@given(st.integers(0, 1_000), st.integers(0, 40))
def test_groups_are_the_sums_of_their_entries(seed: int, number: int) -> None:
    listed = [(entry, position % 3) for position, entry in enumerate(entries(number, seed))]
    sums = summed(listed)
    assert [row[:2] for row in sums.rollups] == sorted({(quarter(entry), series) for entry, series in listed})
    for start, series, *figures in sums.rollups:
        group = [entry.figures for entry, one in listed if (quarter(entry), one) == (start, series)]
        for name, figure in zip(MEASURES, figures, strict=True):
            known = [value for value in (getattr(one, name) for one in group) if value is not None]
            assert figure == (sum(known) if known or name not in MONEY else None)


def test_each_tag_counts_the_whole_entry() -> None:
    listed = [(entry, 1) for entry in entries(30)]
    for start, series, tag, value, *figures in summed(listed).tags:
        group = [
            entry.figures
            for entry, _ in listed
            if (quarter(entry), entry.attempt.tags.get(tag)) == (start, value)
        ]  # fmt: skip
        assert (series, figures[MEASURES.index("attempts")]) == (1, len(group))
        assert figures[MEASURES.index("prompt_tokens")] == sum(one.prompt_tokens or 0 for one in group)


def test_samples_fall_into_the_slots_of_their_durations() -> None:
    listed = [(entry, 1) for entry in entries(30)]
    found = {row[:4]: row[4:] for row in summed(listed).histograms}
    expected: dict[tuple[Any, ...], list[int]] = {}
    for entry, series in listed:
        for metric, sample in ((TOTAL, entry.figures.total_sample_us), (TTFT, entry.figures.ttft_sample_us)):
            if sample is not None:
                expected.setdefault((quarter(entry), series, metric, slot_of(sample)), []).append(sample)
    assert found == {key: (len(samples), sum(samples)) for key, samples in expected.items()}


def test_rows_are_in_the_order_of_their_keys() -> None:
    sums = summed((entry, position % 5) for position, entry in enumerate(entries(60)))
    for rows, key in ((sums.rollups, 2), (sums.tags, 4), (sums.histograms, 4)):
        keys = [row[:key] for row in rows]
        assert keys == sorted(set(keys))


def test_money_is_added_without_rounding() -> None:
    figures = [[0] * len(MEASURES) for _ in range(3)]
    position = MEASURES.index("cost")
    rows: list[tuple[Any, ...]] = []
    for row, cost in zip(figures, ("1e12", "1e-40", None), strict=True):
        rows.append(tuple((cost and Decimal(cost)) if index == position else value for index, value in enumerate(row)))
    total = added(rows)
    assert total is not None
    assert total[position] == Decimal("1000000000000." + "0" * 39 + "1")


def test_nothing_adds_up_to_nothing() -> None:
    assert added([]) is None
