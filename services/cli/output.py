"""What commands print: tables for people, JSON for programs."""

import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

_WIDTH_WITHOUT_TERMINAL = 1_000
_encoder = msgspec.json.Encoder(decimal_format="number")

UNKNOWN = "-"


def console(*, stderr: bool = False) -> Console:
    """Where people read. Without a terminal lines are as long as they have to be: what is piped on is not folded."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else _WIDTH_WITHOUT_TERMINAL, highlight=False)


def print_json(value: Any) -> None:
    """Dataclasses, lists and plain values; money as numbers with all their digits."""
    sys.stdout.write(msgspec.json.format(_encoder.encode(value), indent=2).decode() + "\n")


def without_credentials(url: str) -> str:
    """The address without user, password or token."""
    return re.sub(r"^(\w+://)?.*@", r"\1", url, flags=re.DOTALL)


class PlainTable(Table):
    """A table of texts as they are: what looks like markup is shown, whoever wrote it."""

    def add_row(self, *cells: Any, **how: Any) -> None:
        """See rich."""
        super().add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells), **how)


def table(*columns: str, right: Sequence[str] = ()) -> Table:
    """An empty table; the columns named in `right` hold figures.

    An id is copied into the next command: other columns are folded before one is cut, and a cut is shown.
    """
    made = PlainTable(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        whole = column == "id"
        justify: JustifyMethod = "right" if column in right else "left"
        made.add_column(column, justify=justify, overflow="ellipsis" if whole else "fold", no_wrap=whole)
    return made


def facts(said: Mapping[str, str]) -> Table:
    """One thing's facts, a line each, as they are: what looks like markup is shown."""
    made = Table(box=None, show_header=False, pad_edge=False)
    made.add_column(style="bold", no_wrap=True)
    made.add_column(overflow="fold")
    for what, value in said.items():
        made.add_row(what, Text(value))
    return made


def money(amount: Decimal | None, unpriced: int = 0) -> str:
    """USD to the millionth; what is unknown is said, never shown as nothing."""
    if amount is None:
        return "unpriced" if unpriced else UNKNOWN
    shown = f"${amount:,.6f}"
    return f"{shown} + {unpriced} unpriced" if unpriced else shown


def duration(seconds: float | None) -> str:
    """Milliseconds below ten seconds, seconds above."""
    if seconds is None:
        return UNKNOWN
    return f"{seconds * 1000:,.0f} ms" if seconds < 10 else f"{seconds:,.1f} s"


def count(number: int | None) -> str:
    """With separators of thousands."""
    return UNKNOWN if number is None else f"{number:,}"


def moment(instant: datetime) -> str:
    """Local time to the second."""
    return instant.astimezone().strftime("%Y-%m-%d %H:%M:%S")
