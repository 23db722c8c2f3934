"""What the run came to: a table per provider and mode, one for what passes through, and every exception by name."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from tests.corpus.sending import MODES, Result

LEAST_PERCENT = 99.5
_EXCEPTIONS = Path(__file__).with_name("exceptions.toml")
_SHOWN_DIFFERENCES = 3
_Key = tuple[str, str, str]


class ExceptionClass(msgspec.Struct, frozen=True):
    """Why some recordings end otherwise than the recordings' own reading says; they are named by their ids."""

    name: str
    reason: str
    ids: list[str]


@dataclass(frozen=True, slots=True)
class Share:
    """How many of a provider's exchanges, over one surface and in one mode, were equal."""

    label: str
    surface: str
    mode: str
    exchanges: int
    equal: int

    @property
    def percent(self) -> float:
        """Of them all."""
        return 100 * self.equal / self.exchanges


def exception_classes() -> list[ExceptionClass]:
    """The known ones."""
    found = tomllib.loads(_EXCEPTIONS.read_text())
    return msgspec.convert(found.get("class", []), list[ExceptionClass])


def meaning(results: Iterable[Result]) -> list[Share]:
    """Text, finish reason, tool calls, tokens, cost and error."""
    return _shares((result, not result.differences) for result in results)


def exactness(results: Iterable[Result]) -> list[Share]:
    """Answers that are equal in full, of those that pass through and were recorded byte for byte."""
    return _shares((result, not result.exact) for result in results if result.exact is not None)


def requests(results: Iterable[Result]) -> list[Share]:
    """Requests that reached the provider as they were sent, of those that pass through."""
    return _shares((result, not result.request) for result in results if result.request is not None)


def _shares(judged: Iterable[tuple[Result, bool]]) -> list[Share]:
    exchanges: Counter[_Key] = Counter()
    equal: Counter[_Key] = Counter()
    for result, good in judged:
        key = (result.label, result.surface, result.mode)
        exchanges[key] += 1
        equal[key] += good
    return [Share(*key, exchanges[key], equal[key]) for key in sorted(exchanges)]


def show(console: Console, title: str, shares: Sequence[Share]) -> None:
    """A table with a line for each provider and surface and a column for each mode."""
    modes = [mode for mode in MODES if any(share.mode == mode for share in shares)]
    table = Table("provider", "surface", "exchanges", *modes, title=title, title_justify="left")
    lines: dict[tuple[str, str], dict[str, Share]] = {}
    for share in shares:
        lines.setdefault((share.label, share.surface), {})[share.mode] = share
    for (label, surface), found in lines.items():
        count = max(share.exchanges for share in found.values())
        cells = [_cell(found[mode]) if mode in found else "" for mode in modes]
        table.add_row(label, surface, str(count), *cells)
    console.print(table)


def _cell(share: Share) -> str:
    shown = f"{share.percent:.2f} %"
    return shown if share.equal == share.exchanges else f"{shown} ({share.exchanges - share.equal})"


def show_exceptions(console: Console, results: Iterable[Result]) -> None:
    """Every recording that differs, under the reason that is known for it."""
    by_id = {id_: known for known in exception_classes() for id_ in known.ids}
    found: dict[str, dict[tuple[str, str], list[Result]]] = {}
    for result in results:
        if result.differences or result.exact or result.request:
            known = by_id.get(result.id)
            name = f"{known.name}: {known.reason}" if known else "not explained"
            found.setdefault(name, {}).setdefault((result.id, result.surface), []).append(result)
    for name, exchanges in sorted(found.items()):
        console.print(f"\n{name} ({len(exchanges)})", style="bold", markup=False)
        for (id_, surface), differing in exchanges.items():
            first = differing[0]
            differences = [*first.differences, *(first.exact or ()), *(first.request or ())]
            modes = ", ".join(result.mode for result in differing)
            console.print(f"  {id_} {first.label} {surface} [{modes}]", markup=False, highlight=False)
            for difference in differences[:_SHOWN_DIFFERENCES]:
                console.print(f"      {difference}", markup=False, highlight=False)
