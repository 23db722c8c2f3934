"""Amounts as people write them on a command line, and out of JSON."""

import re
from decimal import Decimal

from msgspec import Raw

from services.cli.running import WRONG_INPUT, CommandFailed

_AMOUNT = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")


def parse_decimal(text: str, option: str) -> Decimal:
    """The exact amount, from 0 on. Raises CommandFailed, naming the option."""
    if _AMOUNT.fullmatch(text) is None:
        raise CommandFailed(f"{option}: {text!r} is not allowed; a number from 0 on, as 2.5", WRONG_INPUT)
    return Decimal(text)


def amount_of(raw: Raw) -> Decimal | None:
    """The exact amount of a JSON number; None of null."""
    text = bytes(raw).decode()
    return None if text == "null" else Decimal(text)
