"""Requests for reports, checked and made whole. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pantheon.usage.v1.report_pb2 import ReportFilter
from pantheon.usage.v1.usage_service_pb2 import VerifyLedgerRequest
from services.runtime.auth import Principal
from services.runtime.errors import InvalidField, InvalidPageToken
from services.usage.periods import QUARTER, Period, aware, instant, period, quarter_floor
from services.usage.visibility import Where, visible

_MOST_PERCENTILES = 10
_DEFAULT_PERCENTILES = (50.0, 95.0, 99.0)


@dataclass(frozen=True, slots=True)
class Question:
    """What a report is about."""

    where: Where
    period: Period


def question(asked: ReportFilter, principal: Principal, now: datetime) -> Question:
    """The filter as a question.

    Raises:
        AccessDenied, InvalidField: see `visible` and `period`.
    """
    start = asked.start_time if asked.HasField("start_time") else None
    end = asked.end_time if asked.HasField("end_time") else None
    return Question(visible(asked, principal), period(start, end, now))


def percentiles(asked: Sequence[float]) -> Sequence[float]:
    """The percentiles to give.

    Raises:
        InvalidField: too many, or one is not from 0 to 100.
    """
    if len(asked) > _MOST_PERCENTILES:
        raise InvalidField("percentiles", f"{len(asked)} of them", f"at most {_MOST_PERCENTILES}")
    for percent in asked:
        if not 0 <= percent <= 100:
            raise InvalidField("percentiles", percent, "0 to 100")
    return asked or _DEFAULT_PERCENTILES


def optional_uuid(text: str, field: str) -> UUID | None:
    """The id, None for an empty text.

    Raises:
        InvalidField: it is not a UUID.
    """
    return required_uuid(text, field) if text else None


def required_uuid(text: str, field: str) -> UUID:
    """The id.

    Raises:
        InvalidField: it is not a UUID.
    """
    try:
        return UUID(text)
    except ValueError:
        raise InvalidField(field, text, "a UUID") from None


def verified_period(asked: VerifyLedgerRequest, earliest: datetime, now: datetime) -> Period:
    """The period to verify: everything kept, unless the request says otherwise.

    Raises:
        InvalidField: a time is not the start of a quarter-hour, or the start is not before the end.
    """
    start, end = earliest, quarter_floor(now) + QUARTER
    if asked.HasField("start_time"):
        start = _quarter(instant(asked.start_time, "start_time"), "start_time")
    if asked.HasField("end_time"):
        end = _quarter(instant(asked.end_time, "end_time"), "end_time")
    if start >= end:
        raise InvalidField("start_time", start.isoformat(), f"before the end, {end.isoformat()}")
    return Period(start, end)


def period_of(start: str, end: str) -> Period:
    """The period of the first page, from a page token.

    Raises:
        InvalidPageToken: these are not times.
    """
    try:
        return Period(aware(start), aware(end))
    except ValueError:
        raise InvalidPageToken from None


def page_id(text: str) -> UUID:
    """The id of the last row of a page, from a page token.

    Raises:
        InvalidPageToken: it is not an id.
    """
    try:
        return UUID(text)
    except ValueError:
        raise InvalidPageToken from None


def _quarter(value: datetime, field: str) -> datetime:
    if quarter_floor(value) != value:
        raise InvalidField(field, value.isoformat(), "the start of a quarter-hour")
    return value
