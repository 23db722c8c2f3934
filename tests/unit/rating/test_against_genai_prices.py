"""Every price of the seed, rated by us and by genai-prices, for the same tokens at the same moment."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import NamedTuple

import pytest
from genai_prices import Usage, data_snapshot
from genai_prices.types import ModelInfo, Provider
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.seed.load import load_models
from services.rating import (
    EXACT,
    PriceOverride,
    PriceUnit,
    PriceVersion,
    Tokens,
    compile_price,
    overridden,
    price_at,
    rate,
)

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
        usage = usage_of(tokens)
        return self.model.calc_price(usage, self.provider, genai_request_timestamp=when).total_price

    def ours(self, tokens: Tokens, when: datetime) -> Decimal | None:
        version = price_at(self.versions, when)
        assert version is not None
        rating = rate(tokens, version)
        return None if rating is None else rating.amount

    def units(self, when: datetime) -> set[PriceUnit]:
        version = price_at(self.versions, when)
        assert version is not None
        return {entry.unit for entry in version.unit_prices}


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


class Counts(NamedTuple):
    """What lies side by side in a request and its answer."""

    text: int = 0
    cached_text: int = 0
    written: int = 0
    written_1h: int = 0
    audio: int = 0
    cached_audio: int = 0
    image: int = 0
    cached_image: int = 0
    video: int = 0
    answer: int = 0
    reasoning: int = 0
    spoken: int = 0
    painted: int = 0
    searches: int = 0

    @property
    def tokens(self) -> Tokens:
        return Tokens(
            prompt_tokens=sum(self[: Counts._fields.index("answer")]),
            completion_tokens=self.answer + self.reasoning + self.spoken + self.painted,
            cached_tokens=self.cached_text + self.cached_audio + self.cached_image,
            cache_write_tokens=self.written + self.written_1h,
            reasoning_tokens=self.reasoning,
            prompt_audio_tokens=self.audio + self.cached_audio,
            completion_audio_tokens=self.spoken,
            cache_write_1h_tokens=self.written_1h,
            cached_audio_tokens=self.cached_audio,
            prompt_image_tokens=self.image + self.cached_image,
            cached_image_tokens=self.cached_image,
            prompt_video_tokens=self.video,
            completion_image_tokens=self.painted,
            web_searches=self.searches,
        )


def usage_of(tokens: Tokens) -> Usage:
    """The same in the terms of genai-prices."""
    return Usage(
        input_tokens=tokens.prompt_tokens,
        output_tokens=tokens.completion_tokens,
        cache_read_tokens=tokens.cached_tokens,
        cache_write_tokens=tokens.cache_write_tokens,
        cache_write_1h_tokens=tokens.cache_write_1h_tokens,
        output_reasoning_tokens=tokens.reasoning_tokens,
        input_audio_tokens=tokens.prompt_audio_tokens,
        output_audio_tokens=tokens.completion_audio_tokens,
        input_image_tokens=tokens.prompt_image_tokens,
        output_image_tokens=tokens.completion_image_tokens,
        input_video_tokens=tokens.prompt_video_tokens,
        cache_audio_read_tokens=tokens.cached_audio_tokens,
        cache_image_read_tokens=tokens.cached_image_tokens,
        cache_audio_write_tokens=0,
        web_searches=tokens.web_searches,
    )


@st.composite
def usages(draw: st.DrawFn) -> Tokens:
    return Counts(*(draw(st.integers(0, 400_000) | st.just(0)) for _ in Counts._fields)).tokens


def differs(priced: Priced, tokens: Tokens, when: datetime) -> str:
    """Empty where both say the same; else the class of the difference, which has to be one of those known."""
    ours = priced.ours(tokens, when)
    if ours is None and tokens.completion_tokens and PriceUnit.COMPLETION_TOKEN not in priced.units(when):
        return "completion tokens without a price: unknown to us, free to genai-prices"
    theirs = priced.oracle(tokens, when)
    assert ours == theirs, f"{priced.endpoint}: {ours} here, {theirs} by genai-prices, for {tokens} at {when}"
    return ""


def test_almost_every_endpoint_of_the_seed_is_priced_and_found_by_genai_prices() -> None:
    endpoints = [endpoint for seed in load_models() for endpoint in seed.endpoints]

    assert len(priced_endpoints()) >= 0.98 * len(endpoints)


def test_every_price_rates_as_genai_prices_does() -> None:
    drawn = random.Random(20261122)
    classes: Counter[str] = Counter()
    for priced in priced_endpoints():
        for _ in range(4):
            scale = drawn.choice((100, 10_000, 300_000))
            tokens = Counts(*(drawn.choice((0, drawn.randint(0, scale))) for _ in Counts._fields)).tokens
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
    tokens = Counts(text=1000, cached_text=200, written=30, answer=400).tokens

    assert changes
    for priced, effective in changes:
        assert differs(priced, tokens, effective + off) == ""


@given(
    st.sampled_from(range(2000)),
    usages(),
    moments,
    st.sampled_from(("0", "1")) | st.decimals(min_value=0, max_value=100, places=6).map(str),
)
def test_a_factor_on_list_prices_is_one_on_what_genai_prices_says(
    number: int, tokens: Tokens, when: datetime, factor: str
) -> None:
    endpoints = priced_endpoints()
    priced = endpoints[number % len(endpoints)]
    version = price_at(priced.versions, when)
    assert version is not None
    discount = PriceOverride(
        id="discount", organisation_id="acme", provider="any", effective=when, recorded=when, factor=Decimal(factor)
    )
    price = overridden(compile_price(version), discount)
    assert price is not None
    rating = price.rate(tokens)

    listed = priced.ours(tokens, when) if differs(priced, tokens, when) else priced.oracle(tokens, when)
    assert (rating and rating.amount) == (None if listed is None else EXACT.multiply(listed, Decimal(factor)))
    assert rating is None or rating.price_version_id == version.id


def test_own_prices_that_are_the_list_s_rate_as_genai_prices_does() -> None:
    drawn = random.Random(17)
    compared = 0
    for priced in priced_endpoints():
        when = YEARS[0] + drawn.random() * (YEARS[1] - YEARS[0])
        version = price_at(priced.versions, when)
        assert version is not None
        own = PriceOverride(
            id="contract",
            organisation_id="acme",
            provider="any",
            endpoint_id=priced.endpoint,
            effective=when,
            recorded=when,
            unit_prices=version.unit_prices,
        )
        price = overridden(None, own)
        tokens = Counts(*(drawn.randint(0, 10_000) for _ in Counts._fields)).tokens
        if price is not None and not differs(priced, tokens, when):
            rating = price.rate(tokens)
            assert rating is not None
            assert (rating.amount, rating.price_version_id) == (priced.oracle(tokens, when), "contract")
            compared += 1

    assert compared > 0.98 * len(priced_endpoints())
