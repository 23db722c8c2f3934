import json
from decimal import Decimal

import msgspec
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from pantheon.catalog.v1.price_pb2 import (
    PRICE_UNIT_PROMPT_TOKEN,
    PRICE_UNIT_REQUEST,
    PriceTier,
    PriceVersion,
    UnitPrice,
)
from services.edge.rest.bodies import parse_object
from services.edge.rest.names import PRICE_UNITS
from services.edge.rest.price_bodies import given_unit_prices, price_per_million, unit_price_bodies
from services.runtime.errors import InvalidField
from services.runtime.money import from_proto, to_proto

NOW = Timestamp(seconds=1_000)
amounts = st.decimals(min_value=0, max_value=10**6, places=12)
tiers = st.builds(PriceTier, above_prompt_tokens=st.integers(1, 10**9), price=amounts.map(to_proto))
unit_prices = st.builds(
    UnitPrice,
    unit=st.sampled_from([PRICE_UNITS.value(name, "") for name in PRICE_UNITS]),
    price=amounts.map(to_proto),
    per=st.integers(0, 9).map(lambda zeros: 10**zeros),
    tiers=st.lists(tiers, max_size=3),
)


def version(effective: int, price: str, *, recorded: int = 0, per: int = 1_000_000) -> PriceVersion:
    entry = UnitPrice(unit=PRICE_UNIT_PROMPT_TOKEN, price=to_proto(Decimal(price)), per=per)
    return PriceVersion(
        effective_time=Timestamp(seconds=effective), record_time=Timestamp(seconds=recorded), unit_prices=[entry]
    )


def present(*versions: PriceVersion) -> dict[str, str] | None:
    prices = price_per_million(versions, NOW)
    return None if prices is None else {unit: bytes(amount).decode() for unit, amount in prices.items()}


@given(st.lists(unit_prices))
def test_what_is_shown_of_prices_can_be_posted_back_exactly(entries: list[UnitPrice]) -> None:
    shown = msgspec.json.encode({"unit_prices": unit_price_bodies(entries)})
    assert given_unit_prices(parse_object(shown)) == entries


@given(amounts, st.integers(0, 9))
def test_the_present_price_is_of_a_million_exactly(price: Decimal, zeros: int) -> None:
    entry = UnitPrice(unit=PRICE_UNIT_REQUEST, price=to_proto(price), per=10**zeros)
    prices = price_per_million([PriceVersion(effective_time=Timestamp(), unit_prices=[entry])], NOW)
    assert prices is not None
    text = bytes(prices["request"]).decode()
    assert Decimal(text) * 10**zeros == from_proto(entry.price) * 1_000_000
    assert json.loads(text) is not None
    assert "." not in text or not text.endswith("0")


def test_the_version_that_began_last_holds_and_of_one_moment_the_one_recorded_last() -> None:
    assert present(version(0, "1"), version(900, "2"), version(1_001, "3")) == {"prompt_token": "2"}
    assert present(version(1_000, "1")) == {"prompt_token": "1"}
    assert present(version(900, "1", recorded=2), version(900, "2", recorded=1)) == {"prompt_token": "1"}


def test_no_price_is_none_and_not_zero() -> None:
    assert present() is None
    assert present(version(2_000, "1")) is None
    assert present(version(0, "1"), PriceVersion(effective_time=Timestamp(seconds=900))) is None
    assert present(version(0, "0.00")) == {"prompt_token": "0"}


def test_a_unit_newer_than_the_edge_is_left_out_of_what_it_costs_now() -> None:
    newer = version(0, "1")
    newer.unit_prices.add(unit=99, price=to_proto(Decimal(1)), per=1)
    assert present(newer) == {"prompt_token": "1"}


@pytest.mark.parametrize(
    ("entry", "field"),
    (
        ({"unit": "request", "price": 1}, "unit_prices[0].per"),
        ({"unit": "request", "price": 1, "per": None}, "unit_prices[0].per"),
        (
            {"unit": "request", "price": 1, "per": 1, "tiers": [{"price": 2}]},
            "unit_prices[0].tiers[0].above_prompt_tokens",
        ),
    ),
)
def test_what_a_price_is_for_has_to_be_said(entry: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        given_unit_prices(parse_object(msgspec.json.encode({"unit_prices": [entry]})))
    assert refused.value.metadata["field"] == field
    assert refused.value.metadata["allowed"] == "a whole number, which is required"
