"""Which prices may be given."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.decimal_pb2 import Decimal as ProtoDecimal

from pantheon.catalog.v1 import price_pb2
from services.catalog import price_fields
from services.rating import PriceTier, PriceUnit, UnitPrice
from services.runtime.errors import InvalidField
from services.runtime.times import to_timestamp

NOW = datetime(2026, 11, 22, tzinfo=UTC)
EPOCH = Timestamp()


def given(unit: int = 1, price: str = "2.5", per: int = 1_000_000, *tiers: tuple[int, str]) -> price_pb2.UnitPrice:
    return price_pb2.UnitPrice(
        unit=unit,  # type: ignore[arg-type]  # also what is no unit
        price=ProtoDecimal(value=price),
        per=per,
        tiers=(
            price_pb2.PriceTier(above_prompt_tokens=above, price=ProtoDecimal(value=amount)) for above, amount in tiers
        ),
    )


def refused(check: Any, *arguments: Any, **options: Any) -> InvalidField:
    with pytest.raises(InvalidField) as caught:
        check(*arguments, **options)
    return caught.value


def test_prices_are_kept_exactly_and_by_unit() -> None:
    kept = price_fields.unit_prices("p", [given(6, "10"), given(1, "1.250", 1_000_000, (200_000, "2.5"))])

    assert kept == (
        UnitPrice(PriceUnit.PROMPT_TOKEN, Decimal("1.25"), 1_000_000, (PriceTier(200_000, Decimal("2.5")),)),
        UnitPrice(PriceUnit.COMPLETION_TOKEN, Decimal(10), 1_000_000),
    )
    assert price_fields.unit_prices("p", []) == ()


@pytest.mark.parametrize(
    ("entry", "field", "value"),
    (
        (given(unit=0), "p[0].unit", "0"),
        (given(unit=99), "p[0].unit", "99"),
        (given(per=0), "p[0].per", "0"),
        (given(per=1024), "p[0].per", "1024"),
        (given(price="-1"), "p[0].price", "-1"),
        (given(price=""), "p[0].price", ""),
        (given(price="NaN"), "p[0].price", "NaN"),
        (given(price="1e15"), "p[0].price", "1e15"),
        (given(price="1e-31"), "p[0].price", "1e-31"),
        (given(1, "1", 1, (-1, "1")), "p[0].tiers[0].above_prompt_tokens", "-1"),
        (given(1, "1", 1, (5, "1"), (5, "1")), "p[0].tiers[1].above_prompt_tokens", "5"),
        (given(1, "1", 1, (5, "cheap")), "p[0].tiers[0].price", "cheap"),
        (given(1, "1", 1, *((above, "1") for above in range(17))), "p[0].tiers", "17 tiers"),
    ),
)
def test_what_is_no_price_is_refused_by_field_and_value(entry: price_pb2.UnitPrice, field: str, value: str) -> None:
    error = refused(price_fields.unit_prices, "p", [entry])

    assert (error.metadata["field"], error.metadata["value"]) == (field, value)
    assert error.metadata["allowed"]


def test_a_unit_priced_twice_is_refused() -> None:
    error = refused(price_fields.unit_prices, "p", [given(), given(6), given()])

    assert (error.metadata["field"], error.metadata["value"]) == ("p[2].unit", "PRICE_UNIT_PROMPT_TOKEN")


@pytest.mark.parametrize("value", ("0", "0.000001", "0.8", "1", "100"))
def test_a_factor_is_kept_exactly(value: str) -> None:
    assert price_fields.factor("f", ProtoDecimal(value=value)) == Decimal(value)


@pytest.mark.parametrize("value", ("-0.1", "100.000001", "0.1234567", "", "Infinity", "a fifth"))
def test_what_is_no_factor_is_refused(value: str) -> None:
    error = refused(price_fields.factor, "f", ProtoDecimal(value=value))

    assert (error.metadata["field"], error.metadata["value"]) == ("f", value)


def test_a_price_holds_from_now_on_or_from_within_ten_years() -> None:
    def kept(moment: datetime | None) -> datetime:
        stamp = to_timestamp(moment) if moment else None
        return price_fields.effective("e", stamp, NOW, since_ever=False)

    assert kept(None) == NOW
    for moment in (NOW - price_fields.HORIZON, NOW + timedelta(days=1), NOW + price_fields.HORIZON):
        assert kept(moment) == moment


@pytest.mark.parametrize(
    "moment",
    (
        EPOCH,
        Timestamp(seconds=2_200_000_000),
        Timestamp(seconds=10**18),
        Timestamp(seconds=-(10**18)),
        Timestamp(nanos=1),
    ),
)
def test_a_moment_further_away_is_refused(moment: Timestamp) -> None:
    error = refused(price_fields.effective, "e", moment, NOW, since_ever=False)

    assert error.metadata["field"] == "e"
    assert error.metadata["allowed"] == "within ten years of now"


def test_a_list_price_may_hold_since_ever() -> None:
    assert price_fields.effective("e", EPOCH, NOW, since_ever=True) == datetime(1970, 1, 1, tzinfo=UTC)
    allowed = refused(price_fields.effective, "e", Timestamp(seconds=1), NOW, since_ever=True).metadata["allowed"]
    assert allowed == "within ten years of now, or 1970-01-01T00:00:00+00:00: since ever"


def test_a_source_is_text_of_at_most_200_characters() -> None:
    assert price_fields.source("s", "é" * 200) == "é" * 200
    assert refused(price_fields.source, "s", "é" * 201).metadata["field"] == "s"
    assert refused(price_fields.source, "s", "a\0b").metadata["field"] == "s"
