"""The members of a JSON object, taken by name and type; errors name the member by its full path. Pure."""

import json
from collections.abc import Collection, Mapping
from typing import Any

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
        value = self._members.get(name)
        if not isinstance(value, str):
            shown = "of another type" if name in self else "missing"
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
        if isinstance(value, int | float) and not isinstance(value, bool):
            try:
                return float(value)
            except OverflowError:
                pass  # an integer of hundreds of digits: refused as what it is
        raise self._refused(name, "a number or null")

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

    def _refused(self, name: str, allowed: str) -> InvalidField:
        value = self._members[name]
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return InvalidField(self.path(name), shown, allowed)
