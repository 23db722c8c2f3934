"""From a model's name to the endpoints that can serve it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.catalog import NOTHING_CHOSEN, Catalog, Chosen, Endpoint
from services.router.chat import ChatRequest, Format
from services.runtime.errors import InvalidField, ModelNotFound, NoEndpoint, PantheonError, UnsupportedFeature
from tests.unit.router.calls import catalog, endpoint, model, planned, price, provider, request

GPT_4 = model("openai/gpt-4", Endpoint("openai", "gpt-4"), Endpoint("openrouter", "openai/gpt-4"))
OPUS = model("anthropic/claude-3-opus", Endpoint("anthropic", "opus"), Endpoint("openrouter", "anthropic/opus"))
PROVIDERS = (
    provider("openai"),
    provider("openrouter", aggregates=True),
    provider("anthropic", speaks=False),
    provider("deepseek", configured=False),
)
CATALOG = catalog(PROVIDERS, (GPT_4, OPUS), gpt_4="openai/gpt-4")
WITHOUT_AGGREGATOR = catalog((provider("openai"), provider("deepseek", configured=False)), (GPT_4,))


def where(asked: ChatRequest | str, known: Catalog = CATALOG, settings: Chosen = NOTHING_CHOSEN) -> list[str]:
    """The endpoints of the plan, as `provider:model`."""
    asked = request(asked) if isinstance(asked, str) else asked
    plan = planned(asked, known, settings)
    return [f"{one.endpoint.provider}:{one.endpoint.provider_model_id}" for one in plan.candidates]


def test_a_canonical_name_is_served_by_its_endpoints_in_the_catalog_s_order() -> None:
    assert where("openai/gpt-4") == ["openai:gpt-4", "openrouter:openai/gpt-4"]


def test_an_alias_means_its_model() -> None:
    assert where("gpt-4") == where("openai/gpt-4")
    assert planned(request("gpt-4"), CATALOG).model == "openai/gpt-4"


def test_each_candidate_has_its_provider_and_the_format_it_speaks() -> None:
    first, _ = planned(request("gpt-4"), CATALOG).candidates
    assert first.provider is PROVIDERS[0]
    assert first.wire is PROVIDERS[0].wires[Format.CHAT]


def test_a_provider_without_a_key_or_of_a_format_unknown_here_is_passed_over() -> None:
    assert where("anthropic/claude-3-opus") == ["openrouter:anthropic/opus"]


def test_a_model_that_no_configured_provider_offers_has_no_endpoint() -> None:
    known = catalog((provider("openai", configured=False),), (GPT_4,))
    with pytest.raises(NoEndpoint) as caught:
        where("openai/gpt-4", known)
    assert caught.value.metadata == {"model": "openai/gpt-4"}


def test_auto_is_the_user_s_preferred_model() -> None:
    assert where("auto", settings=Chosen(preferred_model="gpt-4")) == where("gpt-4")
    assert where("auto", settings=Chosen(preferred_model="acme/new")) == where("acme/new")


def test_auto_without_a_preference_asks_for_one() -> None:
    with pytest.raises(InvalidField, match="preferred_model") as caught:
        where("auto")
    assert caught.value.metadata["field"] == "model"


def test_a_preferred_model_that_is_gone_is_named() -> None:
    with pytest.raises(ModelNotFound) as caught:
        where("auto", settings=Chosen(preferred_model="gone"))
    assert caught.value.metadata == {"model": "gone"}


def test_a_preference_for_auto_leads_nowhere() -> None:
    with pytest.raises(ModelNotFound):
        where("auto", settings=Chosen(preferred_model="auto"))


def test_an_unlisted_model_goes_to_the_provider_it_names_then_to_aggregators() -> None:
    assert where("openai/gpt-99") == ["openai:gpt-99", "openrouter:openai/gpt-99"]
    assert where("openai/gpt-99", WITHOUT_AGGREGATOR) == ["openai:gpt-99"]


def test_an_unlisted_model_of_an_unknown_vendor_goes_to_aggregators() -> None:
    assert where("acme/new") == ["openrouter:acme/new"]
    assert where("acme/new:free") == ["openrouter:acme/new:free"]


def test_an_aggregator_s_own_name_is_taken_off() -> None:
    assert where("openrouter/acme/new") == ["openrouter:acme/new"]


def test_an_unlisted_model_has_no_price() -> None:
    plan = planned(request("acme/new"), CATALOG)
    assert plan.model == "acme/new"
    assert plan.candidates[0].endpoint.prices == ()


def test_a_vendor_that_is_known_but_not_configured_has_no_endpoint() -> None:
    with pytest.raises(NoEndpoint):
        where("deepseek/new", WITHOUT_AGGREGATOR)


@pytest.mark.parametrize("name", ("", "gpt-44", "/", "/x", "acme/", "acme/new"))
def test_a_name_that_nobody_could_mean_is_not_found(name: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        where(name, WITHOUT_AGGREGATOR)
    assert caught.value.metadata == {"model": name}


@pytest.mark.parametrize(
    "name", ("acme/a\r\nset-cookie: x", "acme/\x00", "acme/modèle", "acme/\ud800", f"acme/{300 * 'x'}")
)
def test_a_name_that_no_header_or_ledger_could_carry_is_not_found(name: str) -> None:
    with pytest.raises(ModelNotFound):
        planned(replace(request(), model=name), CATALOG)


@given(st.text(max_size=30))
def test_any_name_is_planned_or_refused(name: str) -> None:
    try:
        found = planned(replace(request(), model=name), CATALOG)
    except PantheonError as refused:
        assert isinstance(refused, ModelNotFound | InvalidField)  # noqa: PT017 - which of the two depends on the name
    else:
        assert found.candidates


def preferring(*providers: str, fallback: bool = True) -> ChatRequest:
    return replace(request(), providers=providers, fallback=fallback)


def test_preferred_providers_come_in_the_order_of_preference_and_alone() -> None:
    assert where(preferring("openrouter", "openai")) == ["openrouter:openai/gpt-4", "openai:gpt-4"]
    assert where(preferring("openrouter")) == ["openrouter:openai/gpt-4"]


def test_preferred_providers_that_do_not_offer_it_are_passed_over() -> None:
    assert where(preferring("deepseek", "openai", "nobody")) == ["openai:gpt-4"]


def test_preferring_only_others_leaves_no_endpoint() -> None:
    with pytest.raises(NoEndpoint):
        where(preferring("deepseek"))


def test_without_fallback_only_the_best_is_tried() -> None:
    assert where(preferring(fallback=False)) == ["openai:gpt-4"]
    assert where(preferring("openrouter", "openai", fallback=False)) == ["openrouter:openai/gpt-4"]


def test_the_price_in_force_is_the_newest_that_has_begun() -> None:
    begins = datetime(2026, 3, 1, tzinfo=UTC)
    dated = endpoint("openai", "gpt-4", price("old"), price("new", since=begins))
    assert [found.version.id if found else None for found in (
        dated.price_at(begins - timedelta(microseconds=1)),
        dated.price_at(begins),
        dated.price_at(begins + timedelta(days=1)),
        dated.price_at(datetime(2019, 1, 1, tzinfo=UTC)),
    )] == ["old", "new", "new", None]  # fmt: skip


def test_an_endpoint_without_prices_is_unpriced() -> None:
    assert Endpoint("openai", "gpt-4").price_at(datetime.now(UTC)) is None


def test_a_vendor_that_the_catalog_does_not_list_with_its_model_is_the_last_resort() -> None:
    coder = model("deepseek/coder", Endpoint("openrouter", "deepseek/coder"))
    known = catalog((provider("openrouter", aggregates=True), provider("deepseek")), (coder,))
    assert where("deepseek/coder", known) == ["openrouter:deepseek/coder", "deepseek:coder"]
    alone = catalog((provider("deepseek"),), (coder,))
    assert where("deepseek/coder", alone) == ["deepseek:coder"]
    assert where(replace(request("deepseek/coder"), providers=("deepseek",)), known) == ["deepseek:coder"]


def test_a_model_whose_providers_serve_no_such_format_says_so() -> None:
    with pytest.raises(UnsupportedFeature) as caught:
        where(replace(request("openai/gpt-4"), format=Format.COUNT_TOKENS))
    assert caught.value.metadata == {"model": "openai/gpt-4", "format": "anthropic_count_tokens"}


def test_a_model_that_none_of_the_named_providers_offers_has_no_endpoint() -> None:
    with pytest.raises(NoEndpoint):
        where(replace(request("openai/gpt-4"), providers=("deepseek",)))
