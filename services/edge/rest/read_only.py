"""Members that are shown and can't be set: a PUT of what a GET gave has them, so they may say what is so. Pure."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from services.edge.rest.members import Members
from services.runtime.errors import InvalidField


def check_unchanged(body: Members, names: Iterable[str], shown: msgspec.Struct) -> None:
    """Lets these members of a body pass where they are null or as `shown` has them.

    Raises:
        InvalidField: one says something else.
    """
    kept = msgspec.json.decode(msgspec.json.encode(shown))
    for name in names:
        if name in body and not body.is_null(name) and not _is_same(body.plain(name), kept[name]):
            raise InvalidField(body.path(name), "another value", "only what a GET gives: it can't be set here")


def _is_same(given: Any, kept: Any) -> bool:
    """With numbers as most clients read and write them: a GET's digits beyond a double's are not asked back."""
    if isinstance(given, Decimal):
        return bool(float(given) == kept)
    if isinstance(given, dict) and isinstance(kept, dict):
        return given.keys() == kept.keys() and all(_is_same(given[name], member) for name, member in kept.items())
    if isinstance(given, list) and isinstance(kept, list):
        return len(given) == len(kept) and all(map(_is_same, given, kept))
    return bool(given == kept)
