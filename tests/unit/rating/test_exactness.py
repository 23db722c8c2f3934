"""Ratings against an independent calculation in fractions, and against themselves."""

from dataclasses import astuple, fields
from decimal import Decimal, Inexact
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rating import (
    EXACT,
    SINCE_EVER,
    PriceTier,
    PriceUnit,
    PriceVersion,
    Rating,
    Tokens,
    UnitPrice,
    compile_price,
    rate,
)

TOKEN_UNITS = tuple(unit for unit in PriceUnit if unit.name.endswith("_TOKEN"))
COMPLETION_UNITS = {
    PriceUnit.COMPLETION_TOKEN,
    PriceUnit.REASONING_TOKEN,
    PriceUnit.COMPLETION_AUDIO_TOKEN,
    PriceUnit.COMPLETION_IMAGE_TOKEN,
}
COUNTS = len(fields(Tokens))
MOST = 2**63 - 1

prices = st.decimals(min_value=0, max_value=Decimal(1000), places=12)
pers = st.sampled_from((1, 1000, 1_000_000, 1_000_000_000))
counts = st.integers(min_value=0, max_value=MOST)


@st.composite
def versions(draw: st.DrawFn, *, tiered: bool = True) -> PriceVersion:
    units = {PriceUnit.PROMPT_TOKEN, PriceUnit.COMPLETION_TOKEN} | draw(st.sets(st.sampled_from(TOKEN_UNITS)))
    thresholds = draw(st.lists(st.integers(0, 1_000_000), max_size=2, unique=True)) if tiered else []
    return PriceVersion(
        "drawn",
        SINCE_EVER,
        SINCE_EVER,
        tuple(
            UnitPrice(
                unit, draw(prices), draw(pers), tuple(PriceTier(start, draw(prices)) for start in sorted(thresholds))
            )
            for unit in sorted(units)
        ),
        "test",
    )


@st.composite
def whole_tokens(draw: st.DrawFn, most: int = 10**9) -> Tokens:
    """Counts whose parts fit into their whole side by side."""
    plain, cached, written, audio, text, reasoning, spoken = (draw(st.integers(0, most)) for _ in range(7))
    kept, image, video, painted = (draw(st.integers(0, most)) for _ in range(4))
    return Tokens(
        prompt_tokens=plain + cached + written + kept + audio + image + video,
        completion_tokens=text + reasoning + spoken + painted,
        cached_tokens=cached,
        cache_write_tokens=written + kept,
        reasoning_tokens=reasoning,
        prompt_audio_tokens=audio,
        completion_audio_tokens=spoken,
        cache_write_1h_tokens=kept,
        prompt_image_tokens=image,
        prompt_video_tokens=video,
        completion_image_tokens=painted,
    )


def known(rating: Rating | None) -> Rating:
    assert rating is not None
    return rating


def in_fractions(tokens: Tokens, version: PriceVersion) -> Fraction:
    """Each part at its own price, or else at that of its whole."""
    prompt = tokens.prompt_tokens or 0
    each = {entry.unit: Fraction(entry.at(prompt)) / entry.per for entry in version.unit_prices}
    plain, completion = each[PriceUnit.PROMPT_TOKEN], each[PriceUnit.COMPLETION_TOKEN]
    kept = tokens.cache_write_1h_tokens or 0
    # Cache writes of an hour without a price of their own are cache writes like others.
    kept_unit = (
        PriceUnit.CACHE_WRITE_1H_TOKEN if PriceUnit.CACHE_WRITE_1H_TOKEN in each else PriceUnit.CACHE_WRITE_TOKEN
    )
    prompt_parts = (
        (PriceUnit.CACHED_TOKEN, tokens.cached_tokens or 0),
        (PriceUnit.CACHE_WRITE_TOKEN, (tokens.cache_write_tokens or 0) - kept),
        (kept_unit, kept),
        (PriceUnit.PROMPT_AUDIO_TOKEN, tokens.prompt_audio_tokens or 0),
        (PriceUnit.PROMPT_IMAGE_TOKEN, tokens.prompt_image_tokens or 0),
        (PriceUnit.PROMPT_VIDEO_TOKEN, tokens.prompt_video_tokens or 0),
    )
    completion_parts = (
        (PriceUnit.REASONING_TOKEN, tokens.reasoning_tokens or 0),
        (PriceUnit.COMPLETION_AUDIO_TOKEN, tokens.completion_audio_tokens or 0),
        (PriceUnit.COMPLETION_IMAGE_TOKEN, tokens.completion_image_tokens or 0),
    )
    total = plain * prompt + completion * (tokens.completion_tokens or 0)
    total += sum(((each.get(unit, plain) - plain) * count for unit, count in prompt_parts), Fraction(0))
    return total + sum(
        ((each.get(unit, completion) - completion) * count for unit, count in completion_parts), Fraction(0)
    )


@given(whole_tokens(), versions())
def test_a_cost_is_what_fractions_say(tokens: Tokens, version: PriceVersion) -> None:
    assert Fraction(known(rate(tokens, version)).amount) == in_fractions(tokens, version)


@given(counts, counts, counts, versions())
def test_nothing_is_rounded_up_to_the_largest_counts(
    prompt: int, cached: int, completion: int, version: PriceVersion
) -> None:
    rating = known(rate(Tokens(prompt, completion, cached_tokens=min(cached, prompt)), version))

    assert sum((Fraction(line.price) / line.per * line.quantity for line in rating.lines), Fraction(0)) == Fraction(
        rating.amount
    )


@given(whole_tokens(), whole_tokens(), versions(tiered=False))
def test_the_costs_of_two_halves_add_up_to_that_of_the_whole(one: Tokens, other: Tokens, version: PriceVersion) -> None:
    both = Tokens(*(a + b for a, b in zip(counted(one), counted(other), strict=True)))

    halves = EXACT.add(known(rate(one, version)).amount, known(rate(other, version)).amount)
    assert halves == known(rate(both, version)).amount


@given(
    st.builds(Tokens, *(st.none() | st.integers(-5, 300_000) for _ in range(COUNTS))),
    versions(),
    st.integers(0, 3),
)
def test_a_compiled_price_rates_alike(tokens: Tokens, version: PriceVersion, requests: int) -> None:
    compiled = compile_price(version)
    rating = compiled.rate(tokens, requests)

    assert rating == rate(tokens, version, requests)
    assert rating == compiled.rate(tokens, requests)


@given(st.builds(Tokens, *(st.integers(0, 300_000) for _ in range(COUNTS))), versions())
def test_the_lines_add_up_and_charge_every_token_once(tokens: Tokens, version: PriceVersion) -> None:
    rating = known(rate(tokens, version))
    lines = rating.lines

    assert sum((Fraction(line.amount) for line in lines), Fraction(0)) == Fraction(rating.amount)
    assert all(line.quantity > 0 and isinstance(line.amount, Decimal) for line in lines)
    assert [line.unit for line in lines] == sorted({line.unit for line in lines})
    charged = sum(line.quantity for line in lines if line.unit not in COMPLETION_UNITS)
    assert charged >= (tokens.prompt_tokens or 0)


def test_a_lost_digit_would_be_an_error() -> None:
    with pytest.raises(Inexact):
        EXACT.multiply(Decimal("1." + "3" * 60), Decimal("1." + "7" * 60))


def counted(tokens: Tokens) -> tuple[int, ...]:
    return tuple(count or 0 for count in astuple(tokens))
