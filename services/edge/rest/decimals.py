"""Amounts as JSON numbers of exactly their digits, and out of what was sent. Pure."""

import re
from decimal import Decimal

import msgspec
from google.protobuf.message import Message
from google.type.decimal_pb2 import Decimal as ProtoDecimal

from services.runtime import money
from services.runtime.errors import InvalidField

# Plain notation of an amount like 1e-999999999 would fill the memory.
_MOST_DIGITS = 40
ALLOWED = f"a number of at most {_MOST_DIGITS} digits"
NULL = msgspec.Raw(b"null")
_PLAIN = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")


def raw(amount: Decimal) -> msgspec.Raw:
    """A JSON number of exactly the amount's digits."""
    return msgspec.Raw(format(amount, "f").encode())


def raw_of(amount: ProtoDecimal) -> msgspec.Raw:
    """The same of an amount as the services tell it."""
    return raw(money.from_proto(amount))


def shown(message: Message, field: str) -> msgspec.Raw:
    """The amount in a message's field as a JSON number; null where the field is absent."""
    return raw_of(getattr(message, field)) if message.HasField(field) else NULL


def read(field: str, text: str) -> Decimal:
    """The exact amount that a text says in plain notation, from 0 on. Raises InvalidField where it says none."""
    if _PLAIN.fullmatch(text) is None:
        raise InvalidField(field, text, "a number from 0 on, as 2.5")
    return Decimal(text)


def is_writable(amount: Decimal) -> bool:
    """Whether the amount is finite and plain notation of it is short."""
    if not amount.is_finite():
        return False
    exponent = int(amount.as_tuple().exponent)
    return max(amount.adjusted() + 1, 1) + max(-exponent, 0) <= _MOST_DIGITS
