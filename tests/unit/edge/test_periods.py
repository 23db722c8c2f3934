from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.edge.rest.periods import PERIODS, Period, asked_period
from services.runtime.errors import InvalidField

NOW = datetime(2026, 3, 31, 13, 45, 30, 123456, tzinfo=UTC)


def utc(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "start", "end"),
    (
        ("last_24_hours", NOW - timedelta(hours=24), None),
        ("last_7_days", NOW - timedelta(days=7), None),
        ("last_30_days", NOW - timedelta(days=30), None),
        ("last_90_days", NOW - timedelta(days=90), None),
        ("today", utc(2026, 3, 31), utc(2026, 4, 1)),
        ("this_month", utc(2026, 3, 1), utc(2026, 4, 1)),
        ("last_month", utc(2026, 2, 1), utc(2026, 3, 1)),
    ),
)
def test_a_period_has_its_times(name: str, start: datetime, end: datetime | None) -> None:
    assert asked_period([("period", name)], NOW) == Period(name, start, end)


def test_no_query_means_thirty_days() -> None:
    assert asked_period([], NOW) == Period("last_30_days", NOW - timedelta(days=30), None)


@given(st.datetimes(datetime(1971, 1, 1), datetime(2400, 1, 1), timezones=st.just(UTC)), st.sampled_from([*PERIODS]))  # noqa: DTZ001 - the zone is given apart
def test_every_period_holds_now_or_ends_where_this_month_begins(now: datetime, name: str) -> None:
    period = asked_period([("period", name)], now)
    assert period.start is not None
    assert period.start < (period.end or now)
    if name == "last_month":
        assert period.end == asked_period([("period", "this_month")], now).start
        assert (period.start.day, period.start.hour) == (1, 0)
    else:
        assert period.start <= now
        assert period.end is None or now < period.end


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2400, 1, 1), timezones=st.timezones()),  # noqa: DTZ001 - as above
    st.timedeltas(timedelta(microseconds=1), timedelta(days=400)),
)
def test_any_two_times_in_order_are_taken_as_they_are(start: datetime, length: timedelta) -> None:
    start = start.astimezone(UTC)
    query = [("start_time", start.isoformat()), ("end_time", (start + length).isoformat())]
    assert asked_period(query, NOW) == Period("custom", start, start + length)


def test_one_time_is_enough() -> None:
    assert asked_period([("start_time", "2026-03-01T00:00:00Z")], NOW) == Period("custom", utc(2026, 3, 1), None)
    assert asked_period([("end_time", "2026-03-01T00:00:00Z")], NOW) == Period("custom", None, utc(2026, 3, 1))


@pytest.mark.parametrize(
    ("query", "field", "value"),
    (
        ([("period", "")], "period", ""),
        ([("period", "last_30_days"), ("end_time", "2026-03-01T00:00:00Z")], "period", "last_30_days"),
        ([("start_time", "2026-04-01T00:00:00Z")], "start_time", "2026-04-01T00:00:00Z"),
        ([("start_time", "2026-03-01T00:00:00 02:00")], "start_time", "2026-03-01T00:00:00 02:00"),
        ([("start_time", "2026-03-01")], "start_time", "2026-03-01"),
        ([("end_time", "1969-12-31T23:59:59Z")], "end_time", "1969-12-31T23:59:59Z"),
        ([("end_time", "0001-01-01T00:00:00+14:00")], "end_time", "0001-01-01T00:00:00+14:00"),
        ([("end_time", "")], "end_time", ""),
        ([("end_time", "9999-12-31T23:59:59-14:00")], "end_time", "9999-12-31T23:59:59-14:00"),
        ([("end_time", "a"), ("end_time", "b")], "end_time", "b"),
        ([("perid", "today")], "perid", "unknown parameter"),
        ([("p" * 1_000, "today")], "p" * 100, "unknown parameter"),
    ),
)
def test_anything_else_is_refused_by_name_and_value(query: list[tuple[str, str]], field: str, value: str) -> None:
    with pytest.raises(InvalidField) as refused:
        asked_period(query, NOW)
    assert (refused.value.metadata["field"], refused.value.metadata["value"]) == (field, value)
