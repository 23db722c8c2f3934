"""Models as people look them up."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from pantheon.catalog.v1.catalog_service_pb2 import GetModelRequest, ListModelsRequest
from services.catalog.model_query import ModelQuery
from services.catalog.seed.rows import SeedModel
from services.catalog.seed_changes import Seed
from services.runtime.paging import encode_token
from tests.fixtures.refusals import refusal
from tests.integration.catalog.replica import Catalog, StartCatalog, as_user
from tests.unit.catalog.samples import CLAUDE, GPT_4, LLAMA, SEED

# Capitals come before small letters: the order is that of the bytes.
MANY = Seed(SEED.providers, tuple(SeedModel(id=f"vendor/{name}") for name in ("B", "a", "c-1", "c_1", "é", "z")))

PLAIN = ModelQuery(organisation_id="", now=datetime.now(UTC))


async def page(catalog: Catalog, **request: Any) -> tuple[list[str], str]:
    answer = await catalog.stub.ListModels(ListModelsRequest(**request), metadata=as_user())
    return [model.id for model in answer.models], answer.next_page_token


async def listed(catalog: Catalog, **request: Any) -> list[str]:
    ids, token = await page(catalog, **request)
    assert token == ""
    return ids


async def test_models_are_listed_by_id_whole(catalog: Catalog) -> None:
    assert await listed(catalog) == [CLAUDE.id, LLAMA.id, GPT_4.id]
    answer = await catalog.stub.ListModels(ListModelsRequest(), metadata=as_user())
    assert answer.models[2].endpoints[0].prices[1].unit_prices[0].price.value == "29.5"
    assert list(answer.models[1].endpoints[0].prices) == []


@pytest.mark.parametrize("name", (GPT_4.id, "gpt-4", "gpt-4-0613"))
async def test_a_model_answers_to_its_id_and_its_aliases(catalog: Catalog, name: str) -> None:
    answer = await catalog.stub.GetModel(GetModelRequest(model_id=name), metadata=as_user())
    assert answer.model.id == GPT_4.id
    assert list(answer.model.aliases) == ["gpt-4", "gpt-4-0613"]
    assert answer.model.context_window == 8_192


@pytest.mark.parametrize("name", ("", "gpt-44", "GPT-4", "openai/gpt-4 "))
async def test_an_unknown_model_is_not_found(catalog: Catalog, name: str) -> None:
    error = await refusal(catalog.stub.GetModel(GetModelRequest(model_id=name), metadata=as_user()))
    assert (error.reason, error.metadata) == ("MODEL_NOT_FOUND", {"model": name})


@pytest.mark.parametrize(
    ("search", "found"),
    (
        ("GPT", [GPT_4.id]),
        ("opus", [CLAUDE.id]),
        ("llama 3", [LLAMA.id]),
        ("0613", [GPT_4.id]),
        ("_3%", [CLAUDE.id]),
        ("%", [CLAUDE.id]),
        ("a", [CLAUDE.id, LLAMA.id, GPT_4.id]),
        ("nothing of the kind", []),
    ),
)
async def test_a_search_looks_at_ids_names_and_aliases_in_any_case(
    catalog: Catalog, search: str, found: list[str]
) -> None:
    assert await listed(catalog, search=search) == found


async def test_models_can_be_asked_for_by_provider_and_by_availability(catalog: Catalog) -> None:
    assert await listed(catalog, provider="openrouter") == [GPT_4.id]
    assert await listed(catalog, provider="acme") == []
    assert await listed(catalog, available_only=True) == [LLAMA.id, GPT_4.id]
    assert await listed(catalog, available_only=True, provider="anthropic") == []


async def test_pages_join_to_the_whole_whatever_their_size(start_catalog: StartCatalog) -> None:
    catalog = await start_catalog(MANY)
    whole = await listed(catalog)
    assert whole == sorted(whole, key=str.encode)
    for size in range(1, len(whole) + 1):
        joined, token = await page(catalog, page_size=size)
        while token:
            ids, token = await page(catalog, page_size=size, page_token=token)
            joined += ids
        assert joined == whole


async def test_a_page_goes_on_where_the_last_one_ended_though_models_come_and_go(start_catalog: StartCatalog) -> None:
    catalog = await start_catalog(MANY)
    first, token = await page(catalog, page_size=2)
    kept = [model for model in MANY.models if model.id != "vendor/a"]
    await start_catalog(Seed(MANY.providers, (*kept, SeedModel(id="vendor/A"), SeedModel(id="vendor/b"))))
    second, _ = await page(catalog, page_size=2, page_token=token)
    assert (first, second) == (["vendor/B", "vendor/a"], ["vendor/b", "vendor/c-1"])


async def test_a_page_token_of_another_query_is_refused(catalog: Catalog) -> None:
    _, token = await page(catalog, page_size=1)
    for request in ({"page_token": token, "search": "gpt"}, {"page_token": "bm9uc2Vuc2U"}):
        error = await refusal(page(catalog, **request))
        assert error.reason == "INVALID_PAGE_TOKEN"


async def test_a_negative_page_size_is_refused_and_a_large_one_cut(catalog: Catalog) -> None:
    error = await refusal(page(catalog, page_size=-1))
    assert error.metadata == {"field": "page_size", "value": "-1", "allowed": "0 to 1000"}
    assert len(await listed(catalog, page_size=2**31 - 1)) == 3


@pytest.mark.parametrize(
    ("method", "request_", "field"),
    (
        ("GetModel", GetModelRequest(model_id="gpt\0"), "model_id"),
        ("ListModels", ListModelsRequest(search="\0"), "search"),
        ("ListModels", ListModelsRequest(provider="open\0ai"), "provider"),
        ("ListModels", ListModelsRequest(page_token=encode_token(PLAIN.identity, "", "\0")), "page_token"),
    ),
)
async def test_text_that_postgres_has_not_is_refused_by_the_name_of_its_field(
    catalog: Catalog, method: str, request_: Any, field: str
) -> None:
    error = await refusal(getattr(catalog.stub, method)(request_, metadata=as_user()))
    assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", field)


async def test_models_are_not_for_strangers(catalog: Catalog) -> None:
    error = await refusal(catalog.stub.ListModels(ListModelsRequest()))
    assert error.reason == "CREDENTIALS_MISSING"


async def test_a_removed_model_answers_to_no_name(own_catalog: Catalog, start_catalog: StartCatalog) -> None:
    await start_catalog(Seed(SEED.providers, (LLAMA, msgspec.structs.replace(GPT_4, aliases=()))))
    for name in (CLAUDE.id, "claude-3-opus", "gpt-4"):
        error = await refusal(own_catalog.stub.GetModel(GetModelRequest(model_id=name), metadata=as_user()))
        assert error.reason == "MODEL_NOT_FOUND"
