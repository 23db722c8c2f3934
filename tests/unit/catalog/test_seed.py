"""The rows that are committed."""

import json
import re
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args
from uuid import UUID

import msgspec
import pytest

from pantheon.catalog.v1 import model_pb2, provider_pb2
from services.catalog.addresses import base_url
from services.catalog.entities import PARAMETER_NAMES
from services.catalog.seed.load import MODELS, PROVIDERS, load_models, load_providers
from services.catalog.seed.pricing import Figures, seed_price
from services.catalog.seed.rows import (
    AuthStyle,
    Modality,
    ParameterName,
    SeedEndpoint,
    SeedModel,
    SeedProvider,
    WireFormat,
)
from services.parameters import check_parameters
from services.rating import SINCE_EVER, Tokens, price_at, rate

TODAY = datetime(2026, 11, 22, tzinfo=UTC)

# By the names of the guide: a canonical id and a name that people type.
GUIDE = {
    "GPT-4 Turbo": ("openai/gpt-4-turbo", "gpt-4-turbo"),
    "GPT-4": ("openai/gpt-4", "gpt-4"),
    "GPT-3.5 Turbo": ("openai/gpt-3.5-turbo", "gpt-3.5-turbo"),
    "Claude 3 Opus": ("anthropic/claude-3-opus", "claude-3-opus-20240229"),
    "Claude 3 Sonnet": ("anthropic/claude-3-sonnet", "claude-3-sonnet"),
    "Claude 3 Haiku": ("anthropic/claude-3-haiku", "claude-3-haiku"),
    "Gemini Pro": ("google/gemini-pro", "gemini-pro"),
    "Gemini Pro Vision": ("google/gemini-pro-vision", "gemini-pro-vision"),
    "Llama 2 70B Chat": ("meta-llama/llama-2-70b-chat", "llama-2"),
    "Llama 3 70B Instruct": ("meta-llama/llama-3-70b-instruct", "llama-3"),
    "Mistral 7B Instruct": ("mistralai/mistral-7b-instruct", "mistral-7b"),
    "Mixtral 8x7B Instruct": ("mistralai/mixtral-8x7b-instruct", "mixtral-8x7b"),
}


@pytest.fixture(scope="module")
def models() -> tuple[SeedModel, ...]:
    return load_models()


@pytest.fixture(scope="module")
def by_name(models: tuple[SeedModel, ...]) -> dict[str, SeedModel]:
    return {name: model for model in models for name in (model.id, *model.aliases)}


def endpoints(models: tuple[SeedModel, ...]) -> list[SeedEndpoint]:
    return [endpoint for model in models for endpoint in model.endpoints]


@pytest.mark.parametrize("name", GUIDE)
def test_the_models_of_the_guide_are_found_priced_and_offered_by_openrouter(
    name: str, by_name: dict[str, SeedModel]
) -> None:
    canonical, alias = GUIDE[name]
    model = by_name[canonical]

    assert model.id == canonical
    assert by_name[alias] is model
    assert model.display_name == name
    assert model.context_window is not None
    assert model.endpoints[-1].provider == "openrouter"
    for endpoint in model.endpoints:
        price = price_at([entry.version() for entry in endpoint.prices], TODAY)
        assert price is not None
        assert rate(Tokens(1000, 1000), price) is not None


@pytest.mark.parametrize("name", GUIDE)
def test_the_models_of_the_guide_are_offered_by_the_providers_of_the_guide(
    name: str, by_name: dict[str, SeedModel]
) -> None:
    model = by_name[GUIDE[name][1]]
    direct = {"openai": ["openai"], "anthropic": ["anthropic"], "google": ["gemini"]}

    assert [endpoint.provider for endpoint in model.endpoints] == [
        *direct.get(model.id.partition("/")[0], []),
        "openrouter",
    ]


@pytest.mark.parametrize("name", ("gpt-3.5", "llama-2-70b", "llama-3-8b", "meta-llama/llama-2-13b-chat"))
def test_what_the_guide_calls_by_half_a_name_is_found_too(name: str, by_name: dict[str, SeedModel]) -> None:
    assert by_name[name].endpoints


def test_a_model_that_is_not_available_yet_is_known_without_an_endpoint(by_name: dict[str, SeedModel]) -> None:
    ultra = by_name["gemini-ultra"]

    assert (ultra.id, ultra.display_name, ultra.endpoints) == ("google/gemini-ultra", "Gemini Ultra", ())


def test_models_of_the_guide_that_vendors_gave_up_say_since_when(by_name: dict[str, SeedModel]) -> None:
    since = {
        name: model.deprecation_time.date().isoformat()
        for name in ("gpt-4", "claude-3-opus", "claude-3-sonnet", "gemini-pro-vision")
        if (model := by_name[name]).deprecation_time is not None
    }

    assert since == {
        "gpt-4": "2026-04-22",
        "claude-3-opus": "2025-06-30",
        "claude-3-sonnet": "2025-01-21",
        "gemini-pro-vision": "2024-07-12",
    }


def test_a_successor_is_another_model_and_follows_only_what_is_deprecated(by_name: dict[str, SeedModel]) -> None:
    followed = [model for model in by_name.values() if model.successor_id]

    assert followed
    for model in followed:
        assert model.deprecation_time is not None, model.id
        seen, following = [model.id], model.successor_id
        while following:
            assert following not in seen, seen
            seen.append(following)
            following = by_name[following].successor_id


def test_the_successors_of_the_guide_s_models_are_those_their_vendors_name(by_name: dict[str, SeedModel]) -> None:
    assert {
        name: by_name[name].successor_id for name in ("gpt-4", "gpt-4-turbo", "gpt-3.5-turbo", "claude-3-haiku")
    } == {
        "gpt-4": "openai/gpt-5.6-sol",
        "gpt-4-turbo": "openai/gpt-5.6-sol",
        "gpt-3.5-turbo": "openai/gpt-5.6-terra",
        "claude-3-haiku": "anthropic/claude-haiku-4.5",
    }


def test_parameters_that_models_do_not_take_are_those_of_their_vendors(by_name: dict[str, SeedModel]) -> None:
    sampling = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
    penalties = ("frequency_penalty", "presence_penalty")
    every = ("temperature", "max_tokens", "top_p", "frequency_penalty", "presence_penalty")
    for name, unsupported in (
        ("gpt-4", ()),
        ("gpt-4o", ()),
        ("o1", sampling),
        ("o1-mini", sampling),
        ("gpt-5", sampling),
        ("gpt-5.6-sol", sampling),
        ("claude-3-opus", penalties),
        ("claude-opus-4.6", penalties),
        ("claude-opus-4.8", sampling),
        ("gemini-2.5-pro", ()),
        ("text-embedding-3-small", every),
        ("relace/relace-apply-3", ("temperature",)),
    ):
        assert by_name[name].unsupported_parameters == unsupported, name


def test_defaults_of_their_own_are_in_range_and_of_parameters_they_take(models: tuple[SeedModel, ...]) -> None:
    own = [model for model in models if model.default_parameters]

    assert own
    for model in own:
        check_parameters(
            {str(name): value for name, value in model.default_parameters.items()}, most_tokens=model.max_output_tokens
        )
        assert not set(model.default_parameters) & set(model.unsupported_parameters)


def test_every_name_means_one_model(models: tuple[SeedModel, ...]) -> None:
    names = Counter(name for model in models for name in (model.id, *model.aliases))

    assert [name for name, times in names.items() if times > 1] == []


def test_ids_are_vendor_and_model_and_names_are_in_small_letters(models: tuple[SeedModel, ...]) -> None:
    for model in models:
        assert re.fullmatch(r"[a-z0-9-]+/[a-z0-9._:-]+", model.id), model.id
        assert all(alias == alias.lower() and alias not in ("", "auto") for alias in model.aliases), model.aliases


def test_a_bare_word_names_no_model_that_only_an_aggregator_offers(by_name: dict[str, SeedModel]) -> None:
    assert "switchpoint/router" in by_name
    assert "router" not in by_name


def test_models_stand_in_the_order_of_their_ids_and_lines(models: tuple[SeedModel, ...]) -> None:
    assert [model.id for model in models] == sorted(model.id for model in models)
    assert len(MODELS.read_text(encoding="utf-8").splitlines()) == len(models) + 2


def test_every_endpoint_is_one_offer_of_a_provider_that_exists(models: tuple[SeedModel, ...]) -> None:
    providers = [provider.name for provider in load_providers()]
    ids = Counter(endpoint.id for endpoint in endpoints(models))

    assert {endpoint.provider for endpoint in endpoints(models)} <= set(providers)
    assert [endpoint for endpoint, times in ids.items() if times > 1] == []
    for model in models:
        order = [providers.index(endpoint.provider) for endpoint in model.endpoints]
        assert order == sorted(set(order)), f"{model.id}: its own vendor first, aggregators after"


def test_a_name_never_brings_another_snapshot_or_variant(by_name: dict[str, SeedModel]) -> None:
    for name, served in (
        ("gpt-4-0314", "gpt-4-0314"),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("claude-3-5-sonnet-20240620", "claude-3-5-sonnet-20240620"),
        ("gpt-5-codex", "gpt-5-codex"),
    ):
        assert by_name[name].endpoints[0].provider_model_id == served


def test_openrouters_offer_is_an_endpoint_of_the_vendors_model(by_name: dict[str, SeedModel]) -> None:
    for name, served in (
        ("gpt-4-turbo", ["openai:gpt-4-turbo", "openrouter:openai/gpt-4-turbo"]),
        ("gemini-1.5-pro", ["gemini:gemini-1.5-pro", "openrouter:google/gemini-pro-1.5"]),
        ("claude-opus-4-1", ["anthropic:claude-opus-4-1", "openrouter:anthropic/claude-opus-4.1"]),
        (
            "anthropic/claude-4.5-haiku-20251001",
            ["anthropic:claude-haiku-4-5", "openrouter:anthropic/claude-haiku-4.5"],
        ),
        ("claude-3-opus", ["anthropic:claude-3-opus-20240229", "openrouter:anthropic/claude-3-opus"]),
    ):
        assert [endpoint.id for endpoint in by_name[name].endpoints] == served


def test_prices_are_dated_in_rising_order_and_none_comes_twice(models: tuple[SeedModel, ...]) -> None:
    ids = Counter(price.id for endpoint in endpoints(models) for price in endpoint.prices)

    assert [price for price, times in ids.items() if times > 1] == []
    for endpoint in endpoints(models):
        moments = [price.effective for price in endpoint.prices]
        assert moments == sorted(set(moments)), endpoint.id
        assert moments[:1] in ([], [SINCE_EVER]), endpoint.id


def test_the_id_of_a_price_follows_from_endpoint_moment_and_figures(models: tuple[SeedModel, ...]) -> None:
    for endpoint in endpoints(models):
        for price in endpoint.prices:
            figures = Figures(price.per_million, price.per_thousand)
            again = seed_price(endpoint.id, price.effective, figures, TODAY + timedelta(days=9), "elsewhere")
            assert again.id == price.id
            assert UUID(price.id).version == 5


def test_every_price_makes_a_value_that_rates(models: tuple[SeedModel, ...]) -> None:
    for endpoint in endpoints(models):
        for price in endpoint.prices:
            version = price.version()
            assert (version.id, version.effective, version.recorded) == (price.id, price.effective, price.recorded)
            pers = {entry.unit.name.lower(): entry.per for entry in version.unit_prices}
            tokens = dict.fromkeys(price.per_million, 1_000_000)
            assert pers == tokens | dict.fromkeys(price.per_thousand, 1_000)


def test_money_is_written_as_decimal_strings() -> None:
    rows = json.loads(MODELS.read_text(encoding="utf-8"))
    figures = [
        figure
        for row in rows
        for endpoint in row.get("endpoints", ())
        for price in endpoint.get("prices", ())
        for figure in (*price["per_million"].values(), *price.get("per_thousand", {}).values())
    ]

    assert figures
    for figure in figures:
        for price in [figure] if isinstance(figure, str) else [figure["price"], *figure["above"].values()]:
            assert re.fullmatch(r"0|[1-9]\d*|(0|[1-9]\d*)\.\d*[1-9]", price), price


def test_free_offers_are_priced_at_zero_and_others_without_figures_are_unpriced(by_name: dict[str, SeedModel]) -> None:
    free = by_name["openai/gpt-oss-120b:free"].endpoints[0].prices[0].version()
    rating = rate(Tokens(1000, 1000), free)

    assert rating is not None
    assert rating.amount == 0
    assert by_name["google/lyria-3-pro-preview"].endpoints[0].prices == ()


def test_words_are_those_of_the_contract() -> None:
    assert get_args(ParameterName) == PARAMETER_NAMES

    def named(enum: type[Modality | WireFormat | AuthStyle], prefix: str, numbers: dict[str, int]) -> None:
        assert {f"{prefix}_{member.name}" for member in enum} == {name for name, number in numbers.items() if number}

    named(Modality, "MODALITY", dict(model_pb2.Modality.items()))
    named(WireFormat, "WIRE_FORMAT", dict(provider_pb2.WireFormat.items()))
    named(AuthStyle, "AUTH_STYLE", dict(provider_pb2.AuthStyle.items()))


def test_the_providers_and_where_they_are() -> None:
    assert {provider.name: provider.base_url for provider in load_providers()} == {
        "openai": "https://api.openai.com/v1",
        "anthropic": "https://api.anthropic.com",
        "gemini": "https://generativelanguage.googleapis.com",
        "mistral": "https://api.mistral.ai/v1",
        "groq": "https://api.groq.com/openai/v1",
        "deepseek": "https://api.deepseek.com",
        "xai": "https://api.x.ai/v1",
        "together": "https://api.together.ai/v1",
        "fireworks": "https://api.fireworks.ai/inference/v1",
        "perplexity": "https://api.perplexity.ai/v1",
        "azure": "",
        "ollama": "http://127.0.0.1:11434/v1",
        "vllm": "http://127.0.0.1:8000/v1",
        "openrouter": "https://openrouter.ai/api/v1",
    }


@pytest.mark.parametrize("provider", [pytest.param(row, id=row.name) for row in load_providers()])
def test_a_provider_s_variables_are_its_own_and_one_of_them_makes_it_usable(provider: SeedProvider) -> None:
    assert re.fullmatch(r"[A-Z]+(_[A-Z]+)*_BASE_URL", provider.base_url_variable)
    if provider.auth_style is AuthStyle.NONE:
        assert provider.key_variable == ""
    else:
        assert provider.key_variable == provider.base_url_variable.replace("_BASE_URL", "_API_KEY")
    assert provider.base_url == "" or base_url(provider.base_url) == provider.base_url
    owners = [row.name for row in load_providers() if row.base_url_variable == provider.base_url_variable]
    assert owners == [provider.name]


def test_only_an_aggregator_comes_after_those_that_serve_their_own_models() -> None:
    providers = load_providers()
    assert [provider.name for provider in providers if provider.flags.aggregates_vendors] == [providers[-1].name]


def test_the_seed_loads_within_a_tenth_of_a_second() -> None:
    best = min(_seconds_to_load() for _ in range(3))

    assert best < 0.1


@pytest.mark.parametrize(
    "row",
    (
        b'[{"display_name":"no id"}]',
        b'[{"id":"a/b","context_window":"many"}]',
        b'[{"id":"a/b","input_modalities":["smell"]}]',
    ),
)
def test_a_row_that_is_wrong_is_refused(row: bytes, tmp_path: Path) -> None:
    wrong = tmp_path / "models.json"
    wrong.write_bytes(row)

    with pytest.raises(msgspec.ValidationError):
        load_models(wrong)


def test_both_files_end_with_a_line_break() -> None:
    assert MODELS.read_bytes().endswith(b"]\n")
    assert PROVIDERS.read_bytes().endswith(b"]\n")


def _seconds_to_load() -> float:
    begun = time.perf_counter()
    load_models()
    load_providers()
    return time.perf_counter() - begun
