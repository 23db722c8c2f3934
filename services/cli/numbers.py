"""Amounts out of JSON."""

from decimal import Decimal

from msgspec import Raw


def digits(raw: Raw) -> str:
    """A JSON number as it is written; empty of null."""
    return bytes(raw).decode().replace("null", "")


def amount_of(raw: Raw) -> Decimal | None:
    """The exact amount of a JSON number; None of null."""
    text = digits(raw)
    return Decimal(text) if text else None
