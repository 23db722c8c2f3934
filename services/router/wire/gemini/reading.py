"""A request's members, read where they have to be translated."""

import re
from collections.abc import Callable
from types import UnionType
from typing import Generic, TypeVar

import msgspec

from services.router.chat import Body
from services.runtime.errors import InvalidField

Kind = TypeVar("Kind")

NULL = msgspec.Raw(b"null")
_PLACE = re.compile(r" - at `\$(?P<path>[^`]*)`$")


class Member(Generic[Kind]):
    """One member of a request, of one kind."""

    def __init__(self, name: str, kind: type[Kind] | UnionType) -> None:
        self._name = name
        self._decode: Callable[[msgspec.Raw], Kind] = msgspec.json.Decoder(kind).decode

    def of(self, body: Body) -> Kind | None:
        """The member's value in a request; None where it is absent or null.

        Raises:
            InvalidField: it is of another kind. What it is instead is told by kind only: it may be somebody's prompt.
        """
        raw = body.get(self._name, NULL)
        if raw == NULL:
            return None
        try:
            return self._decode(raw)
        except msgspec.ValidationError as error:
            what = str(error)
            place = _PLACE.search(what)
            path = place["path"] if place else ""
            raise InvalidField(self._name + path, "this value", _PLACE.sub("", what)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise InvalidField(self._name, "this value", "JSON in UTF-8, nested less deeply") from None


def given(body: Body, name: str) -> msgspec.Raw | None:
    """The member as it came; None where it is absent or null."""
    raw = body.get(name, NULL)
    return None if raw == NULL else raw
