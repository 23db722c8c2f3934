import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from rich.console import Console

from services.cli.output import console, count, duration, money, print_json, table, without_credentials
from tests.unit.cli.printed import lines


@pytest.mark.parametrize(
    ("amount", "unpriced", "shown"),
    (
        (Decimal("0.00284"), 0, "$0.002840"),
        (Decimal(0), 0, "$0.000000"),
        (Decimal("1234.5"), 0, "$1,234.500000"),
        (None, 0, "-"),
        (None, 3, "unpriced"),
        (Decimal("0.5"), 3, "$0.500000 + 3 unpriced"),
    ),
)
def test_what_is_unpriced_is_never_shown_as_free(amount: Decimal | None, unpriced: int, shown: str) -> None:
    assert money(amount, unpriced) == shown


@pytest.mark.parametrize(("seconds", "shown"), ((None, "-"), (0.0104, "10 ms"), (1.258, "1,258 ms"), (12.34, "12.3 s")))
def test_durations_are_short(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


def test_an_unknown_count_is_no_zero() -> None:
    assert (count(None), count(0), count(1_234_567)) == ("-", "0", "1,234,567")


@dataclass(frozen=True)
class Sample:
    cost: Decimal | None
    at: datetime


def test_json_keeps_every_digit_of_money(capsys: pytest.CaptureFixture[str]) -> None:
    day = datetime(2026, 11, 22, tzinfo=UTC)
    print_json([Sample(Decimal("0.0000000000765"), day), Sample(None, day)])
    printed = json.loads(capsys.readouterr().out, parse_float=Decimal)
    assert printed[0] == {"cost": Decimal("0.0000000000765"), "at": "2026-11-22T00:00:00Z"}
    assert printed[1]["cost"] is None


def test_what_is_piped_on_is_not_folded(capsys: pytest.CaptureFixture[str]) -> None:
    made = table("id", "text")
    made.add_row("01a203a5-d0dd-7668-96c4-c4ecd9f24f44", "x" * 300)
    console().print(made)
    assert f"01a203a5-d0dd-7668-96c4-c4ecd9f24f44   {'x' * 300}" in capsys.readouterr().out


def test_what_looks_like_markup_is_a_text_like_any_other() -> None:
    made = table("model", "text")
    made.add_row("acme/[red]", "[/x] [bold]y")
    assert lines(made)[-1] == "acme/[red] [/x] [bold]y"


def test_an_id_can_be_copied_from_a_narrow_terminal() -> None:
    made = table("id", "label", "of")
    made.add_row("01a203a5-d0dd-7668-96c4-c4ecd9f24f44", "a label of many words", "somebody with a long name")
    screen = Console(width=60)
    with screen.capture() as capture:
        screen.print(made)
    assert "01a203a5-d0dd-7668-96c4-c4ecd9f24f44" in capture.get()


@pytest.mark.parametrize("credentials", ("", "token@", "user:password@", "user:p@ss@", "user:p/a,s@"))
@pytest.mark.parametrize("scheme", ("", "nats://"))
def test_an_address_is_shown_without_credentials(scheme: str, credentials: str) -> None:
    assert without_credentials(f"{scheme}{credentials}127.0.0.1:4222") == f"{scheme}127.0.0.1:4222"
