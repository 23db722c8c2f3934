"""The time a usage report covers, as the query says it. Pure. Days and months are those of UTC."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from services.edge.rest import instants
from services.edge.rest.queries import Query
from services.runtime.errors import InvalidField

DEFAULT = "last_30_days"
CUSTOM = "custom"
_PARAMETERS = ("period", "start_time", "end_time")


@dataclass(frozen=True, slots=True)
class Period:
    """From `start`, inclusive, to `end`, exclusive. No end: now; no start: 30 days before the end."""

    name: str
    start: datetime | None
    end: datetime | None


Span = tuple[datetime, datetime | None]


def _last(days: int) -> Callable[[datetime], Span]:
    return lambda now: (now - timedelta(days=days), None)


def _today(now: datetime) -> Span:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    # To its end, not to now: the clock of the usage service may be a little behind.
    return midnight, midnight + timedelta(days=1)


def _this_month(now: datetime) -> Span:
    first = _today(now)[0].replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1)


def _last_month(now: datetime) -> Span:
    first = _this_month(now)[0]
    return (first - timedelta(days=1)).replace(day=1), first


PERIODS: Mapping[str, Callable[[datetime], Span]] = MappingProxyType(
    {
        "last_24_hours": _last(1),
        "last_7_days": _last(7),
        DEFAULT: _last(30),
        "last_90_days": _last(90),
        "today": _today,
        "this_month": _this_month,
        "last_month": _last_month,
    }
)


def asked_period(parameters: Iterable[tuple[str, str]], now: datetime) -> Period:
    """The period that the parameters of a query string ask for; `last_30_days` where there are none.

    Raises:
        InvalidField: a parameter is unknown, repeated, malformed or contradicts another.
    """
    query = Query(parameters, _PARAMETERS)
    start, end = _time(query, "start_time"), _time(query, "end_time")
    if start is None and end is None:
        name = query.text("period", DEFAULT)
        if name not in PERIODS:
            raise InvalidField("period", name, f"one of {', '.join(PERIODS)}")
        return Period(name, *PERIODS[name](now))
    if "period" in query:
        raise InvalidField("period", query.text("period"), "a period, or start_time and end_time, not both")
    if start is not None and start >= (end or now):
        raise InvalidField("start_time", query.text("start_time"), "a time before end_time, or before now without one")
    return Period(CUSTOM, start, end)


def _time(query: Query, name: str) -> datetime | None:
    if name not in query:
        return None
    allowed = "an RFC 3339 time, as 2026-11-01T00:00:00Z (in a URL, + is written %2B)"
    return instants.read(name, query.text(name), allowed)
