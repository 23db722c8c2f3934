"""Filters, orders and pages of models, against the same done by hand over the whole seed."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from google.type.decimal_pb2 import Decimal as ProtoDecimal
from sqlalchemy import insert

from pantheon.catalog.v1.catalog_service_pb2 import ListModelsRequest, ListModelsResponse
from pantheon.catalog.v1.model_pb2 import Capability, ModelOrder
from services.catalog.seed.load import load_models, load_providers
from services.catalog.seed.rows import Modality, SeedModel
from services.catalog.seed_changes import Seed
from services.catalog.tables import PROVIDER_KEYS
from services.local.databases import Databases
from services.rating import PriceUnit, price_at
from services.runtime.ids import uuid7
from tests.fixtures.databases import DatabaseTemplates, temporary_database
from tests.fixtures.refusals import refusal
from tests.integration.catalog.conftest import migrated
from tests.integration.catalog.replica import Catalog, as_user, started

SEED = Seed(load_providers(), load_models())
ENVIRONMENT = {"OPENAI_API_KEY": "sk-openai-0123456789abcdef", "GEMINI_API_KEY": "g-0123456789abcdefghij"}
NOW = datetime.now(UTC)
OWN = str(uuid7())
"""An organisation with a key of its own for Anthropic."""

Predicate = Callable[[SeedModel], bool]

CAPABLE: Mapping[int, Predicate] = {
    Capability.CAPABILITY_TOOLS: lambda model: model.supports_tools is True,
    Capability.CAPABILITY_STRUCTURED_OUTPUT: lambda model: model.supports_structured_output is True,
    Capability.CAPABILITY_REASONING: lambda model: model.supports_reasoning is True,
    Capability.CAPABILITY_VISION: lambda model: Modality.IMAGE in model.input_modalities,
    Capability.CAPABILITY_AUDIO: lambda model: Modality.AUDIO in (*model.input_modalities, *model.output_modalities),
    Capability.CAPABILITY_FILES: lambda model: Modality.FILE in model.input_modalities,
    Capability.CAPABILITY_IMAGE_OUTPUT: lambda model: Modality.IMAGE in model.output_modalities,
    Capability.CAPABILITY_EMBEDDINGS: lambda model: Modality.EMBEDDING in model.output_modalities,
}


@pytest.fixture(scope="module")
async def catalog(
    postgres: Databases, database_templates: DatabaseTemplates, service_keys: Path
) -> AsyncIterator[Catalog]:
    """The real seed; OpenAI and Gemini have keys."""
    template = await database_templates.name_of(migrated)
    async with temporary_database(postgres, template) as dsn, AsyncExitStack() as stack:
        found = await started(stack, dsn, service_keys, SEED, environment=ENVIRONMENT)
        key: dict[str, Any] = {"id": str(uuid7()), "provider": "anthropic", "organisation_id": OWN, "user_id": OWN}
        key |= {"label": "", "last_four": "", "fingerprint": b"f", "sealed": b"s", "create_time": NOW}
        async with found.db.write() as connection:
            await connection.execute(insert(PROVIDER_KEYS).values(key))
        yield found


async def listed(catalog: Catalog, *, organisation: str = "", **request: Any) -> ListModelsResponse:
    call = catalog.stub.ListModels(ListModelsRequest(**request), metadata=as_user(organisation=organisation))
    answer: ListModelsResponse = await call
    return answer


async def every_id(catalog: Catalog, *, organisation: str = "", page_size: int = 1_000, **request: Any) -> list[str]:
    """All pages, joined; each says the same of how many there are."""
    found, token, totals = list[str](), "", set[int]()
    while True:
        page = await listed(catalog, organisation=organisation, page_size=page_size, page_token=token, **request)
        found += [model.id for model in page.models]
        totals.add(page.total_size)
        token = page.next_page_token
        if not token:
            assert totals == {len(found)}
            return found


def lowest(model: SeedModel, unit: PriceUnit) -> Decimal | None:
    """What a million of a unit costs now, where it is cheapest."""
    found = list[Decimal]()
    for endpoint in model.endpoints:
        version = price_at([price.version() for price in endpoint.prices], NOW)
        found += (
            entry.price * 1_000_000 / entry.per
            for entry in (version.unit_prices if version else ())
            if entry.unit == unit
        )
    return min(found, default=None)


PROMPT = {model.id: lowest(model, PriceUnit.PROMPT_TOKEN) for model in SEED.models}
COMPLETION = {model.id: lowest(model, PriceUnit.COMPLETION_TOKEN) for model in SEED.models}

ORDERS: Mapping[int, tuple[Callable[[SeedModel], Any], bool]] = {
    ModelOrder.MODEL_ORDER_PROMPT_PRICE: (lambda model: PROMPT[model.id], False),
    ModelOrder.MODEL_ORDER_COMPLETION_PRICE: (lambda model: COMPLETION[model.id], False),
    ModelOrder.MODEL_ORDER_CONTEXT_WINDOW: (lambda model: model.context_window, True),
    ModelOrder.MODEL_ORDER_RELEASE_TIME: (lambda model: model.release_time, True),
}
"""By what, and whether the largest comes first."""


def in_order(models: Sequence[SeedModel], order: int, *, reverse: bool) -> list[str]:
    by_id = sorted(models, key=lambda model: model.id.encode())
    if order == ModelOrder.MODEL_ORDER_UNSPECIFIED:
        return [model.id for model in (reversed(by_id) if reverse else by_id)]
    value, largest_first = ORDERS[order]
    known = [model for model in by_id if value(model) is not None]
    known.sort(key=value, reverse=largest_first != reverse)
    return [model.id for model in (*known, *(model for model in by_id if value(model) is None))]


@pytest.mark.parametrize("reverse", (False, True))
@pytest.mark.parametrize("order", ModelOrder.values())
async def test_every_order_is_the_same_as_by_hand_whatever_the_pages(
    catalog: Catalog, order: int, reverse: bool
) -> None:
    wanted = in_order(SEED.models, order, reverse=reverse)
    assert await every_id(catalog, order=order, reverse=reverse) == wanted
    assert await every_id(catalog, order=order, reverse=reverse, page_size=37) == wanted


ABILITIES = [*((capability,) for capability in CAPABLE), *combinations(CAPABLE, 2)]


@pytest.mark.parametrize("capabilities", ABILITIES, ids=str)
async def test_capabilities_have_to_be_known_and_all_there(catalog: Catalog, capabilities: tuple[int, ...]) -> None:
    wanted = [model for model in SEED.models if all(CAPABLE[capability](model) for capability in capabilities)]
    assert await every_id(catalog, capabilities=capabilities) == in_order(wanted, 0, reverse=False)


@pytest.mark.parametrize("window", (1, 8_192, 128_000, 1_000_000, 2**62))
async def test_a_context_window_has_to_be_known_and_large_enough(catalog: Catalog, window: int) -> None:
    wanted = [model for model in SEED.models if (model.context_window or 0) >= window]
    assert await every_id(catalog, min_context_window=window) == in_order(wanted, 0, reverse=False)


@pytest.mark.parametrize(
    "most",
    ("0", "0.0799999", "0.079999999999999999999999999999", "0.08", "1.25", "1e3", "123456789.123456789123456789"),
)
async def test_a_price_has_to_be_known_and_low_enough(catalog: Catalog, most: str) -> None:
    price = ProtoDecimal(value=most)

    def cheap(prices: Mapping[str, Decimal | None]) -> set[str]:
        return {name for name, amount in prices.items() if amount is not None and amount <= Decimal(most)}

    assert set(await every_id(catalog, max_prompt_price=price)) == cheap(PROMPT)
    assert set(await every_id(catalog, max_completion_price=price)) == cheap(COMPLETION)
    order = ModelOrder.MODEL_ORDER_COMPLETION_PRICE
    both = cheap(PROMPT) & cheap(COMPLETION)
    found = await every_id(catalog, max_prompt_price=price, max_completion_price=price, order=order, page_size=50)
    assert found == in_order([model for model in SEED.models if model.id in both], order, reverse=False)


async def test_what_is_deprecated_by_now_can_be_left_out(catalog: Catalog) -> None:
    current = [model for model in SEED.models if model.deprecation_time is None or model.deprecation_time > NOW]
    assert 0 < len(current) < len(SEED.models)
    assert await every_id(catalog, current_only=True) == in_order(current, 0, reverse=False)


def offered(*providers: str) -> list[str]:
    found = [model for model in SEED.models if {entry.provider for entry in model.endpoints} & set(providers)]
    return in_order(found, 0, reverse=False)


async def test_available_is_what_the_platform_or_one_s_own_organisation_has_keys_for(catalog: Catalog) -> None:
    assert await every_id(catalog, available_only=True) == offered("openai", "gemini")
    own = await every_id(catalog, available_only=True, organisation=OWN)
    assert own == offered("openai", "gemini", "anthropic")
    assert await every_id(catalog, available_only=True, provider="anthropic", organisation=OWN) == offered("anthropic")


async def test_filters_and_orders_go_together(catalog: Catalog) -> None:
    order = ModelOrder.MODEL_ORDER_RELEASE_TIME
    wanted = [
        model
        for model in SEED.models
        if "gpt" in model.id + model.display_name.lower() + " ".join(model.aliases)
        and model.supports_tools
        and (model.context_window or 0) >= 200_000
        and any(entry.provider == "openrouter" for entry in model.endpoints)
    ]
    found = await every_id(
        catalog,
        search="GPT",
        capabilities=[Capability.CAPABILITY_TOOLS],
        min_context_window=200_000,
        provider="openrouter",
        order=order,
        page_size=3,
    )
    assert len(wanted) > 3
    assert found == in_order(wanted, order, reverse=False)


async def test_nothing_that_matches_is_an_empty_page(catalog: Catalog) -> None:
    page = await listed(catalog, search="nothing of the kind")
    assert (list(page.models), page.next_page_token, page.total_size) == ([], "", 0)


@pytest.mark.parametrize(
    ("field", "request_"),
    (
        ("capabilities", {"capabilities": [0]}),
        ("capabilities", {"capabilities": [99]}),
        ("capabilities", {"capabilities": [1, 1]}),
        ("order", {"order": 99}),
        ("min_context_window", {"min_context_window": -1}),
        ("max_prompt_price", {"max_prompt_price": ProtoDecimal(value="-0.1")}),
        ("max_prompt_price", {"max_prompt_price": ProtoDecimal(value="")}),
        ("max_completion_price", {"max_completion_price": ProtoDecimal(value="NaN")}),
        ("max_completion_price", {"max_completion_price": ProtoDecimal(value="1e400000")}),
        ("max_completion_price", {"max_completion_price": ProtoDecimal(value="1e-400000")}),
    ),
)
async def test_what_makes_no_sense_is_refused_by_its_name(catalog: Catalog, field: str, request_: Any) -> None:
    error = await refusal(listed(catalog, **request_))
    assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", field)


@pytest.mark.parametrize(
    "other",
    (
        {"order": ModelOrder.MODEL_ORDER_CONTEXT_WINDOW},
        {"reverse": True},
        {"current_only": True},
        {"min_context_window": 1},
        {"max_prompt_price": ProtoDecimal(value="1")},
        {"capabilities": [1]},
    ),
)
async def test_a_token_is_good_for_its_own_query_alone(catalog: Catalog, other: Any) -> None:
    token = (await listed(catalog, page_size=1, order=ModelOrder.MODEL_ORDER_PROMPT_PRICE)).next_page_token
    error = await refusal(listed(catalog, page_token=token, **{"order": ModelOrder.MODEL_ORDER_PROMPT_PRICE, **other}))
    assert error.reason == "INVALID_PAGE_TOKEN"


async def test_the_seed_s_rows_come_whole(catalog: Catalog) -> None:
    (found,) = (await listed(catalog, search="openai/gpt-5.5-pro", page_size=1)).models
    row = next(model for model in SEED.models if model.id == found.id)
    assert [entry.id for entry in found.endpoints] == [entry.id for entry in row.endpoints]
    prices = [price.id for entry in row.endpoints for price in entry.prices]
    assert [version.id for entry in found.endpoints for version in entry.prices] == prices
