from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.errors import InvalidField
from services.runtime.times import to_timestamp
from services.usage.periods import QUARTER, Period, bucket_of, period, quarter_floor, rfc3339, zone

NOW = datetime(2026, 11, 22, 9, 37, 12, 345_678, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(0, 7 * 10**15).map(lambda microseconds: EPOCH + timedelta(microseconds=microseconds))


@given(INSTANTS)
def test_a_quarter_hour_begins_on_a_quarter_of_the_clock(instant: datetime) -> None:
    start = quarter_floor(instant)
    assert (start.minute % 15, start.second, start.microsecond) == (0, 0, 0)
    assert start <= instant < start + QUARTER


@given(st.integers(min_value=0, max_value=7 * 10**12))
def test_a_row_counts_in_the_quarter_hour_of_its_time(milliseconds: int) -> None:
    instant = EPOCH + timedelta(milliseconds=milliseconds)
    assert bucket_of(milliseconds) == quarter_floor(instant)


@given(INSTANTS, st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(days=400)))
def test_a_period_is_rounded_outwards(start: datetime, length: timedelta) -> None:
    asked = Period(start, start + length)
    rounded = asked.rounded()
    assert rounded.start <= asked.start < rounded.start + QUARTER
    assert rounded.end - QUARTER < asked.end <= rounded.end
    assert rounded.rounded() == rounded


def test_thirty_days_until_now_unless_asked_otherwise() -> None:
    assert period(None, None, NOW) == Period(NOW - timedelta(days=30), NOW)
    end = NOW - timedelta(days=5)
    assert period(None, to_timestamp(end), NOW) == Period(end - timedelta(days=30), end)
    assert period(to_timestamp(end), None, NOW) == Period(end, NOW)


@pytest.mark.parametrize(
    ("start", "end", "field"),
    (
        (to_timestamp(NOW), to_timestamp(NOW), "filter.start_time"),
        (to_timestamp(NOW), None, "filter.start_time"),
        (Timestamp(seconds=-1), None, "filter.start_time"),
        (Timestamp(seconds=1, nanos=-5), None, "filter.start_time"),
        (None, Timestamp(seconds=253_402_300_800), "filter.end_time"),
        (None, Timestamp(seconds=2**62), "filter.end_time"),
    ),
)
def test_what_is_not_a_period_is_refused(start: Any, end: Any, field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        period(start, end, NOW)
    assert refused.value.metadata["field"] == field


@pytest.mark.parametrize(
    ("name", "shown"),
    (
        ("", "2026-11-22T09:30:00Z"),
        ("Europe/London", "2026-11-22T09:30:00Z"),
        ("Asia/Kathmandu", "2026-11-22T15:15:00+05:45"),
        ("America/St_Johns", "2026-11-22T06:00:00-03:30"),
    ),
)
def test_times_are_shown_as_the_zone_s_clocks_show_them(name: str, shown: str) -> None:
    assert rfc3339(quarter_floor(NOW), zone(name)) == shown


@pytest.mark.parametrize("name", ("Mars/Olympus", "../etc/passwd", "/etc/localtime", "UTC\0", "+05:30"))
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidField, match="time_zone"):
        zone(name)


def test_no_zone_is_utc() -> None:
    assert zone("") == ZoneInfo("UTC")
