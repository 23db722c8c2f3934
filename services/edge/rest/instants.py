"""Times as RFC 3339 text, UTC. Pure."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from google.protobuf.message import Message

from services.runtime import times
from services.runtime.errors import InvalidField

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)


def read(field: str, text: str, allowed: str = "an RFC 3339 time, as 2026-11-01T00:00:00Z") -> datetime:
    """The instant that a text names.

    Raises:
        InvalidField: it names none, or one before 1970 or after 9999.
    """
    try:
        instant: datetime = msgspec.convert(text, Annotated[datetime, msgspec.Meta(tz=True)])
    except msgspec.ValidationError:
        raise InvalidField(field, text, allowed) from None
    if not _EARLIEST <= instant <= _LATEST:
        raise InvalidField(field, text, "a time from 1970 to 9999, UTC")
    return instant


def shown(message: Message, field: str) -> datetime | None:
    """The instant in a message's field; None where the field is absent."""
    return times.from_timestamp(getattr(message, field)) if message.HasField(field) else None
