"""Members of a JSON object that somebody else wrote: each as what it should be, or as unknown."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TypeAlias

import msgspec

from pantheon.catalog.v1.model_pb2 import (
    MODALITY_AUDIO,
    MODALITY_EMBEDDING,
    MODALITY_FILE,
    MODALITY_IMAGE,
    MODALITY_TEXT,
    MODALITY_VIDEO,
    Modality,
)
from services.catalog.entities import PARAMETER_NAMES, Parameters
from services.catalog.listings.listed import ListBroken
from services.parameters import RANGES

Object: TypeAlias = Mapping[str, Any]

_MODALITIES: Mapping[str, Modality.ValueType] = MappingProxyType(
    {
        "text": MODALITY_TEXT,
        "image": MODALITY_IMAGE,
        "audio": MODALITY_AUDIO,
        "video": MODALITY_VIDEO,
        "file": MODALITY_FILE,
        "embeddings": MODALITY_EMBEDDING,
    }
)
_ID_LENGTH = 300
_NAME_LENGTH = 200
_MOST_TOKENS = 10**12
# Providers write 0 for "unknown"; none of these models is older.
_EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)


def entries(body: bytes, name: str, identified_by: str = "id") -> tuple[Object, list[Object]]:
    """The answer, and the entries of its member `name` that say which model they are about.

    A bare array is taken as that member (Together AI answers so).

    Raises:
        ListBroken: it is not JSON, has no such array, or most of the entries are about nothing.
    """
    try:
        whole = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ListBroken("the answer is not JSON") from None
    answer: Object = {name: whole} if isinstance(whole, list) else whole if isinstance(whole, dict) else {}
    found = answer.get(name)
    if not isinstance(found, list):
        raise ListBroken(f"the answer has no array {name!r}")
    usable: list[Object] = [entry for entry in found if isinstance(entry, dict) and identity(entry, identified_by)]
    if 2 * len(usable) < len(found):
        raise ListBroken(f"{len(found) - len(usable)} of {len(found)} entries of {name!r} name no model")
    return answer, usable


def identity(entry: Object, name: str) -> str:
    """An id; empty where it is none, or one that no row could have."""
    value = entry.get(name)
    if not isinstance(value, str) or len(value) > _ID_LENGTH:
        return ""
    return value if value.isprintable() and value == value.strip() else ""


def text(entry: Object, name: str) -> str:
    """What people call something, in one line; empty: unknown."""
    value = entry.get(name)
    return value.strip()[:_NAME_LENGTH] if isinstance(value, str) and value.isprintable() else ""


def part(entry: Object, name: str) -> Object:
    """An object in it; an empty one where there is none."""
    value = entry.get(name)
    return value if isinstance(value, dict) else {}


def texts(entry: Object, name: str) -> frozenset[str]:
    """The strings of an array; none where there is no array."""
    value = entry.get(name)
    return frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else frozenset()


def tokens(entry: Object, *names: str) -> int | None:
    """A number of tokens, by the first of the names that has one; 0 is none."""
    for name in names:
        value = entry.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST_TOKENS:
            return value
    return None


def moment(value: Any) -> datetime | None:
    """A time, as Unix seconds or as RFC 3339 or a day in UTC; None where it is none, or can't be."""
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            found = datetime.fromtimestamp(value, UTC)
        elif isinstance(value, str):
            found = datetime.fromisoformat(value)
        else:
            return None
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return found if _EARLIEST <= found <= _LATEST else None


def modalities(names: frozenset[str]) -> tuple[Modality.ValueType, ...]:
    """Kinds of content by name, in the contract's order; names it has not are passed over."""
    return tuple(sorted(_MODALITIES[name] for name in names if name in _MODALITIES))


def parameters(found: Mapping[str, Any]) -> Parameters:
    """Values of parameters; what is out of its range is not set."""
    return Parameters(**{name: found[name] for name in PARAMETER_NAMES if _is_value(name, found.get(name))})


def objects(values: Any) -> Iterator[Object]:
    """The objects of an array; none where it is no array."""
    if isinstance(values, Sequence) and not isinstance(values, str):
        yield from (value for value in values if isinstance(value, dict))


def _is_value(name: str, value: Any) -> bool:
    return value is not None and RANGES[name].holds(value)
