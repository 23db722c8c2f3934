"""Times as people write them on a command line."""

import re
from datetime import UTC, datetime, timedelta

from services.cli.running import WRONG_INPUT, CommandFailed

# Not more digits: 99,999 weeks from now are within the years that datetime knows, either way.
_SPAN = re.compile(r"(?P<number>\d{1,5})(?P<unit>[smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_span(text: str, option: str) -> timedelta | None:
    """The span meant by "45m", "24h" or "7d"; None for an empty text. Raises CommandFailed, naming the option."""
    if not text:
        return None
    span = _SPAN.fullmatch(text)
    if span is None:
        raise CommandFailed(f"{option}: {text!r} is not allowed; a span as 45m, 24h, 7d or 4w", WRONG_INPUT)
    return timedelta(**{_UNITS[span["unit"]]: int(span["number"])})


def parse_time(text: str, option: str, now: datetime) -> datetime | None:
    """The instant meant by "24h" (that long ago) or an ISO 8601 date or time (UTC where no zone is named).

    None for an empty text. Raises CommandFailed, naming the option, for anything else.
    """
    if not text:
        return None
    if _SPAN.fullmatch(text):
        return now - (parse_span(text, option) or timedelta())
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        allowed = "a span as 45m, 24h or 7d, or a date or time as 2026-11-01 or 2026-11-01T08:00Z"
        raise CommandFailed(f"{option}: {text!r} is not allowed; {allowed}", WRONG_INPUT) from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
