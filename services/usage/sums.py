"""Ledger entries summed up into what the roll-up tables take. Pure."""

from collections.abc import Iterable
from typing import Any

import msgspec

from services.usage import latency
from services.usage.adjustment import EXACT
from services.usage.entry import MEASURES, MONEY, Entry
from services.usage.periods import QUARTER_MILLISECONDS

# Numbers, text and money in the order their tables have them.
Key = tuple[Any, ...]
Row = tuple[Any, ...]

_MONEY = frozenset(MEASURES.index(name) for name in MONEY)


class Sums(msgspec.Struct, frozen=True):
    """Rows to add to the roll-up tables, in the order of their keys, so that replicas never wait in a circle.

    The keys begin with the quarter-hour (its start in Unix milliseconds) and the series id.
    """

    rollups: list[Row]
    """(quarter, series, *MEASURES)"""
    tags: list[Row]
    """(quarter, series, tag, value, *MEASURES)"""
    histograms: list[Row]
    """(quarter, series, metric, slot, count, sum of microseconds)"""


def summed(entries: Iterable[tuple[Entry, int]]) -> Sums:
    """Sums up entries, each with the id of its series."""
    rollups: dict[Key, list[Any]] = {}
    tags: dict[Key, list[Any]] = {}
    histograms: dict[Key, list[int]] = {}
    for entry, series in entries:
        quarter = entry.milliseconds - entry.milliseconds % QUARTER_MILLISECONDS
        figures = msgspec.structs.astuple(entry.figures)[: len(MEASURES)]
        _add(rollups, (quarter, series), figures)
        for tag, value in entry.attempt.tags.items():
            _add(tags, (quarter, series, tag, value), figures)
        for metric, sample in (
            (latency.TOTAL, entry.figures.total_sample_us),
            (latency.TTFT, entry.figures.ttft_sample_us),
        ):
            if sample is not None:
                slot = histograms.setdefault((quarter, series, metric, latency.slot_of(sample)), [0, 0])
                slot[0] += 1
                slot[1] += sample
    return Sums(_rows(rollups), _rows(tags), _rows(histograms))


def added(groups: Iterable[tuple[Any, ...]]) -> tuple[Any, ...] | None:
    """Adds up rows of MEASURES; None if there are none."""
    sums: dict[Key, list[Any]] = {}
    for figures in groups:
        _add(sums, (), figures)
    return tuple(sums[()]) if sums else None


def _add(groups: dict[Key, list[Any]], key: Key, figures: tuple[Any, ...]) -> None:
    group = groups.get(key)
    if group is None:
        # A sum of tokens none of which is known is 0, a sum of such costs is unknown.
        groups[key] = [0 if figure is None and index not in _MONEY else figure for index, figure in enumerate(figures)]
        return
    for index, figure in enumerate(figures):
        if figure is not None:
            present = group[index]
            if index not in _MONEY:
                group[index] = present + figure
            else:
                group[index] = figure if present is None else EXACT.add(present, figure)


def _rows(groups: dict[Key, list[Any]]) -> list[Row]:
    return [(*key, *groups[key]) for key in sorted(groups)]
