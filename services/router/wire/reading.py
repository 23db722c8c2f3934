"""A request's members, read where they have to be translated."""

import re
from types import UnionType
from typing import Generic, TypeVar

import msgspec

from services.router.chat import NULL, UNREADABLE_JSON, Body
from services.runtime.errors import InvalidField

Kind = TypeVar("Kind")

_WHERE = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?$", re.DOTALL)
_MISMATCH = re.compile(r"^Expected `(?P<wanted>[^`]+)`, got `(?P<got>[^`]+)`$")
_MISSING = re.compile(r"^Object missing required field `(?P<name>[^`]+)`$")


class Member(Generic[Kind]):
    """One member of a request, or of an object in it, of one kind."""

    def __init__(self, name: str, kind: type[Kind] | UnionType) -> None:
        self._name = name
        self._decoder: msgspec.json.Decoder[Kind] = msgspec.json.Decoder(kind)

    def of(self, body: Body) -> Kind | None:
        """The value in a request, or in an object of it; None where it is absent or null. Raises as `read` does."""
        raw = given(body, self._name)
        return None if raw is None else self.read(raw)

    def read(self, raw: msgspec.Raw) -> Kind:
        """The value. Raises as `member` does."""
        return member(self._decoder, raw, self._name)


def member(decoder: msgspec.json.Decoder[Kind], raw: msgspec.Raw, field: str) -> Kind:
    """The value of a member that the request calls `field`; one that is absent is read as null.

    Raises:
        InvalidField: it is of another kind. The error names the kinds only: a value may be somebody's prompt.
    """
    try:
        return decoder.decode(raw or NULL)
    except msgspec.ValidationError as error:
        raise _refused(field, str(error)) from None
    except UNREADABLE_JSON:
        raise InvalidField(field, "unreadable JSON", "JSON in UTF-8, nested less deeply") from None


def _refused(field: str, message: str) -> InvalidField:
    where = _WHERE.match(message)
    what, path = (where["what"], where["path"] or "") if where else (message, "")
    if mismatch := _MISMATCH.match(what):
        return InvalidField(field + path, mismatch["got"], f"expected: {mismatch['wanted']}")
    if missing := _MISSING.match(what):
        return InvalidField(f"{field}{path}.{missing['name']}", "nothing", "it is required")
    return InvalidField(field + path, "this", what)


def given(body: Body, name: str) -> msgspec.Raw | None:
    """The member as it came; None where it is absent or null."""
    raw = body.get(name, NULL)
    return None if raw == NULL else raw
