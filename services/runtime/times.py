"""The well-known time types to and from Python's. Everything is UTC; durations are seconds as `float`."""

from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> datetime:
    """The present instant, UTC."""
    return datetime.now(UTC)


def to_timestamp(instant: datetime) -> Timestamp:
    """The instant to the microsecond. A naive datetime is a programming error and raises TypeError."""
    delta = instant - _EPOCH
    return Timestamp(seconds=delta.days * 86_400 + delta.seconds, nanos=delta.microseconds * 1_000)


def from_timestamp(timestamp: Timestamp) -> datetime:
    """The instant, UTC, to the microsecond."""
    return _EPOCH + timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1_000)


def duration(seconds: float) -> Duration:
    """Seconds as a Duration, to the nanosecond."""
    nanos = round(seconds * 1e9)
    whole = int(nanos / 1_000_000_000)
    return Duration(seconds=whole, nanos=nanos - whole * 1_000_000_000)


def seconds(value: Duration) -> float:
    """A Duration in seconds."""
    return value.seconds + value.nanos / 1e9
