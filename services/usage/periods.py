"""Quarter-hours, and the hours and days of time zones made of them. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from google.protobuf.timestamp_pb2 import Timestamp

from services.runtime import times
from services.runtime.errors import InvalidField

QUARTER = timedelta(minutes=15)
QUARTER_MILLISECONDS = QUARTER // timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DEFAULT = timedelta(days=30)
# What Timestamp allows ends with the year 9999; rounding up must not leave it.
_LATEST = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Period:
    """From `start`, inclusive, to `end`, exclusive."""

    start: datetime
    end: datetime

    def rounded(self) -> "Period":
        """The quarter-hours that touch it."""
        return Period(quarter_floor(self.start), quarter_floor(self.end + QUARTER - timedelta(microseconds=1)))


def quarter_floor(instant: datetime) -> datetime:
    """The start of the quarter-hour."""
    return instant - (instant - _EPOCH) % QUARTER


def bucket_of(milliseconds: int) -> datetime:
    """The start of the quarter-hour of a Unix time in milliseconds."""
    return _EPOCH + timedelta(milliseconds=milliseconds - milliseconds % QUARTER_MILLISECONDS)


def period(start: Timestamp | None, end: Timestamp | None, now: datetime) -> Period:
    """The time asked for: up to now where the end is open, 30 days where the start is.

    Raises:
        InvalidField: the start is not before the end, or one is not a time.
    """
    until = now if end is None else instant(end, "filter.end_time")
    since = until - _DEFAULT if start is None else instant(start, "filter.start_time")
    if since >= until:
        raise InvalidField("filter.start_time", since.isoformat(), f"before the end, {until.isoformat()}")
    return Period(since, until)


def instant(timestamp: Timestamp, field: str) -> datetime:
    """The time in a request.

    Raises:
        InvalidField: it is before 1970 or after 9999.
    """
    try:
        value = times.from_timestamp(timestamp)
    except OverflowError:
        value = None
    if value is None or not _EPOCH <= value <= _LATEST or not 0 <= timestamp.nanos < 10**9:
        raise InvalidField(field, f"{timestamp.seconds} s, {timestamp.nanos} ns", "a time from 1970 to 9999")
    return value


def aware(text: str) -> datetime:
    """An instant from a page token.

    Raises:
        ValueError: it is not the ISO 8601 text of a time from 1970 to 9999 with its offset.
    """
    value = datetime.fromisoformat(text)
    if value.tzinfo is None or not _EPOCH <= value <= _LATEST:
        raise ValueError(f"{text} is not a time a page begins with")
    return value


def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name; UTC for an empty one.

    Raises:
        InvalidField: there is no such zone.
    """
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):
        raise InvalidField("time_zone", name, "an IANA name, as Asia/Kathmandu") from None


def rfc3339(instant: datetime, zone: ZoneInfo) -> str:
    """The instant as seen in the zone: "2026-11-22T09:45:00+05:45", "...Z" at the offset of UTC."""
    text = instant.astimezone(zone).isoformat(timespec="seconds")
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text
