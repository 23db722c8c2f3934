"""Recorded traffic, read by the router, rated by the seed's prices and by genai-prices (the oracle of the corpus)."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from services.catalog.seed.load import load_models
from services.rating import PriceVersion, Tokens, price_at, rate
from services.router.chat import Facts
from tests.fixtures.references import PRICES_ORACLE, TRAFFIC, needs
from tests.unit.rating.recorded import facts_of, rows

# The oracle rated all of its exchanges on one day, whenever they were recorded.
RATED = datetime(2026, 11, 22, tzinfo=UTC)

AGREED = "the same, by what the router counts"
NOT_ASKED_FOR = "the same, by what was recorded: a JSON array in place of a stream, or arguments in pieces"
NOT_REPORTED = "prompt tokens not reported: unknown to us, none to genai-prices"
EXPECTED = {AGREED: 3_499, NOT_ASKED_FOR: 8, NOT_REPORTED: 1}

pytestmark = [pytest.mark.corpus, needs(PRICES_ORACLE), needs(TRAFFIC)]


class Exchange(msgspec.Struct):
    id: str
    provider: str
    model: str
    usage: dict[str, int]
    total_usd: Decimal

    @property
    def recorded(self) -> Tokens:
        """What the oracle was given."""
        return Tokens(
            prompt_tokens=self.usage.get("input_tokens"),
            completion_tokens=self.usage.get("output_tokens"),
            cached_tokens=self.usage.get("cache_read_tokens"),
            reasoning_tokens=self.usage.get("output_reasoning_tokens"),
        )


def seed_prices() -> dict[tuple[str, str], tuple[PriceVersion, ...]]:
    """By provider and any name of the model."""
    return {
        (endpoint.provider, name): tuple(price.version() for price in endpoint.prices)
        for model in load_models()
        for endpoint in model.endpoints
        for name in (model.id, *model.aliases)
    }


def verdict(exchange: Exchange, facts: Facts, prices: dict[tuple[str, str], tuple[PriceVersion, ...]]) -> str:
    """One of those expected, or what differs."""
    # Google's own name of a resource.
    name = exchange.model.lower().removeprefix("models/")
    price = price_at(prices.get((exchange.provider, name), ()), RATED)
    if price is None:
        return f"{exchange.id}: the seed has no price of {exchange.model}"
    tokens = facts.tokens or exchange.recorded
    rating = rate(tokens, price)
    if rating is None:
        return NOT_REPORTED if tokens.prompt_tokens is None else f"{exchange.id}: unknown"
    if rating.amount != exchange.total_usd:
        return f"{exchange.id}: {rating.amount} for {exchange.total_usd}"
    return AGREED if facts.tokens else NOT_ASKED_FOR


def test_recorded_traffic_costs_what_genai_prices_says_wherever_its_tokens_were_reported() -> None:
    exchanges, prices = list(rows(PRICES_ORACLE, Exchange)), seed_prices()
    facts = facts_of({exchange.id for exchange in exchanges})
    verdicts = Counter(verdict(exchange, facts[exchange.id], prices) for exchange in exchanges)
    print(*(f"{count:5} {reason}" for reason, count in verdicts.most_common()), sep="\n")  # noqa: T201 - the agreement

    assert verdicts == EXPECTED
