"""OpenRouter's prices, exact, and unknown where they are."""

from decimal import Decimal
from typing import Any

import pytest

from services.catalog.listings.token_prices import unit_prices
from services.rating import PriceTier, PriceUnit, UnitPrice

BASE = {"prompt": "0.00000125", "completion": "0.00001"}


def told(**pricing: Any) -> dict[str, tuple[str, int]]:
    return {entry.unit.name: (str(entry.price), entry.per) for entry in unit_prices(pricing)}


def test_prices_per_token_become_exact_prices_per_million() -> None:
    assert told(**BASE) == {"PROMPT_TOKEN": ("1.25", 1_000_000), "COMPLETION_TOKEN": ("10", 1_000_000)}
    assert told(prompt="0.000000000000000000000000123", completion="1")["PROMPT_TOKEN"] == (
        "1.23E-19",
        1_000_000,
    )
    assert told(prompt=1e-06, completion=2)["PROMPT_TOKEN"] == ("1", 1_000_000)


def test_every_unit_has_its_word() -> None:
    every = told(
        **BASE,
        input_cache_read="0.000000125",
        input_cache_write="0.0000015625",
        input_cache_write_1h="0.0000025",
        audio="0.000004",
        input_audio_cache="0.000001",
        image_token="0.000002",
        internal_reasoning="0.00002",
        audio_output="0.00003",
        request="0.005",
        image="0.001",
        web_search="0.01",
        image_output="0.04",
    )
    assert every == {
        "PROMPT_TOKEN": ("1.25", 1_000_000),
        "CACHED_TOKEN": ("0.125", 1_000_000),
        "CACHE_WRITE_TOKEN": ("1.5625", 1_000_000),
        "PROMPT_AUDIO_TOKEN": ("4", 1_000_000),
        "CACHED_AUDIO_TOKEN": ("1", 1_000_000),
        "COMPLETION_TOKEN": ("10", 1_000_000),
        "REASONING_TOKEN": ("20", 1_000_000),
        "COMPLETION_AUDIO_TOKEN": ("30", 1_000_000),
        "REQUEST": ("0.005", 1),
        "PROMPT_IMAGE": ("0.001", 1),
        "CACHE_WRITE_1H_TOKEN": ("2.5", 1_000_000),
        "PROMPT_IMAGE_TOKEN": ("2", 1_000_000),
        "WEB_SEARCH": ("0.01", 1),
    }


def test_a_picture_at_less_than_a_hundred_tokens_is_priced_by_the_token() -> None:
    assert told(**BASE, image="0.000002", image_output="0.00012") == {
        "PROMPT_TOKEN": ("1.25", 1_000_000),
        "COMPLETION_TOKEN": ("10", 1_000_000),
        "PROMPT_IMAGE_TOKEN": ("2", 1_000_000),
        "COMPLETION_IMAGE_TOKEN": ("120", 1_000_000),
    }
    assert told(**BASE, image="0.000125", image_output="0.0010001")["PROMPT_IMAGE_TOKEN"] == ("125", 1_000_000)
    assert told(**BASE, image="0.0001251")["PROMPT_IMAGE"] == ("0.0001251", 1)


def test_a_picture_at_the_price_of_text_is_charged_with_it_in_every_tier() -> None:
    assert set(told(**BASE, image=BASE["prompt"])) == {"PROMPT_TOKEN", "COMPLETION_TOKEN"}


@pytest.mark.parametrize(
    "unknown", ("-1", -1, None, "", "free", "NaN", "Infinity", True, [], "1e400", "1e-400", "1e999999999999", "1_0")
)
def test_what_is_no_price_is_unknown_and_not_zero(unknown: Any) -> None:
    assert told(prompt=unknown, completion=unknown) == {}
    assert told(prompt=unknown, completion="0.00001") == {"COMPLETION_TOKEN": ("10", 1_000_000)}


def test_free_is_a_price() -> None:
    assert told(prompt="0", completion="0", input_cache_read="0", request="0") == {
        "PROMPT_TOKEN": ("0", 1_000_000),
        "CACHED_TOKEN": ("0", 1_000_000),
        "COMPLETION_TOKEN": ("0", 1_000_000),
    }


def test_a_part_at_zero_beside_a_whole_that_costs_is_charged_with_the_whole() -> None:
    assert set(told(**BASE, input_cache_read="0", internal_reasoning="0", image="0")) == {
        "PROMPT_TOKEN",
        "COMPLETION_TOKEN",
    }


def test_dearer_long_prompts_are_tiers_and_other_conditions_are_left_out() -> None:
    overrides = [
        {"min_prompt_tokens": 272_000, "prompt": "0.0000025", "completion": "0.000015"},
        {"min_prompt_tokens": 500_000, "prompt": "0.000005"},
        {"min_prompt_tokens": 1_000, "utc_start": 0, "utc_end": 800, "prompt": "0.0000001"},
        {"min_prompt_tokens": 2**63, "prompt": "0.0000003"},
        {"min_prompt_tokens": True, "prompt": "0.0000003"},
        {"prompt": "0.0000002"},
        "nonsense",
    ]
    prompt, completion = unit_prices({**BASE, "overrides": overrides})
    assert prompt == UnitPrice(
        PriceUnit.PROMPT_TOKEN,
        Decimal("1.25"),
        1_000_000,
        (PriceTier(272_000, Decimal("2.5")), PriceTier(500_000, Decimal(5))),
    )
    assert completion.tiers == (PriceTier(272_000, Decimal(15)),)
