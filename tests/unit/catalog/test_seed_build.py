"""The tool that writes the seed."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest
from genai_prices import data_snapshot
from genai_prices.types import (
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    StartDateConstraint,
    Tier,
    TieredPrices,
    TimeOfDateConstraint,
)

from services.catalog.seed.build import main
from services.catalog.seed.curated import read_curated
from services.catalog.seed.facts import read_facts
from services.catalog.seed.load import MODELS, PROVIDERS, load_models
from services.catalog.seed.pricing import Figures, dated, figures_of
from services.catalog.seed.rows import TieredPrice
from services.rating import SINCE_EVER
from tests.fixtures.references import MODEL_FACTS, needs

PLAIN = figures_of(ModelPrice(input_mtok=Decimal(1)))


def listed(*prices: ConditionalPrice) -> ModelInfo:
    return ModelInfo(id="m", match=ClauseEquals("m"), prices=list(prices))


@needs(MODEL_FACTS)
def test_a_rebuild_on_another_day_writes_the_same_files(tmp_path: Path) -> None:
    assert main(["--facts", str(MODEL_FACTS), "--into", str(tmp_path), "--date", "2031-01-01"]) == 0

    assert (tmp_path / MODELS.name).read_bytes() == MODELS.read_bytes()
    assert (tmp_path / PROVIDERS.name).read_bytes() == PROVIDERS.read_bytes()


@needs(MODEL_FACTS)
@pytest.mark.parametrize("listed_as", ("openai", "anthropic", "google", "openrouter"))
def test_every_model_that_models_dev_knows_is_in_the_seed_or_left_out_for_a_reason(listed_as: str) -> None:
    curated, facts = read_curated(), read_facts(MODEL_FACTS)
    (provider,) = [row for row in curated.providers if row.listed_as == listed_as]
    offered = {
        name
        for model in load_models()
        for endpoint in model.endpoints
        if endpoint.provider == provider.name
        for name in (endpoint.provider_model_id.lower(), model.id, *model.aliases)
    }
    known = facts.known(listed_as)

    assert known
    assert [name for name in known if name.lower() not in offered and curated.serves(provider.name, name)] == []


@needs(MODEL_FACTS)
def test_what_only_models_dev_knows_is_priced_by_it_and_says_so() -> None:
    models = {model.id: model for model in load_models()}
    (price,) = models["poolside/laguna-m.1"].endpoints[0].prices

    assert price.source == read_facts(MODEL_FACTS).label
    assert price.per_million == {
        "prompt_token": Decimal("0.2"),
        "cached_token": Decimal("0.1"),
        "completion_token": Decimal("0.4"),
    }
    assert models["openrouter/auto"].endpoints[0].prices == ()


def test_every_unit_of_genai_prices_is_kept_or_named_as_one_that_is_not() -> None:
    left_out = {"input_mchars", "output_video_mtok", "audio_hours", "input_audio_hours", "storage_searches_kcount"}
    listed_as = {row.listed_as for row in read_curated().providers if row.listed_as}
    names = set[str]()
    for provider in data_snapshot.get_snapshot().providers:
        for model in provider.models if provider.id in listed_as else ():
            entries = [model.prices] if isinstance(model.prices, ModelPrice) else [e.prices for e in model.prices]
            names |= {name for entry in entries for name, price in vars(entry).items() if price is not None}
    parts = names - {"input_mtok"}
    kept = {name for name in parts if figures_of(ModelPrice(input_mtok=Decimal(1), **{name: Decimal(1)})) != PLAIN}

    assert parts - kept == left_out


def test_prices_keep_their_exact_value_in_our_units() -> None:
    prices = ModelPrice(
        input_mtok=TieredPrices(base=Decimal("1.250"), tiers=[Tier(start=200_000, price=Decimal("2.50"))]),
        output_mtok=Decimal(10),
        cache_read_mtok=Decimal("0.0208333333333333"),
        cache_write_1h_mtok=Decimal("6.0"),
        web_searches_kcount=Decimal("35.00"),
        storage_searches_kcount=Decimal("2.5"),
    )

    assert figures_of(prices) == Figures(
        {
            "prompt_token": TieredPrice(Decimal("1.25"), {200_000: Decimal("2.5")}),
            "cached_token": Decimal("0.0208333333333333"),
            "completion_token": Decimal(10),
            "cache_write_1h_token": Decimal(6),
        },
        {"web_search": Decimal(35)},
    )


def test_what_has_no_price_by_the_token_is_unpriced() -> None:
    assert figures_of(ModelPrice(web_searches_kcount=Decimal(35), audio_hours=Decimal(3))) == Figures()


def test_a_price_with_a_start_date_holds_from_that_midnight() -> None:
    model = listed(
        ConditionalPrice(prices=ModelPrice(input_mtok=Decimal(2))),
        ConditionalPrice(StartDateConstraint(date(2026, 3, 13)), prices=ModelPrice(input_mtok=Decimal(1))),
    )

    assert list(dated(model)) == [
        (SINCE_EVER, Figures({"prompt_token": Decimal(2)})),
        (datetime(2026, 3, 13, tzinfo=UTC), Figures({"prompt_token": Decimal(1)})),
    ]


def test_a_change_of_what_we_do_not_count_is_no_change() -> None:
    model = listed(
        ConditionalPrice(prices=ModelPrice(input_mtok=Decimal(2), storage_searches_kcount=Decimal(10))),
        ConditionalPrice(StartDateConstraint(date(2026, 3, 13)), prices=ModelPrice(input_mtok=Decimal("2.0"))),
    )

    assert list(dated(model)) == [(SINCE_EVER, Figures({"prompt_token": Decimal(2)}))]


def test_of_prices_by_the_hour_the_base_price_stands() -> None:
    night = TimeOfDateConstraint(time(16, 30), time(0, 30))
    model = listed(
        ConditionalPrice(prices=ModelPrice(input_mtok=Decimal(2))),
        ConditionalPrice(night, prices=ModelPrice(input_mtok=Decimal(1))),
    )

    assert list(dated(model)) == [(SINCE_EVER, Figures({"prompt_token": Decimal(2)}))]


def test_what_is_curated_bears_on_models_that_exist() -> None:
    curated, known = read_curated(), {model.id for model in load_models()}

    assert {name for entry in curated.deprecations for name in entry.models} <= known
    assert set(curated.same.values()) <= known
    assert all(entry.reason for entry in curated.left_out)
    assert all(entry.source.startswith("https://") for entry in curated.deprecations)
