"""Checks of single fields of completion events: what the ledger's columns and sums can hold. Pure."""

from decimal import Decimal
from functools import lru_cache
from typing import TypeVar
from uuid import UUID

import msgspec
from google.protobuf.duration_pb2 import Duration
from google.type.decimal_pb2 import Decimal as ProtoDecimal

from services.runtime import money
from services.runtime.errors import InvalidField

# Far above anything real, and far below where the sum of billions of rows would overflow a bigint.
_MOST_TOKENS = 10**12
_MOST_MICROSECONDS = 10**14
_MOST_USD = Decimal(10**12)
_MOST_DECIMALS = 60
_MOST_DIGITS = 100
# Model and provider share a B-tree entry with four ids; Postgres allows 2,704 bytes in all.
_MOST_NAME_BYTES = 1_024
_MOST_TAGS = 16
_MOST_TAG_CHARACTERS = 64
_MOST_TAG_VALUE_CHARACTERS = 256
_MOST_SMALLINT = 2**15 - 1

Number = TypeVar("Number", bound=int)


class PoisonError(Exception):
    """An event that can't be booked, and why. It goes to the dead letters."""


def uuid7(text: str, field: str) -> UUID:
    """An id whose time is read."""
    value = _parse(text, field)
    if (value.int >> 76) & 0xF != 7 or (value.int >> 62) & 0x3 != 2:
        raise PoisonError(f"{field} {text!r} is not a UUIDv7")
    return value


@lru_cache(maxsize=65_536)
def uuid(text: str, field: str) -> UUID:
    """An id that comes again and again: a user, a key."""
    return _parse(text, field)


def name(text: str, field: str) -> str:
    """A model or provider: what is grouped by."""
    if not text or len(text.encode()) > _MOST_NAME_BYTES:
        raise PoisonError(f"{field} is empty or longer than {_MOST_NAME_BYTES} bytes")
    return free_text(text)


def free_text(text: str) -> str:
    """Text as Postgres can store it: every character but U+0000. What a provider says is not worth losing its cost."""
    return text.replace("\0", "\ufffd") if "\0" in text else text


def small(value: Number, field: str) -> Number:
    """A number of an enum, kept as smallint."""
    if not 0 <= value <= _MOST_SMALLINT:
        raise PoisonError(f"{field} {value} is out of range")
    return value


def tags(given: dict[str, str]) -> dict[str, str]:
    """What the caller tagged the request with."""
    if len(given) > _MOST_TAGS:
        raise PoisonError(f"{len(given)} tags; at most {_MOST_TAGS} are allowed")
    for tag, value in given.items():
        if not 0 < len(tag) <= _MOST_TAG_CHARACTERS or len(value) > _MOST_TAG_VALUE_CHARACTERS:
            raise PoisonError(f"tag {tag[:_MOST_TAG_CHARACTERS]!r} or its value is empty or too long")
    return {free_text(tag): free_text(value) for tag, value in given.items()}


def tokens(value: int, field: str) -> int:
    """A number of tokens, or of what is counted beside them."""
    if not 0 <= value <= _MOST_TOKENS:
        raise PoisonError(f"{field} {value} is out of range")
    return value


def usd(amount: ProtoDecimal, field: str) -> Decimal:
    """An amount of money, not negative, exact."""
    try:
        value = money.from_proto(amount, field)
    except InvalidField as error:
        raise PoisonError(error.message) from None
    if not 0 <= value <= _MOST_USD or value.adjusted() < -_MOST_DECIMALS or len(amount.value) > _MOST_DIGITS:
        raise PoisonError(f"{field} {amount.value[:80]} is out of range")
    return value


def microseconds(value: Duration, field: str) -> int:
    """A duration, rounded down to the microsecond."""
    whole = value.seconds * 1_000_000 + value.nanos // 1_000
    if not 0 <= whole <= _MOST_MICROSECONDS:
        raise PoisonError(f"{field} is out of range")
    return whole


def _parse(text: str, field: str) -> UUID:
    try:
        # Three times as fast as the constructor, and stricter: digits and hyphens in their places.
        return msgspec.convert(text, UUID)
    except msgspec.ValidationError:
        raise PoisonError(f"{field} {text[:64]!r} is not a UUID") from None
