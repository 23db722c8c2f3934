from decimal import Decimal

import pytest

from services.rating import SINCE_EVER, PriceTier, PriceUnit, PriceVersion, Tokens, UnitPrice, rate

MILLION = 1_000_000


def priced(per: int = MILLION, **prices: str) -> PriceVersion:
    """Prices by the name of the unit, in small letters."""
    units = tuple(UnitPrice(PriceUnit[name.upper()], Decimal(price), per) for name, price in prices.items())
    return PriceVersion("v1", SINCE_EVER, SINCE_EVER, units, "test")


SONNET = priced(prompt_token="3", cached_token="0.3", cache_write_token="3.75", completion_token="15")
REALTIME = priced(
    prompt_token="4",
    cached_token="0.4",
    prompt_audio_token="32",
    cached_audio_token="0.5",
    completion_token="16",
    completion_audio_token="64",
)


def cost(tokens: Tokens, price: PriceVersion, images: int | None = None) -> Decimal | None:
    rating = rate(tokens, price, images=images)
    return None if rating is None else rating.amount


def bill(tokens: Tokens, price: PriceVersion) -> dict[str, int]:
    rating = rate(tokens, price)
    assert rating is not None
    return {line.unit.name.lower(): line.quantity for line in rating.lines}


def test_prompt_and_completion_are_charged_per_million() -> None:
    assert cost(Tokens(1000, 200), SONNET) == Decimal("0.006")


def test_cached_and_cache_write_tokens_leave_the_plain_remainder() -> None:
    tokens = Tokens(1000, 10, cached_tokens=600, cache_write_tokens=300)

    assert bill(tokens, SONNET) == {
        "prompt_token": 100,
        "cached_token": 600,
        "cache_write_token": 300,
        "completion_token": 10,
    }
    assert cost(tokens, SONNET) == Decimal("0.0003") + Decimal("0.00018") + Decimal("0.001125") + Decimal("0.00015")


def test_cache_writes_kept_for_an_hour_leave_the_other_cache_writes() -> None:
    tokens = Tokens(1000, 0, cache_write_tokens=300, cache_write_1h_tokens=200)
    hourly = priced(prompt_token="3", cache_write_token="3.75", cache_write_1h_token="6", completion_token="15")

    assert bill(tokens, hourly) == {"prompt_token": 700, "cache_write_token": 100, "cache_write_1h_token": 200}
    assert bill(tokens, SONNET) == {"prompt_token": 700, "cache_write_token": 300}
    assert bill(tokens, priced(prompt_token="3", cache_write_1h_token="6")) == {
        "prompt_token": 800,
        "cache_write_1h_token": 200,
    }


def test_no_more_is_kept_for_an_hour_than_was_written() -> None:
    price = priced(prompt_token="3", cache_write_token="3.75", cache_write_1h_token="6")

    assert bill(Tokens(10, 0, cache_write_tokens=4, cache_write_1h_tokens=9), price) == {
        "prompt_token": 6,
        "cache_write_1h_token": 4,
    }


def test_images_and_video_leave_the_prompt_and_images_the_completion_where_they_have_a_price() -> None:
    price = priced(
        prompt_token="1",
        prompt_image_token="2",
        prompt_video_token="3",
        completion_token="4",
        completion_image_token="5",
    )
    tokens = Tokens(
        100, 50, prompt_image_tokens=30, prompt_video_tokens=20, completion_image_tokens=40, prompt_audio_tokens=9
    )

    assert bill(tokens, price) == {
        "prompt_token": 50,
        "completion_token": 10,
        "prompt_image_token": 30,
        "prompt_video_token": 20,
        "completion_image_token": 40,
    }


def test_a_part_without_a_price_stays_in_the_remainder() -> None:
    price = priced(prompt_token="3", completion_token="15")
    tokens = Tokens(1000, 50, 600, 300, 40, 10, 5)

    assert bill(tokens, price) == {"prompt_token": 1000, "completion_token": 50}


def test_reasoning_and_audio_leave_the_completion_where_they_have_a_price() -> None:
    price = priced(prompt_token="1", completion_token="2", reasoning_token="3", completion_audio_token="4")

    assert bill(Tokens(0, 100, reasoning_tokens=60, completion_audio_tokens=30), price) == {
        "completion_token": 10,
        "reasoning_token": 60,
        "completion_audio_token": 30,
    }


def test_audio_is_taken_not_to_come_from_the_cache_while_there_is_room() -> None:
    assert bill(Tokens(100, 0, cached_tokens=50, prompt_audio_tokens=50), REALTIME) == {
        "cached_token": 50,
        "prompt_audio_token": 50,
    }


def test_audio_without_room_beside_the_cached_tokens_is_cached_audio() -> None:
    assert bill(Tokens(100, 0, cached_tokens=80, prompt_audio_tokens=50), REALTIME) == {
        "cached_token": 50,
        "prompt_audio_token": 20,
        "cached_audio_token": 30,
    }


def test_audio_is_cached_as_far_as_the_provider_says() -> None:
    assert bill(Tokens(100, 0, cached_tokens=50, prompt_audio_tokens=50, cached_audio_tokens=20), REALTIME) == {
        "prompt_token": 20,
        "cached_token": 30,
        "prompt_audio_token": 30,
        "cached_audio_token": 20,
    }
    assert bill(Tokens(100, 0, cached_tokens=50, prompt_audio_tokens=50, cached_audio_tokens=0), REALTIME) == {
        "cached_token": 50,
        "prompt_audio_token": 50,
    }


def test_no_more_audio_is_cached_than_there_is() -> None:
    assert bill(Tokens(100, 0, cached_tokens=30, prompt_audio_tokens=20, cached_audio_tokens=99), REALTIME) == {
        "prompt_token": 70,
        "cached_token": 10,
        "cached_audio_token": 20,
    }


def test_images_from_the_cache_are_cached_images_and_where_these_have_no_price_cached() -> None:
    tokens = Tokens(100, 0, cached_tokens=60, prompt_image_tokens=50, cached_image_tokens=40)
    plain = priced(prompt_token="1", cached_token="0.1", prompt_image_token="2")
    own = priced(prompt_token="1", cached_token="0.1", prompt_image_token="2", cached_image_token="0.2")

    assert bill(tokens, own) == {
        "prompt_token": 30,
        "cached_token": 20,
        "prompt_image_token": 10,
        "cached_image_token": 40,
    }
    assert bill(tokens, plain) == {"prompt_token": 30, "cached_token": 60, "prompt_image_token": 10}


def test_what_must_be_cached_is_taken_from_the_audio_before_the_images_and_the_video() -> None:
    tokens = Tokens(100, 0, cached_tokens=90, prompt_audio_tokens=10, prompt_image_tokens=20, prompt_video_tokens=30)
    price = priced(
        prompt_token="1", cached_token="2", prompt_audio_token="3", prompt_image_token="4", prompt_video_token="5"
    )

    assert bill(tokens, price) == {"cached_token": 90, "prompt_video_token": 10}


def test_cached_audio_without_a_price_is_cached() -> None:
    price = priced(prompt_token="4", cached_token="0.4", prompt_audio_token="32", completion_token="16")

    assert bill(Tokens(100, 0, cached_tokens=80, prompt_audio_tokens=50), price) == {
        "cached_token": 80,
        "prompt_audio_token": 20,
    }


def test_cached_audio_without_any_price_for_the_cache_is_audio() -> None:
    price = priced(prompt_token="4", prompt_audio_token="32", completion_token="16")

    assert bill(Tokens(100, 0, cached_tokens=80, prompt_audio_tokens=50), price) == {
        "prompt_token": 50,
        "prompt_audio_token": 50,
    }


def test_more_cached_than_prompt_tokens_are_charged_as_reported_beside_no_remainder() -> None:
    assert bill(Tokens(7, 1, cached_tokens=161), SONNET) == {"cached_token": 161, "completion_token": 1}


def test_more_cached_than_prompt_tokens_change_nothing_where_cached_has_no_price() -> None:
    assert bill(Tokens(7, 1, cached_tokens=161), priced(prompt_token="3", completion_token="15")) == {
        "prompt_token": 7,
        "completion_token": 1,
    }


def test_more_reasoning_than_completion_tokens_leave_no_remainder() -> None:
    price = priced(prompt_token="1", completion_token="2", reasoning_token="3")

    assert bill(Tokens(0, 77, reasoning_tokens=121), price) == {"reasoning_token": 121}


@pytest.mark.parametrize("tokens", (Tokens(), Tokens(None, 5), Tokens(5, None), Tokens(-1, 5), Tokens(5, -1)))
def test_the_cost_is_unknown_without_prompt_and_completion_counts(tokens: Tokens) -> None:
    assert rate(tokens, SONNET) is None


def test_negative_parts_count_as_not_reported() -> None:
    assert bill(Tokens(10, 5, *[-3] * 12), REALTIME) == {"prompt_token": 10, "completion_token": 5}
    assert bill(Tokens(10, 5, 4, -3, -3, 4, -3, -3, -3), REALTIME)["prompt_token"] == 2


def test_the_cost_is_unknown_where_tokens_are_left_without_a_price() -> None:
    assert rate(Tokens(1, 0), priced(completion_token="2")) is None
    assert rate(Tokens(0, 1), priced(prompt_token="2")) is None
    assert rate(Tokens(1, 1), priced()) is None


def test_what_is_not_used_needs_no_price() -> None:
    assert cost(Tokens(10, 0), priced(prompt_token="2")) == Decimal("0.00002")
    assert cost(Tokens(10, 0, cached_tokens=10), priced(cached_token="1")) == Decimal("0.00001")


def test_free_is_known_and_zero() -> None:
    rating = rate(Tokens(1000, 200), priced(prompt_token="0", completion_token="0"))

    assert rating is not None
    assert rating.amount == 0
    assert [line.quantity for line in rating.lines] == [1000, 200]


def test_no_tokens_cost_nothing() -> None:
    rating = rate(Tokens(0, 0), SONNET)

    assert rating is not None
    assert rating.amount == 0
    assert rating.lines == ()


def test_the_prompt_tokens_choose_the_tier_of_every_unit() -> None:
    price = PriceVersion(
        "tiered",
        SINCE_EVER,
        SINCE_EVER,
        (
            UnitPrice(PriceUnit.PROMPT_TOKEN, Decimal("1.25"), MILLION, (PriceTier(200_000, Decimal("2.5")),)),
            UnitPrice(PriceUnit.CACHED_TOKEN, Decimal("0.125"), MILLION),
            UnitPrice(PriceUnit.COMPLETION_TOKEN, Decimal(10), MILLION, (PriceTier(200_000, Decimal(15)),)),
        ),
        "test",
    )

    def applied(prompt_tokens: int) -> list[Decimal]:
        rating = rate(Tokens(prompt_tokens, 1, cached_tokens=1000), price)
        assert rating is not None
        return [line.price for line in rating.lines]

    assert applied(200_000) == [Decimal("1.25"), Decimal("0.125"), Decimal(10)]
    assert applied(200_001) == [Decimal("2.5"), Decimal("0.125"), Decimal(15)]


def test_requests_are_charged_each() -> None:
    price = priced(per=1000, request="5", prompt_token="0", completion_token="0")
    rating = rate(Tokens(0, 0), price, requests=2)

    assert rating is not None
    assert rating.amount == Decimal("0.01")


def test_web_searches_are_charged_each_and_none_where_nobody_counted_them() -> None:
    searches = UnitPrice(PriceUnit.WEB_SEARCH, Decimal(10), 1000)
    price = PriceVersion("searching", SINCE_EVER, SINCE_EVER, (*SONNET.unit_prices, searches), "test")

    assert cost(Tokens(0, 0, web_searches=3), price) == Decimal("0.03")
    assert cost(Tokens(0, 0, web_searches=0), price) == cost(Tokens(0, 0), price) == 0
    assert cost(Tokens(0, 0, web_searches=3), SONNET) == 0


def test_images_are_charged_each_and_unknown_where_nobody_counted_them() -> None:
    price = priced(per=1, prompt_image="0.001", prompt_token="0", completion_token="0")

    assert cost(Tokens(0, 0), price, images=3) == Decimal("0.003")
    assert cost(Tokens(0, 0), price, images=0) == 0
    assert cost(Tokens(0, 0), price) is None
    assert cost(Tokens(0, 0), priced(prompt_image="0")) == 0


def test_a_rating_names_its_price_and_its_lines_explain_it() -> None:
    rating = rate(Tokens(1000, 200, cached_tokens=900), SONNET)

    assert rating is not None
    assert rating.price_version_id == "v1"
    assert [(line.unit, line.quantity, line.price, line.per, line.amount) for line in rating.lines] == [
        (PriceUnit.PROMPT_TOKEN, 100, Decimal(3), MILLION, Decimal("0.0003")),
        (PriceUnit.CACHED_TOKEN, 900, Decimal("0.3"), MILLION, Decimal("0.00027")),
        (PriceUnit.COMPLETION_TOKEN, 200, Decimal(15), MILLION, Decimal("0.003")),
    ]
