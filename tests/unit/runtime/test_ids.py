from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.ids import is_id, uuid7, uuid7_floor, uuid7_like, uuid7_time

instants = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def test_an_id_carries_the_present_and_its_version() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    made = uuid7()
    assert before <= uuid7_time(made) <= datetime.now(UTC)
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"


def test_ids_differ() -> None:
    assert len({uuid7() for _ in range(10_000)}) == 10_000


def test_a_like_id_has_the_same_time_and_other_bits() -> None:
    one = uuid7()
    other = uuid7_like(one)
    assert other != one
    assert uuid7_time(other) == uuid7_time(one)
    assert other.version == 7


@given(instants)
def test_a_floor_is_the_least_id_of_its_millisecond(instant: datetime) -> None:
    floor = uuid7_floor(instant)
    assert floor <= uuid7_like(floor)
    assert instant - uuid7_time(floor) < timedelta(milliseconds=1)
    assert floor > uuid7_like(uuid7_floor(instant - timedelta(milliseconds=1)))


def test_an_id_is_one_as_it_is_given_out() -> None:
    assert is_id(str(uuid7()))


@pytest.mark.parametrize(
    "text",
    (
        "",
        "custom/my-model",
        "01A2051F-F2B3-7720-BC46-9C1D037FEA7C",
        "{01a2051f-f2b3-7720-bc46-9c1d037fea7c}",
        "urn:uuid:01a2051f-f2b3-7720-bc46-9c1d037fea7c",
        "01a2051ff2b37720bc469c1d037fea7c",
        "\N{ARABIC-INDIC DIGIT ZERO}" * 32,
    ),
)
def test_other_spellings_are_none(text: str) -> None:
    assert not is_id(text)
