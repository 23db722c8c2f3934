"""Recorded traffic, rated by the seed's prices and by genai-prices (the oracle of the corpus)."""

import gzip
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from services.catalog.seed.load import load_models
from services.rating import PriceVersion, Tokens, price_at, rate
from tests.fixtures.references import PRICES_ORACLE, needs

# The oracle rated all of its exchanges on one day, whenever they were recorded.
RATED = datetime(2026, 11, 22, tzinfo=UTC)

# What a provider counts that a price version has no unit for.
UNCOUNTED = {
    "cache_write_1h_tokens": "cache writes that live an hour",
    "web_searches": "web searches",
    "output_image_tokens": "images of the completion",
    "input_image_tokens": "images of the prompt",
    "cache_image_read_tokens": "images of the prompt",
    "input_video_tokens": "video of the prompt",
}

pytestmark = [pytest.mark.corpus, needs(PRICES_ORACLE)]


class Exchange(msgspec.Struct):
    id: str
    provider: str
    model: str
    usage: dict[str, int]
    total_usd: Decimal

    @property
    def tokens(self) -> Tokens:
        return Tokens(
            prompt_tokens=self.usage.get("input_tokens"),
            completion_tokens=self.usage.get("output_tokens"),
            cached_tokens=self.usage.get("cache_read_tokens"),
            cache_write_tokens=self.usage.get("cache_write_tokens"),
            reasoning_tokens=self.usage.get("output_reasoning_tokens"),
            prompt_audio_tokens=self.usage.get("input_audio_tokens"),
            completion_audio_tokens=self.usage.get("output_audio_tokens"),
        )


def exchanges() -> Iterator[Exchange]:
    with gzip.open(PRICES_ORACLE) as lines:
        yield from map(msgspec.json.Decoder(Exchange).decode, lines)


def seed_prices() -> dict[tuple[str, str], tuple[PriceVersion, ...]]:
    """By provider and any name of the model."""
    return {
        (endpoint.provider, name): tuple(price.version() for price in endpoint.prices)
        for model in load_models()
        for endpoint in model.endpoints
        for name in (model.id, *model.aliases)
    }


def verdict(exchange: Exchange, prices: dict[tuple[str, str], tuple[PriceVersion, ...]]) -> str:
    """ "agreed", or why not."""
    versions = prices.get((exchange.provider, exchange.model.lower()))
    if versions is None:
        return "a name the seed does not know"
    price = price_at(versions, RATED)
    assert price is not None
    rating = rate(exchange.tokens, price)
    if rating is None:
        counted = {"input_tokens", "output_tokens"} <= exchange.usage.keys()
        return "unknown to us" if counted else "tokens not reported: unknown to us, none to genai-prices"
    if rating.amount == exchange.total_usd:
        return "agreed"
    reasons = [reason for count, reason in UNCOUNTED.items() if exchange.usage.get(count)]
    return reasons[0] if reasons else f"unexplained: {exchange.id} {rating.amount} for {exchange.total_usd}"


def test_recorded_traffic_costs_what_genai_prices_says_or_the_difference_has_a_known_reason() -> None:
    prices = seed_prices()
    verdicts = Counter(verdict(exchange, prices) for exchange in exchanges())
    print(*(f"{count:5} {reason}" for reason, count in verdicts.most_common()), sep="\n")  # noqa: T201 - the agreement

    assert not [reason for reason in verdicts if reason.startswith("un")]
    assert verdicts["agreed"] >= 0.98 * verdicts.total()
    assert verdicts["a name the seed does not know"] <= 0.001 * verdicts.total()
