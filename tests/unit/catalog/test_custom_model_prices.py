"""The dated prices that follow from a custom model's cost. Pure."""

from datetime import timedelta
from decimal import Decimal

import pytest

from services.catalog.custom_model_entities import Cost, priced
from services.catalog.custom_models import next_price
from services.rating import PriceUnit
from services.runtime.errors import InvalidField
from tests.unit.catalog.test_custom_models import CHEAP, NOW


def test_a_cost_is_a_price_of_prompt_and_completion_tokens_by_the_thousand() -> None:
    price = next_price((), CHEAP, "p", NOW)
    assert price == priced("p", NOW, CHEAP)
    assert price is not None
    assert [(entry.unit, entry.price, entry.per) for entry in price.unit_prices] == [
        (PriceUnit.PROMPT_TOKEN, Decimal("0.01"), 1_000),
        (PriceUnit.COMPLETION_TOKEN, Decimal("0.03"), 1_000),
    ]
    assert (price.effective, price.recorded, price.source) == (NOW, NOW, "custom model")


def test_a_price_is_appended_where_the_cost_is_another_and_after_all_before_it() -> None:
    first = priced("p", NOW, CHEAP)
    same = Cost(Decimal("0.010"), Decimal("0.03"))
    assert next_price([first], same, "q", NOW) is None
    assert next_price((), None, "q", NOW) is None
    late = next_price([first], Cost(Decimal(0), Decimal(0)), "q", NOW - timedelta(days=1))
    assert late is not None
    assert late.effective == NOW + timedelta(microseconds=1)


def test_who_takes_the_cost_away_makes_the_model_unpriced_not_free() -> None:
    first = priced("p", NOW, CHEAP)
    unpriced = next_price([first], None, "q", NOW + timedelta(hours=1))
    assert unpriced is not None
    assert unpriced.unit_prices == ()
    assert next_price([first, unpriced], None, "r", NOW + timedelta(hours=2)) is None


def test_a_model_has_no_more_prices_than_an_event_has_room_for() -> None:
    prices = [priced(f"p{number}", NOW, Cost(Decimal(number), Decimal(number))) for number in range(500)]
    assert next_price(prices[:499], CHEAP, "q", NOW) is not None
    assert next_price(prices, Cost(Decimal(499), Decimal(499)), "q", NOW) is None
    with pytest.raises(InvalidField) as caught:
        next_price(prices, CHEAP, "q", NOW)
    assert caught.value.metadata == {
        "field": "cost_per_1k_tokens",
        "value": "price 501",
        "allowed": "at most 500 prices of one model",
    }
