from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from services.rating import (
    PriceOverride,
    PriceTier,
    PriceUnit,
    PriceVersion,
    Tokens,
    UnitPrice,
    compile_price,
    overridden,
    override_at,
)

MARCH = datetime(2026, 3, 13, tzinfo=UTC)
MILLION = 1_000_000
LIST = compile_price(
    PriceVersion(
        "list",
        MARCH,
        MARCH,
        (
            UnitPrice(PriceUnit.PROMPT_TOKEN, Decimal("1.25"), MILLION, (PriceTier(1000, Decimal("2.5")),)),
            UnitPrice(PriceUnit.COMPLETION_TOKEN, Decimal(10), MILLION),
        ),
        "test",
    )
)
CONTRACT = (
    UnitPrice(PriceUnit.PROMPT_TOKEN, Decimal(1), MILLION),
    UnitPrice(PriceUnit.COMPLETION_TOKEN, Decimal(2), MILLION),
)


def override(
    name: str = "one",
    factor: str | None = "0.8",
    provider: str = "openai",
    endpoint: str = "",
    effective: datetime = MARCH,
    recorded: datetime = MARCH,
    unit_prices: tuple[UnitPrice, ...] = (),
) -> PriceOverride:
    return PriceOverride(
        id=name,
        organisation_id="acme",
        provider=provider,
        endpoint_id=endpoint,
        effective=effective,
        recorded=recorded,
        factor=None if factor is None else Decimal(factor),
        unit_prices=unit_prices,
        source="contract 17",
    )


def in_force(*overrides: PriceOverride, when: datetime = MARCH) -> str:
    found = override_at(overrides, "openai", "openai:gpt-4", when)
    return found.id if found else ""


def test_an_override_holds_from_its_first_instant() -> None:
    assert in_force(override("one"), when=MARCH - timedelta(microseconds=1)) == ""
    assert in_force(override("one"), when=MARCH) == "one"
    assert in_force() == ""


def test_the_latest_override_of_a_target_holds_in_whatever_order_they_come() -> None:
    old, new = override("old"), override("new", effective=MARCH + timedelta(days=1))

    for overrides in ((old, new), (new, old)):
        assert in_force(*overrides, when=MARCH + timedelta(hours=1)) == "old"
        assert in_force(*overrides, when=MARCH + timedelta(days=1)) == "new"


def test_of_overrides_from_the_same_moment_the_one_recorded_last_holds() -> None:
    wrong, right = override("wrong"), override("right", recorded=MARCH + timedelta(days=2))

    assert in_force(right, wrong) == in_force(wrong, right) == "right"


def test_an_override_of_the_endpoint_comes_before_a_later_one_of_its_provider() -> None:
    endpoint = override("endpoint", endpoint="openai:gpt-4")
    provider = override("provider", effective=MARCH + timedelta(days=1))

    assert in_force(endpoint, provider, when=MARCH + timedelta(days=2)) == "endpoint"


def test_overrides_of_other_targets_do_not_hold() -> None:
    assert in_force(override(provider="azure"), override(endpoint="openai:gpt-4o")) == ""


def test_a_factor_counts_on_every_price_of_every_tier_and_leaves_the_version() -> None:
    price = overridden(LIST, override("discount", "0.8"))
    assert price is not None

    low, high = price.rate(Tokens(1000, 10)), price.rate(Tokens(1001, 10))

    assert low is not None
    assert low.amount == Decimal("0.8") * (Decimal("0.00125") + Decimal("0.0001"))
    assert high is not None
    assert high.amount == Decimal("0.8") * (Decimal("0.0025025") + Decimal("0.0001"))
    assert [line.price for line in high.lines] == [Decimal(2), Decimal(8)]
    assert low.price_version_id == price.version.id == "list"
    assert price.override_id == "discount"


def test_a_factor_of_nothing_is_free_and_no_list_price_stays_unknown() -> None:
    free = overridden(LIST, override(factor="0"))

    assert free is not None
    rating = free.rate(Tokens(1000, 10))
    assert rating is not None
    assert rating.amount == 0
    assert overridden(None, override(factor="0")) is None


def test_own_prices_stand_in_place_of_the_list_and_name_the_override_as_their_version() -> None:
    own = override("contract", None, endpoint="openai:gpt-4", unit_prices=CONTRACT)
    for listed in (LIST, None):
        price = overridden(listed, own)
        assert price is not None
        rating = price.rate(Tokens(2000, 10))
        assert rating is not None
        assert rating.amount == Decimal("0.00202")
        assert rating.price_version_id == price.version.id == price.override_id == "contract"


def test_equal_overrides_are_one_key_and_others_are_not() -> None:
    assert {override("one"), override("one")} == {override("one")}
    assert len({override("one"), override("one", "0.7"), override("two")}) == 3


def test_without_an_override_the_list_price_holds() -> None:
    assert overridden(LIST, None) is LIST
    assert LIST.override_id == ""


@pytest.mark.parametrize("factor", ("-0.1", "100.000001", "0.1234567", "NaN", "Infinity"))
def test_what_is_no_factor_is_refused(factor: str) -> None:
    with pytest.raises(ValueError, match=r"factor of one: Decimal\(.*\) is not a decimal from 0 to 100"):
        override(factor=factor)


@pytest.mark.parametrize("factor", ("0", "0.000001", "1", "100"))
def test_the_ends_of_the_range_are_factors(factor: str) -> None:
    assert override(factor=factor).factor == Decimal(factor)


def test_an_override_is_either_a_factor_or_prices_of_an_endpoint() -> None:
    with pytest.raises(ValueError, match="not either a factor or unit_prices"):
        override(factor=None)
    with pytest.raises(ValueError, match="not either a factor or unit_prices"):
        override(endpoint="openai:gpt-4", unit_prices=CONTRACT)
    with pytest.raises(ValueError, match="unit_prices without an endpoint_id"):
        override(factor=None, unit_prices=CONTRACT)
    with pytest.raises(ValueError, match="names a unit twice"):
        override(factor=None, endpoint="openai:gpt-4", unit_prices=(CONTRACT[0], CONTRACT[0]))
