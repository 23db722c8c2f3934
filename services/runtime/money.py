"""Money on the wire: `google.type.Decimal` to and from `decimal.Decimal`, exact in both directions. USD throughout."""

import re
from decimal import Decimal, InvalidOperation

from google.type.decimal_pb2 import Decimal as ProtoDecimal

from services.runtime.errors import InvalidField

# `google.type.Decimal`, and no more: Python reads "1_0", full-width digits, "NaN" and spaces around a number, too.
# One way only to read a digit: what is no number is refused in a time that grows with its length, not with its square.
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def to_proto(amount: Decimal) -> ProtoDecimal:
    """The amount in plain notation, no exponent, no trailing zeros lost."""
    return ProtoDecimal(value=format(amount, "f"))


def from_proto(amount: ProtoDecimal, field: str = "decimal") -> Decimal:
    """The amount as a finite `Decimal`.

    Raises:
        InvalidField: the text is not a decimal number.
    """
    try:
        return parse(amount.value)
    except ValueError:
        raise InvalidField(field, amount.value, "a decimal number, as 2.5 or 25e-1") from None


def parse(text: str) -> Decimal:
    """The finite number that somebody else wrote, as `google.type.Decimal` has it.

    Raises:
        ValueError: it is something else, or its exponent has dozens of digits.
    """
    if _DECIMAL.fullmatch(text) is None:
        raise ValueError(text)
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(text) from None
