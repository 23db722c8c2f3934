"""What reports can be grouped by. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

from pantheon.usage.v1.report_pb2 import (
    DIMENSION_DAY,
    DIMENSION_HOUR,
    DIMENSION_KEY,
    DIMENSION_MODEL,
    DIMENSION_ORGANISATION,
    DIMENSION_PROJECT,
    DIMENSION_PROVIDER,
    DIMENSION_QUARTER_HOUR,
    DIMENSION_SANDBOX,
    DIMENSION_TAG,
    DIMENSION_UNSPECIFIED,
    DIMENSION_USER,
    Dimension,
)
from services.runtime.errors import InvalidField, InvalidPageToken
from services.usage.entry import NIL
from services.usage.periods import aware, rfc3339, zone

COLUMNS = {
    DIMENSION_MODEL: "model",
    DIMENSION_PROVIDER: "provider",
    DIMENSION_ORGANISATION: "organisation_id",
    DIMENSION_PROJECT: "project_id",
    DIMENSION_USER: "user_id",
    DIMENSION_KEY: "key_id",
    DIMENSION_SANDBOX: "sandbox",
}
"""Dimensions that are columns of a series."""

TIMES = frozenset({DIMENSION_QUARTER_HOUR, DIMENSION_HOUR, DIMENSION_DAY})
_IDS = frozenset({DIMENSION_ORGANISATION, DIMENSION_PROJECT, DIMENSION_USER, DIMENSION_KEY})
_MOST = 4

Value = str | bool | UUID | datetime
"""A group's value of one dimension, as Postgres gives it."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """Up to four different dimensions; `tag` is what DIMENSION_TAG stands for, `zone` that of hours and days."""

    dimensions: tuple[Dimension.ValueType, ...] = ()
    tag: str = ""
    zone: ZoneInfo = field(default_factory=partial(ZoneInfo, "UTC"))

    def keys(self, values: Sequence[Value]) -> list[str]:
        """A group's values as the contract shows them."""
        return [_shown(value, self.zone) for value in values]

    def values(self, texts: Sequence[str]) -> tuple[Value, ...]:
        """A group's values, from a page token that holds `texts_of` them.

        Raises:
            InvalidPageToken: they are not values of these dimensions.
        """
        try:
            return tuple(_value(dimension, text) for dimension, text in zip(self.dimensions, texts, strict=True))
        except ValueError:
            raise InvalidPageToken from None


def texts_of(values: Sequence[Value]) -> list[str]:
    """A group's values for a page token."""
    return [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]


def grouping(group_by: Sequence[Dimension.ValueType], *, tag: str | None = None, time_zone: str = "") -> Grouping:
    """The grouping asked for; `tag` None means that a report knows no tags.

    Raises:
        InvalidField: too many, repeated or unknown dimensions, a tag without its dimension or the reverse, or an
            unknown zone.
    """
    allowed = set(Dimension.values()) - {DIMENSION_UNSPECIFIED} - ({DIMENSION_TAG} if tag is None else set())
    for dimension in group_by:
        if dimension not in allowed:
            names = ", ".join(Dimension.Name(value) for value in sorted(allowed))
            raise InvalidField("group_by", _name(dimension), names)
    if len(set(group_by)) < len(group_by) or len(group_by) > _MOST:
        raise InvalidField("group_by", ", ".join(map(_name, group_by)), f"at most {_MOST} dimensions, each once")
    if (DIMENSION_TAG in group_by) != bool(tag) or "\0" in (tag or ""):
        raise InvalidField("tag", tag or "", "the name of a tag, together with DIMENSION_TAG")
    return Grouping(tuple(group_by), tag or "", zone(time_zone))


def _name(dimension: Dimension.ValueType) -> str:
    return Dimension.Name(dimension) if dimension in Dimension.values() else str(dimension)


def _shown(value: Value, zone: ZoneInfo) -> str:
    match value:
        case datetime():
            return rfc3339(value, zone)
        case bool():
            return "true" if value else "false"
        case UUID():
            # The nil UUID stands for a login token, the contract's empty key.
            return str(value) if value != NIL else ""
    return value


def _value(dimension: Dimension.ValueType, text: str) -> Value:
    if dimension in TIMES:
        return aware(text)
    if dimension in _IDS:
        return UUID(text)
    if "\0" in text:
        raise ValueError("no value that could have been stored")
    return text == "True" if dimension == DIMENSION_SANDBOX else text
