"""Models as tables, and options as a request for them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from pantheon.catalog.v1.catalog_service_pb2 import (
    GetModelRequest,
    ListModelsRequest,
    ListModelsResponse,
)
from pantheon.catalog.v1.model_pb2 import Capability, Endpoint, Model, ModelOrder
from pantheon.catalog.v1.parameters_pb2 import ParameterSpec
from pantheon.catalog.v1.price_pb2 import PriceTier, PriceUnit, PriceVersion, UnitPrice
from services.cli.models import list_models, model_facts, models_request, models_table, parameters_table, show_model
from services.cli.price_tables import price_history
from services.cli.running import CommandFailed
from services.edge.rest.model_bodies import ModelBody, model_body
from services.runtime import money, times
from services.runtime.errors import InvalidField, ModelNotFound
from tests.unit.cli.answering import Answering, Prepared
from tests.unit.cli.printed import lines

CATALOG = "pantheon.catalog.v1.CatalogService"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def price(since: datetime, prompt: str, source: str = "", *tiers: PriceTier) -> PriceVersion:
    amount = money.to_proto(Decimal(prompt))
    unit = UnitPrice(unit=PriceUnit.PRICE_UNIT_PROMPT_TOKEN, price=amount, per=1_000_000, tiers=tiers)
    return PriceVersion(effective_time=times.to_timestamp(since), unit_prices=[unit], source=source)


def offered(provider: str, *prices: PriceVersion) -> Endpoint:
    return Endpoint(id=f"{provider}:sage", provider=provider, provider_model_id="sage", prices=prices)


EVER = datetime(1970, 1, 1, tzinfo=UTC)
TIER = PriceTier(above_prompt_tokens=200_000, price=money.to_proto(Decimal(5)))
SAGE = Model(
    id="acme/sage",
    aliases=["sage"],
    context_window=128_000,
    supports_tools=True,
    supports_reasoning=False,
    endpoints=[
        offered("acme", price(EVER, "3", "list"), price(datetime(2026, 12, 1, tzinfo=UTC), "2.5", "contract 17", TIER)),
        offered("other"),
    ],
    parameters=[
        ParameterSpec(name="temperature", supported=True, minimum=0, maximum=2, default_value=0.7),
        ParameterSpec(name="max_tokens", minimum=1, maximum=4_096, default_value=2_000, integer=True),
    ],
)


def body(model: Model = SAGE) -> ModelBody:
    return model_body(model, times.to_timestamp(NOW), alone=True)


def test_a_model_is_a_line_for_each_offer() -> None:
    table = lines(models_table([body()]))
    assert table[2:] == ["acme/sage acme 128,000 - 3 unpriced tools sage", "other unpriced unpriced"]


def test_a_model_that_nobody_offers_is_listed_all_the_same() -> None:
    assert lines(models_table([body(Model(id="acme/gone"))]))[2:] == ["acme/gone - - - - -"]


def test_what_is_unknown_of_a_model_is_said() -> None:
    facts = lines(model_facts(body()))
    assert {"tools yes", "structured output unknown", "reasoning no", "takes unknown", "deprecated no"} <= set(facts)


def test_parameters_are_shown_with_their_range() -> None:
    assert lines(parameters_table(body()))[2:] == ["temperature yes 0.0 2.0 0.7", "max_tokens no 1 4,096 2,000"]


def test_prices_are_shown_with_their_dates_and_tiers_and_the_present_one_is_marked() -> None:
    first, second, tier, unpriced = lines(price_history(body().endpoints, NOW))[2:]
    assert first == "acme:sage ever now prompt_token 3 1,000,000 list"
    assert second.endswith(":00 prompt_token 2.5 1,000,000 contract 17")
    assert tier == "5 1,000,000 200,000"
    assert unpriced == "other:sage unpriced"


def test_options_become_the_request() -> None:
    request = models_request(
        search="gpt",
        capabilities=("tools", "structured-output", "tools"),
        min_context=100_000,
        max_prompt_price="2.50",
        current=True,
        order="context-window",
        reverse=True,
    )
    assert list(request.capabilities) == [Capability.CAPABILITY_TOOLS, Capability.CAPABILITY_STRUCTURED_OUTPUT]
    assert (request.search, request.min_context_window, request.current_only) == ("gpt", 100_000, True)
    assert (request.order, request.reverse) == (ModelOrder.MODEL_ORDER_CONTEXT_WINDOW, True)
    assert request.max_prompt_price.value == "2.50"
    assert not request.HasField("max_completion_price")
    assert request.available_only


def test_a_mistaken_option_is_named_with_what_is_allowed() -> None:
    with pytest.raises(InvalidField, match=r"--capability: 'flying' is not allowed; one of tools, structured-output"):
        models_request(capabilities=("flying",))
    with pytest.raises(InvalidField, match="--order: 'mood' is not allowed; one of id, prompt-price"):
        models_request(order="mood")
    with pytest.raises(InvalidField, match="--max-completion-price: '-1' is not allowed; a number from 0 on"):
        models_request(max_completion_price="-1")


async def test_all_pages_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    pages = [ListModelsResponse(models=[SAGE], next_page_token="2"), ListModelsResponse(models=[Model(id="acme/owl")])]
    catalog = Answering(CATALOG, ListModels=Prepared(ListModelsRequest, *pages))
    async with catalog.serving() as caller:
        await list_models(caller, models_request(search="s"), as_json=False)
    assert "2 models" in capsys.readouterr().out
    assert [(asked.search, asked.page_token) for asked in catalog.asked] == [("s", ""), ("s", "2")]


def knowing(missing: str, listed: ListModelsResponse) -> Answering:
    """A catalog that has these models, and not that one."""
    get = Prepared(GetModelRequest, ModelNotFound(missing))
    return Answering(CATALOG, GetModel=get, ListModels=Prepared(ListModelsRequest, listed))


async def test_an_unknown_model_is_told_with_those_that_are_called_alike() -> None:
    listed = ListModelsResponse(models=[SAGE, Model(id="zebra/quagga")])
    async with knowing("sagee", listed).serving() as caller:
        with pytest.raises(CommandFailed, match=r"No model 'sagee' is known; is one of these meant: sage\?"):
            await show_model(caller, "sagee", as_json=True)


async def test_where_no_name_is_like_it_none_is_suggested() -> None:
    async with knowing("xyzzy", ListModelsResponse(models=[SAGE])).serving() as caller:
        with pytest.raises(CommandFailed, match=r"No model 'xyzzy' is known$"):
            await show_model(caller, "xyzzy", as_json=True)
