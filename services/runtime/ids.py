"""UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then version, variant and 74 random bits."""

import random
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

NIL = str(UUID(int=0))
"""Nobody's id (RFC 9562, section 5.9), and before all others."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VERSION_AND_VARIANT = (0x7 << 76) | (0x2 << 62)
_RANDOM_MASK = ((1 << 12) - 1) << 64 | (1 << 62) - 1

# Seeded by the system when the process starts. Ids are to be unique, not secret, and the system's own source costs a
# call into the kernel for each.
_random_bits = random.Random().getrandbits  # noqa: S311


def uuid7() -> UUID:
    """A new id of the present millisecond."""
    return _build(time.time_ns() // 1_000_000)


def uuid7_like(other: UUID) -> UUID:
    """A new id of the same millisecond as `other`, so that both meet the same ledger partition."""
    return _build(other.int >> 80)


def uuid7_time(value: UUID) -> datetime:
    """The instant in a UUIDv7, UTC, to the millisecond."""
    return _EPOCH + timedelta(milliseconds=value.int >> 80)


def uuid7_floor(instant: datetime) -> UUID:
    """The smallest UUIDv7 of the instant's millisecond: every id made at or after it compares greater or equal."""
    return UUID(int=(int((instant - _EPOCH) / timedelta(milliseconds=1)) << 80) | _VERSION_AND_VARIANT)


def is_id(text: str) -> bool:
    """Whether it is an id, as ids are given out. Python reads more spellings than Postgres does."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _build(milliseconds: int) -> UUID:
    return UUID(int=(milliseconds << 80) | _VERSION_AND_VARIANT | (_random_bits(76) & _RANDOM_MASK))
