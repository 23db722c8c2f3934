"""The members of a JSON object, taken by name and type; errors name the member by its full path. Pure."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from google.type.decimal_pb2 import Decimal as ProtoDecimal

from services.edge.rest import decimals, instants
from services.runtime import money
from services.runtime.errors import InvalidField

_INT64 = range(-(2**63), 2**63)
_NAME_SHOWN = 100


class Members:
    """A decoded JSON object. `path` is where it stands in the body; empty: it is the body."""

    def __init__(self, members: Mapping[str, Any], path: str = "") -> None:
        self._members = members
        self._path = path

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def is_null(self, name: str) -> bool:
        """Whether the member is there and null."""
        return name in self._members and self._members[name] is None

    def only(self, known: Collection[str]) -> None:
        """Lets no other members pass.

        Raises:
            InvalidField: there is one. Its value is not repeated: it may be a secret under a mistyped name.
        """
        for name in self._members:
            if name not in known:
                raise InvalidField(self.path(name[:_NAME_SHOWN]), "unknown field", f"expected {', '.join(known)}")

    def path(self, name: str) -> str:
        """A member's path in the body: "model_parameters.temperature"."""
        return f"{self._path}.{name}" if self._path else name

    def secret(self, name: str) -> str:
        """A string that has to be there, and that no error repeats.

        Raises:
            InvalidField: it is missing or not a string.
        """
        value = self.optional_secret(name)
        if value is None:
            raise InvalidField(self.path(name), "null" if name in self else "missing", "a string, which is required")
        return value

    def optional_secret(self, name: str) -> str | None:
        """A string that no error repeats; None where it is null or missing.

        Raises:
            InvalidField: it is something else.
        """
        value = self._members.get(name)
        if value is None or isinstance(value, str):
            return value
        raise InvalidField(self.path(name), "of another type", "a string or null")

    def required(self, name: str) -> str:
        """A string that has to be there and be more than nothing.

        Raises:
            InvalidField: it is missing, empty or not a string.
        """
        value = self.text(name)
        if not value:
            shown = "missing" if value is None else value
            raise InvalidField(self.path(name), shown, "a string, which is required")
        return value

    def text(self, name: str) -> str | None:
        """A string; None where it is null or missing.

        Raises:
            InvalidField: it is something else.
        """
        value = self._members.get(name)
        if value is None or isinstance(value, str):
            return value
        raise self._refused(name, "a string or null")

    def number(self, name: str) -> float | None:
        """A number; None where it is null or missing.

        Raises:
            InvalidField: it is something else, or too large for a double.
        """
        value = self._members.get(name)
        if value is None:
            return None
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            try:
                return float(value)
            except OverflowError:
                pass  # an integer of hundreds of digits: refused as what it is
        raise self._refused(name, "a number or null")

    def decimal(self, name: str) -> Decimal | None:
        """An amount of exactly the digits written; None where it is null or missing.

        Raises:
            InvalidField: it is something else, or longer than any amount.
        """
        value = self._members.get(name)
        if value is None:
            return None
        if isinstance(value, int | Decimal) and not isinstance(value, bool) and decimals.is_writable(Decimal(value)):
            return Decimal(value)
        raise self._refused(name, f"{decimals.ALLOWED}, or null")

    def money(self, name: str) -> ProtoDecimal | None:
        """The same for a message."""
        amount = self.decimal(name)
        return None if amount is None else money.to_proto(amount)

    def flag(self, name: str) -> bool:
        """True or false; false where it is null or missing.

        Raises:
            InvalidField: it is something else.
        """
        value = self._members.get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise self._refused(name, "true, false or null")

    def time(self, name: str) -> datetime | None:
        """An RFC 3339 time; None where it is null or missing.

        Raises:
            InvalidField: it is something else.
        """
        text = self.text(name)
        return None if text is None else instants.read(self.path(name), text)

    def whole_number(self, name: str) -> int | None:
        """A whole number of 64 bits; None where it is null or missing.

        Raises:
            InvalidField: it is something else.
        """
        value = self._members.get(name)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and value in _INT64:
            return value
        raise self._refused(name, "a whole number or null")

    def required_whole_number(self, name: str) -> int:
        """A whole number of 64 bits that has to be there.

        Raises:
            InvalidField: it is missing, null or something else.
        """
        value = self.whole_number(name)
        if value is None:
            shown = "null" if name in self else "missing"
            raise InvalidField(self.path(name), shown, "a whole number, which is required")
        return value

    def object(self, name: str) -> "Members":
        """An object; an empty one where it is null or missing.

        Raises:
            InvalidField: it is something else.
        """
        value = self._members.get(name)
        if value is None:
            value = {}
        if not isinstance(value, dict):
            raise self._refused(name, "an object or null")
        return Members(value, self.path(name))

    def texts(self, name: str) -> list[str]:
        """An array of strings; an empty one where it is null or missing.

        Raises:
            InvalidField: it is something else.
        """
        return [Members({path: value}).required(path) for path, value in self._elements(name)]

    def objects(self, name: str) -> "list[Members]":
        """An array of objects, whose paths are "name[0]" and so on; an empty one where it is null or missing.

        Raises:
            InvalidField: it is something else.
        """
        return [Members({path: value}).object(path) for path, value in self._elements(name)]

    def plain(self, name: str) -> Any:
        """Whatever it is, to be compared."""
        return self._members.get(name)

    def _elements(self, name: str) -> list[tuple[str, Any]]:
        value = self._members.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._refused(name, "an array or null")
        return [(f"{self.path(name)}[{index}]", element) for index, element in enumerate(value)]

    def _refused(self, name: str, allowed: str) -> InvalidField:
        """What an object or an array holds is not repeated: it may be a secret in the wrong place."""
        value = self._members[name]
        if isinstance(value, dict | list):
            shown = "an object" if isinstance(value, dict) else "an array"
        else:
            shown = str(value) if isinstance(value, str | Decimal) else json.dumps(value)
        return InvalidField(self.path(name), shown, allowed)
