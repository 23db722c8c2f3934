"""What a benchmark gives, and how it is shown."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import msgspec
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement. `goal` is what is wanted ("at most 250"); empty: it is shown for comparison."""

    name: str
    value: float
    unit: str
    goal: str = ""
    note: str = ""


def quantiles(values: Iterable[float]) -> tuple[float, float]:
    """The median and the 99th percentile."""
    ordered = sorted(values)
    return ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]


def show(figures: Sequence[Figure]) -> None:
    """Prints a table; with `--json` on the command line, a list of objects."""
    if "--json" in sys.argv:
        print(msgspec.json.encode([asdict(figure) for figure in figures]).decode())
        return
    table = Table("what", "figure", "unit", "goal", "how")
    for figure in figures:
        table.add_row(figure.name, f"{figure.value:,.1f}", figure.unit, figure.goal, figure.note)
    Console().print(table)
