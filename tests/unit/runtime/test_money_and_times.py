import time
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from google.type.decimal_pb2 import Decimal as ProtoDecimal
from hypothesis import given
from hypothesis import strategies as st

from services.runtime import times
from services.runtime.errors import InvalidField
from services.runtime.money import from_proto, to_proto


@given(st.decimals(allow_nan=False, allow_infinity=False, places=18, min_value=-(10**12), max_value=10**12))
def test_money_is_the_same_after_the_wire(amount: Decimal) -> None:
    assert from_proto(to_proto(amount)) == amount


def test_a_tiny_amount_is_written_without_an_exponent() -> None:
    assert to_proto(Decimal("1E-12")).value == "0.000000000001"


@pytest.mark.parametrize("text", ("2.5", "+2.5", "25e-1", "0.25E+1", "002.50", "2.5e0"))
def test_an_amount_may_be_written_in_every_way_that_the_format_has(text: str) -> None:
    assert from_proto(ProtoDecimal(value=text)) == Decimal("2.5")
    assert from_proto(ProtoDecimal(value=f"-{text.removeprefix('+')}")) == Decimal("-2.5")


@pytest.mark.parametrize(
    "text",
    (
        "",
        "abc",
        "NaN",
        "sNaN1",
        "Infinity",
        "1,5",
        "1_0",
        " 1",
        "1\n",
        "１",  # noqa: RUF001
        "٣",
        ".",
        "+",
        "--1",
        "e5",
        "1e",
        "1e1_0",
        "0x1",
        f"1e{'9' * 30}",
    ),
)
def test_what_is_no_amount_is_refused_by_its_field(text: str) -> None:
    with pytest.raises(InvalidField) as refusal:
        from_proto(ProtoDecimal(value=text), "price")
    assert refusal.value.metadata["field"] == "price"


def test_what_is_almost_a_number_of_many_digits_is_refused_as_fast_as_it_is_read() -> None:
    began = time.process_time()
    with pytest.raises(InvalidField):
        from_proto(ProtoDecimal(value="1" * 20_000 + "x"))
    assert time.process_time() - began < 1


@given(st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_an_instant_is_the_same_after_the_wire(instant: datetime) -> None:
    assert times.from_timestamp(times.to_timestamp(instant)) == instant


@given(st.floats(min_value=-1e6, max_value=1e6))
def test_a_duration_is_the_same_after_the_wire_to_the_nanosecond(seconds: float) -> None:
    assert times.seconds(times.duration(seconds)) == pytest.approx(seconds, abs=2e-9)
