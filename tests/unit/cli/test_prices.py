"""Options as prices and overrides, and overrides as a table."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from pantheon.catalog.v1.catalog_service_pb2 import (
    AddPriceRequest,
    GetModelRequest,
    GetModelResponse,
    ListPriceOverridesRequest,
    ListPriceOverridesResponse,
)
from pantheon.catalog.v1.model_pb2 import Endpoint, Model
from pantheon.catalog.v1.price_pb2 import PriceOverride, PriceUnit, UnitPrice
from services.cli.price_tables import overrides_table
from services.cli.prices import price_override, price_version, set_price, show_prices
from services.cli.running import CommandFailed
from services.edge.rest.price_override_bodies import price_override_body
from services.runtime import money
from services.runtime.errors import AccessDenied, InvalidField
from tests.unit.cli.answering import Answer, Answering, Prepared
from tests.unit.cli.printed import lines

CATALOG = "pantheon.catalog.v1.CatalogService"
SAGE = Model(id="acme/sage", endpoints=[Endpoint(id="acme:sage", provider="acme")])
FACTOR = money.to_proto(Decimal("0.8"))
OVERRIDES = (
    PriceOverride(provider="acme", factor=FACTOR, source="contract 17"),
    PriceOverride(provider="acme", endpoint_id="acme:owl", factor=FACTOR),
    PriceOverride(provider="other", factor=FACTOR),
)


def amounts(**given: str) -> dict[str, str]:
    return {f"--{name.replace('_', '-')}": text for name, text in given.items()}


def test_prices_are_for_a_million_tokens_and_for_one_request() -> None:
    price = price_version(amounts(prompt="2.5", cached="0", request="0.01", completion=""), "", "list", unpriced=False)
    assert [(entry.unit, entry.price.value, entry.per) for entry in price.unit_prices] == [
        (PriceUnit.PRICE_UNIT_PROMPT_TOKEN, "2.5", 1_000_000),
        (PriceUnit.PRICE_UNIT_CACHED_TOKEN, "0", 1_000_000),
        (PriceUnit.PRICE_UNIT_REQUEST, "0.01", 1),
    ]
    assert price.source == "list"
    assert not price.HasField("effective_time")


def test_a_day_is_its_beginning() -> None:
    price = price_version({}, "2026-12-01", "", unpriced=True)
    assert price.effective_time.ToDatetime(UTC) == datetime(2026, 12, 1, tzinfo=UTC)
    assert not price.unit_prices


@pytest.mark.parametrize(("given", "unpriced"), (({}, False), (amounts(prompt="1"), True)))
def test_an_endpoint_is_priced_or_it_is_not(given: dict[str, str], unpriced: bool) -> None:
    with pytest.raises(CommandFailed, match=r"say what it costs: --prompt, .*; or that nobody knows: --unpriced"):
        price_version(given, "", "", unpriced=unpriced)


def test_a_mistaken_amount_or_day_is_named() -> None:
    with pytest.raises(InvalidField, match="--prompt: 'cheap' is not allowed; a number from 0 on"):
        price_version(amounts(prompt="cheap"), "", "", unpriced=False)
    with pytest.raises(InvalidField, match="--factor: '-1' is not allowed"):
        price_override("acme", "", "", "-1", "", "")
    with pytest.raises(CommandFailed, match="--from: 'soon' is not allowed"):
        price_override("acme", "", "", "1", "soon", "")


async def test_what_the_catalog_refuses_is_told_by_the_options_name() -> None:
    refusal = InvalidField("price.unit_prices[1].price", "9999999", "less")
    async with Answering(CATALOG, AddPrice=Prepared(AddPriceRequest, refusal)).serving() as caller:
        price = price_version(amounts(prompt="1", reasoning="9999999"), "", "", unpriced=False)
        with pytest.raises(CommandFailed, match=r"^--reasoning: '9999999' is not allowed; less$"):
            await set_price(caller, "acme:sage", price, as_json=False)


def test_overrides_are_shown_by_what_they_are_of() -> None:
    unit = UnitPrice(unit=PriceUnit.PRICE_UNIT_PROMPT_TOKEN, price=money.to_proto(Decimal(2)), per=1_000_000)
    own = PriceOverride(provider="acme", endpoint_id="acme:sage", unit_prices=[unit])
    shown = lines(overrides_table(map(price_override_body, (OVERRIDES[0], own))))
    assert shown[2:] == ["all of acme ever 0.8 contract 17", "acme:sage ever prompt_token 2 1,000,000"]


@pytest.mark.parametrize(
    ("answer", "told"),
    (
        (ListPriceOverridesResponse(price_overrides=OVERRIDES), ["contract 17"]),
        (AccessDenied("for administrators"), None),
    ),
)
async def test_a_models_overrides_are_those_the_caller_may_see(
    answer: Answer, told: list[str] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    get = Prepared(GetModelRequest, GetModelResponse(model=SAGE))
    catalog = Answering(CATALOG, GetModel=get, ListPriceOverrides=Prepared(ListPriceOverridesRequest, answer))
    async with catalog.serving() as caller:
        await show_prices(caller, "sage", as_json=True)
    overrides = json.loads(capsys.readouterr().out)["overrides"]
    assert overrides == told or [one["source"] for one in overrides] == told
