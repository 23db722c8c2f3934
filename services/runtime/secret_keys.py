"""Rules for secret keys that are shown to other systems: what they may be, and what may be told of them. Pure."""

import re

from services.runtime.errors import InvalidField
from services.runtime.keys import secret_hash

_LENGTH = 4_096
_PRINTABLE = re.compile(r"[!-~]+")
_LAST = 4
# Four characters of a shorter key would tell too much of it.
_TOLD_LENGTH = 20


def secret(field: str, value: str) -> str:
    """A key as a header can carry it.

    Raises:
        InvalidField: it is none; the error tells its length and nothing else of it.
    """
    if len(value) > _LENGTH or not is_printable(value):
        allowed = f"1 to {_LENGTH} printable ASCII characters, none of them a space"
        raise InvalidField(field, f"{len(value)} characters", allowed)
    return value


def is_printable(value: str) -> bool:
    """Whether a header can carry it: printable ASCII without spaces, and not empty."""
    return _PRINTABLE.fullmatch(value) is not None


def last_four(value: str) -> str:
    """What of a key is shown, to recognise it by; empty where even that would tell too much."""
    return value[-_LAST:] if len(value) >= _TOLD_LENGTH else ""


def fingerprint(pepper: bytes, value: str) -> bytes:
    """What says that two keys are the same, and nothing else: HMAC-SHA256, 32 bytes."""
    return secret_hash(pepper, value)
