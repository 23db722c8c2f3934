from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from pantheon.catalog.v1 import price_pb2
from pantheon.usage.v1 import measure_pb2
from services.rating import SINCE_EVER, PriceTier, PriceUnit, PriceVersion, Tokens, UnitPrice, price_at

MARCH = datetime(2026, 3, 13, tzinfo=UTC)


def version(name: str, effective: datetime, recorded: datetime = MARCH) -> PriceVersion:
    return PriceVersion(name, effective, recorded, (UnitPrice(PriceUnit.PROMPT_TOKEN, Decimal(1), 1_000_000),), "test")


def prompt_price(price: str, per: int = 1_000_000, tiers: tuple[PriceTier, ...] = ()) -> UnitPrice:
    return UnitPrice(PriceUnit.PROMPT_TOKEN, Decimal(price), per, tiers)


def test_units_are_those_of_the_contract() -> None:
    contract = {value.name: value.number for value in price_pb2.PriceUnit.DESCRIPTOR.values if value.number}

    assert {f"PRICE_UNIT_{unit.name}": unit.value for unit in PriceUnit} == contract


def test_tokens_are_those_of_the_contract() -> None:
    contract = {field.name for field in measure_pb2.TokenUsage.DESCRIPTOR.fields}

    assert {field.name for field in fields(Tokens)} == contract


def test_a_version_holds_from_its_first_instant_until_the_next_one() -> None:
    old, new = version("old", SINCE_EVER), version("new", MARCH)

    assert price_at((old, new), MARCH - timedelta(microseconds=1)) is old
    assert price_at((old, new), MARCH) is new
    assert price_at((new, old), MARCH + timedelta(days=400)) is new


def test_no_version_holds_before_the_first() -> None:
    assert price_at((version("new", MARCH),), MARCH - timedelta(seconds=1)) is None
    assert price_at((), MARCH) is None


def test_of_versions_from_the_same_moment_the_one_recorded_last_holds() -> None:
    wrong, right = version("wrong", MARCH), version("right", MARCH, recorded=MARCH + timedelta(days=2))

    assert price_at((right, wrong), MARCH) is right
    assert price_at((wrong, right), MARCH) is right


def test_a_moment_is_compared_whatever_its_zone() -> None:
    new = version("new", MARCH)

    assert price_at((new,), datetime.fromisoformat("2026-03-13T01:00:00+01:00")) is new
    assert price_at((new,), datetime.fromisoformat("2026-03-13T00:59:59+01:00")) is None


def test_a_tier_replaces_the_price_above_its_threshold() -> None:
    price = prompt_price("1.25", tiers=(PriceTier(128_000, Decimal("2.5")), PriceTier(200_000, Decimal(4))))

    assert [price.at(tokens) for tokens in (0, 128_000, 128_001, 200_000, 200_001)] == [
        Decimal("1.25"),
        Decimal("1.25"),
        Decimal("2.5"),
        Decimal("2.5"),
        Decimal(4),
    ]


@pytest.mark.parametrize("price", ("-0.01", "NaN", "Infinity", "1e15", "1e-31"))
def test_what_is_no_price_is_refused(price: str) -> None:
    with pytest.raises(ValueError, match=r"price of PROMPT_TOKEN: Decimal\(.*\) is not a decimal from 0"):
        prompt_price(price)


@pytest.mark.parametrize("per", (0, -1, 3, 1024, 10_000_000_000))
def test_a_per_that_divides_inexactly_is_refused(per: int) -> None:
    with pytest.raises(ValueError, match=f"per of PROMPT_TOKEN: {per} is not a power of ten"):
        prompt_price("1", per=per)


@pytest.mark.parametrize("thresholds", ((200, 100), (100, 100), (-1,)))
def test_tiers_that_do_not_rise_are_refused(thresholds: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"tiers of PROMPT_TOKEN: .* does not rise above"):
        prompt_price("1", tiers=tuple(PriceTier(threshold, Decimal(2)) for threshold in thresholds))


def test_a_unit_priced_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"names a unit twice"):
        PriceVersion("twice", MARCH, MARCH, (prompt_price("1"), prompt_price("2")), "test")


@pytest.mark.parametrize("field", ("effective", "recorded"))
def test_a_moment_without_a_zone_is_refused(field: str) -> None:
    moments = {"effective": MARCH, "recorded": MARCH, field: MARCH.replace(tzinfo=None)}

    with pytest.raises(ValueError, match=f"{field} of naive: 2026-03-13T00:00:00 has no time zone"):
        PriceVersion("naive", moments["effective"], moments["recorded"], (), "test")
