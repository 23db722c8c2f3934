from datetime import UTC, datetime, timedelta

import pytest

from services.cli.running import CommandFailed
from services.cli.times import parse_span, parse_time

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "instant"),
    (
        ("", None),
        ("45m", NOW - timedelta(minutes=45)),
        ("24h", NOW - timedelta(days=1)),
        ("2w", NOW - timedelta(days=14)),
        ("99999w", NOW - timedelta(weeks=99_999)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T08:00Z", datetime(2026, 11, 1, 8, tzinfo=UTC)),
        ("2026-11-01T08:00+02:00", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ),
)
def test_times_are_read_as_people_write_them(text: str, instant: datetime | None) -> None:
    assert parse_time(text, "--since", NOW) == instant


@pytest.mark.parametrize("text", ("yesterday", "7", "d7", "2026-13-01", "-1h", "100000w"))
def test_anything_else_is_refused_with_option_value_and_what_is_allowed(text: str) -> None:
    with pytest.raises(CommandFailed, match=r"--since: '.*' is not allowed; a span as 45m") as failure:
        parse_time(text, "--since", NOW)
    assert failure.value.exit_code == 2


def test_a_span_is_no_date() -> None:
    assert parse_span("30d", "--expires") == timedelta(days=30)
    with pytest.raises(CommandFailed, match="--expires"):
        parse_span("2026-11-01", "--expires")
