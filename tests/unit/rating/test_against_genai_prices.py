"""Every price of the seed, rated by us and by genai-prices, for the same tokens at the same moment."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache

import pytest
from genai_prices import Usage, data_snapshot
from genai_prices.types import ModelInfo, Provider
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.seed.load import load_models
from services.rating import PriceUnit, PriceVersion, Tokens, price_at, rate

LISTED_AS = {"openai": "openai", "anthropic": "anthropic", "gemini": "google", "openrouter": "openrouter"}
YEARS = (datetime(2023, 1, 1, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC))

moments = st.datetimes(YEARS[0].replace(tzinfo=None), YEARS[1].replace(tzinfo=None), timezones=st.just(UTC))


@dataclass(frozen=True, slots=True)
class Priced:
    """One endpoint, and what genai-prices holds of it."""

    endpoint: str
    versions: tuple[PriceVersion, ...]
    provider: Provider
    model: ModelInfo

    def oracle(self, tokens: Tokens, when: datetime) -> Decimal:
        usage = Usage(
            input_tokens=tokens.prompt_tokens,
            output_tokens=tokens.completion_tokens,
            cache_read_tokens=tokens.cached_tokens,
            cache_write_tokens=tokens.cache_write_tokens,
            output_reasoning_tokens=tokens.reasoning_tokens,
            input_audio_tokens=tokens.prompt_audio_tokens,
            output_audio_tokens=tokens.completion_audio_tokens,
            cache_audio_read_tokens=0,
            cache_audio_write_tokens=0,
        )
        return self.model.calc_price(usage, self.provider, genai_request_timestamp=when).total_price

    def ours(self, tokens: Tokens, when: datetime) -> Decimal | None:
        version = price_at(self.versions, when)
        assert version is not None
        rating = rate(tokens, version)
        return None if rating is None else rating.amount

    def prices_completions(self, when: datetime) -> bool:
        version = price_at(self.versions, when)
        assert version is not None
        return any(entry.unit is PriceUnit.COMPLETION_TOKEN for entry in version.unit_prices)


@cache
def priced_endpoints() -> tuple[Priced, ...]:
    providers = {provider.id: provider for provider in data_snapshot.get_snapshot().providers}

    def found() -> Iterator[Priced]:
        for seed in load_models():
            for endpoint in seed.endpoints:
                provider = providers[LISTED_AS[endpoint.provider]]
                model = provider.find_model(endpoint.provider_model_id)
                if endpoint.prices and model is not None:
                    versions = tuple(price.version() for price in endpoint.prices)
                    yield Priced(endpoint.id, versions, provider, model)

    return tuple(found())


@st.composite
def usages(draw: st.DrawFn) -> Tokens:
    return tokens_of(*(draw(st.integers(0, 400_000) | st.just(0)) for _ in range(7)))


def tokens_of(plain: int, cached: int, written: int, audio: int, text: int, reasoning: int, spoken: int) -> Tokens:
    """Counts whose parts lie side by side in their whole."""
    return Tokens(
        prompt_tokens=plain + cached + written + audio,
        completion_tokens=text + reasoning + spoken,
        cached_tokens=cached,
        cache_write_tokens=written,
        prompt_audio_tokens=audio,
        reasoning_tokens=reasoning,
        completion_audio_tokens=spoken,
    )


def differs(priced: Priced, tokens: Tokens, when: datetime) -> str:
    """Empty where both say the same; else the class of the difference, which has to be one of those known."""
    ours = priced.ours(tokens, when)
    if ours is None and tokens.completion_tokens and not priced.prices_completions(when):
        return "completion tokens without a price: unknown to us, free to genai-prices"
    theirs = priced.oracle(tokens, when)
    assert ours == theirs, f"{priced.endpoint}: {ours} here, {theirs} by genai-prices, for {tokens} at {when}"
    return ""


def test_almost_every_endpoint_of_the_seed_is_priced_and_found_by_genai_prices() -> None:
    endpoints = [endpoint for seed in load_models() for endpoint in seed.endpoints]

    assert len(priced_endpoints()) >= len(endpoints) - 10


def test_every_price_rates_as_genai_prices_does() -> None:
    drawn = random.Random(20261122)
    classes: Counter[str] = Counter()
    for priced in priced_endpoints():
        for _ in range(4):
            scale = drawn.choice((100, 10_000, 300_000))
            tokens = tokens_of(*(drawn.choice((0, drawn.randint(0, scale))) for _ in range(7)))
            when = YEARS[0] + drawn.random() * (YEARS[1] - YEARS[0])
            classes[differs(priced, tokens, when)] += 1

    assert classes[""] > 0.98 * classes.total(), classes


@given(st.sampled_from(range(2000)), usages(), moments)
def test_any_usage_at_any_time_is_rated_as_genai_prices_does(number: int, tokens: Tokens, when: datetime) -> None:
    endpoints = priced_endpoints()

    differs(endpoints[number % len(endpoints)], tokens, when)


@pytest.mark.parametrize("off", (timedelta(microseconds=-1), timedelta(0), timedelta(microseconds=1)))
def test_prices_change_at_the_same_moment_as_in_genai_prices(off: timedelta) -> None:
    changes = [(priced, version.effective) for priced in priced_endpoints() for version in priced.versions[1:]]
    tokens = tokens_of(1000, 200, 30, 0, 400, 0, 0)

    assert changes
    for priced, effective in changes:
        assert differs(priced, tokens, effective + off) == ""
