"""What is allowed in the fields of a request. All functions are pure and raise InvalidField."""

import unicodedata
from uuid import UUID

from services.runtime.errors import InvalidField

_NAME_LENGTH = 100
_REQUEST_ID_LENGTH = 64


def name(field: str, value: str) -> str:
    """A name of 1 to 100 printable characters, without spaces at its ends."""
    return _text(field, value, least=1)


def display_name(field: str, value: str) -> str:
    """As a name, but it may be empty."""
    return _text(field, value, least=0)


def request_id(value: str) -> str:
    """At most 64 printable characters; empty: the caller does not mind repeats."""
    if len(value) > _REQUEST_ID_LENGTH or not value.isprintable():
        raise InvalidField("request_id", value, f"at most {_REQUEST_ID_LENGTH} printable characters")
    return value


def identifier(field: str, value: str) -> UUID:
    """An id as Pantheon gives them out."""
    try:
        return UUID(value)
    except ValueError:
        raise InvalidField(field, value, "a UUID") from None


def _text(field: str, value: str, *, least: int) -> str:
    text = unicodedata.normalize("NFC", value).strip()
    if not least <= len(text) <= _NAME_LENGTH or not text.isprintable():
        raise InvalidField(field, value, f"{least} to {_NAME_LENGTH} printable characters")
    return text
