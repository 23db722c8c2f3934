"""Amounts as JSON numbers of exactly their digits, and out of what was sent. Pure."""

from decimal import Decimal

import msgspec
from google.type.decimal_pb2 import Decimal as ProtoDecimal

from services.runtime import money

# Plain notation of an amount like 1e-999999999 would fill the memory.
_MOST_DIGITS = 40
ALLOWED = f"a number of at most {_MOST_DIGITS} digits"
NULL = msgspec.Raw(b"null")


def raw(amount: Decimal) -> msgspec.Raw:
    """A JSON number of exactly the amount's digits."""
    return msgspec.Raw(format(amount, "f").encode())


def raw_of(amount: ProtoDecimal) -> msgspec.Raw:
    """The same of an amount as the services tell it."""
    return raw(money.from_proto(amount))


def is_writable(amount: Decimal) -> bool:
    """Whether the amount is finite and plain notation of it is short."""
    if not amount.is_finite():
        return False
    exponent = int(amount.as_tuple().exponent)
    return max(amount.adjusted() + 1, 1) + max(-exponent, 0) <= _MOST_DIGITS
