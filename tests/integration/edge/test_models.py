"""Models, providers and prices over REST, from a real catalog."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from pantheon.auth.v1.access_pb2 import ROLE_ORGANISATION_ADMIN
from tests.integration.catalog.lists import serving
from tests.integration.catalog.people import Person
from tests.integration.edge.grounds import Grounds, error_of, grounds_on
from tests.integration.edge.running import Behind
from tests.unit.catalog.samples import SEED

MODELS = "/api/models"
PRICE = {
    "endpoint_id": "local:llama3",
    "unit_prices": [
        {"unit": "prompt_token", "price": 0.25, "per": 1_000_000},
        {"unit": "completion_token", "price": 2, "per": 1_000, "tiers": [{"above_prompt_tokens": 9, "price": 3}]},
        {"unit": "request", "price": 0.01, "per": 1},
    ],
    "source": "contract 17",
}


@pytest.fixture
async def ada(grounds: Grounds) -> httpx.AsyncClient:
    return await grounds.enter()


async def ids(client: httpx.AsyncClient, query: str) -> list[str]:
    answer = await client.get(f"{MODELS}?{query}")
    assert answer.status_code == 200, answer.text
    return [model["id"] for model in answer.json()["models"]]


async def test_a_model_has_its_facts_its_parameters_and_what_it_costs_now(ada: httpx.AsyncClient) -> None:
    answer = await ada.get(f"{MODELS}/openai/gpt-4")
    model = json.loads(answer.text, parse_float=Decimal)
    assert (model["id"], model["display_name"]) == ("openai/gpt-4", "GPT-4")
    assert model["aliases"] == ["gpt-4", "gpt-4-0613"]
    assert (model["context_window"], model["max_output_tokens"]) == (8_192, 4_096)
    assert (model["input_modalities"], model["output_modalities"]) == (["text", "image"], ["text"])
    assert model["capabilities"] == {"tools": True, "structured_output": None, "reasoning": False}
    assert model["release_time"] == "2023-03-14T00:00:00Z"
    assert model["deprecation_time"] is None
    assert model["parameters"]["max_tokens"] == {
        "supported": True, "minimum": 1, "maximum": 4_096, "default": 2_000, "integer": True
    }  # fmt: skip
    assert model["parameters"]["temperature"]["maximum"] == 2
    first = model["endpoints"][0]
    assert (first["id"], first["provider"], first["provider_model_id"]) == ("openai:gpt-4", "openai", "gpt-4")
    assert first["price_per_million"] == {"prompt_token": Decimal("29.5"), "completion_token": Decimal("59.25")}
    assert [version["effective_time"] for version in first["prices"]] == [
        "1970-01-01T00:00:00Z",
        "2025-05-01T00:00:00Z",
    ]
    assert first["prices"][0]["unit_prices"][0] == {
        "unit": "prompt_token", "price": 30, "per": 1_000_000, "tiers": []
    }  # fmt: skip


async def test_an_alias_will_do_and_a_slash_may_be_escaped(ada: httpx.AsyncClient) -> None:
    for name in ("gpt-4", "openai%2Fgpt-4"):
        assert (await ada.get(f"{MODELS}/{name}")).json()["id"] == "openai/gpt-4"


async def test_a_list_has_the_present_price_only_and_unpriced_is_null(ada: httpx.AsyncClient) -> None:
    models = {model["id"]: model for model in (await ada.get(MODELS)).json()["models"]}
    assert models["openai/gpt-4"]["endpoints"][0]["price_per_million"]["prompt_token"] == 29.5
    assert "prices" not in models["openai/gpt-4"]["endpoints"][0]
    assert models["openai/gpt-4"]["parameters"]["top_p"]["supported"]


@pytest.mark.parametrize(
    ("query", "found"),
    (
        ("provider=openrouter", ["openai/gpt-4"]),
        ("capability=tools&capability=vision", ["openai/gpt-4"]),
        ("capability=vision&capability=vision", ["openai/gpt-4"]),
        ("capability=reasoning", []),
        ("min_context_window=8192", ["openai/gpt-4"]),
        ("max_prompt_price=29.5&max_completion_price=59.25", ["openai/gpt-4"]),
        ("max_prompt_price=29.4", ["anthropic/claude-3-opus"]),
        ("search=CLAUDE", ["anthropic/claude-3-opus"]),
        ("order=prompt_price&search=3", ["anthropic/claude-3-opus", "openai/gpt-4", "meta/llama-3"]),
        ("current=true&search=opus&reverse=true", ["anthropic/claude-3-opus"]),
    ),
)
async def test_a_list_is_filtered_and_ordered(ada: httpx.AsyncClient, query: str, found: list[str]) -> None:
    assert [name for name in await ids(ada, query) if name != "meta/llama-3" or name in found] == found


async def test_a_list_comes_in_pages(ada: httpx.AsyncClient) -> None:
    first = (await ada.get(f"{MODELS}?page_size=2")).json()
    assert (len(first["models"]), first["total_size"]) == (2, 3)
    second = (await ada.get(MODELS, params={"page_size": 2, "page_token": first["next_page_token"]})).json()
    assert (len(second["models"]), second["next_page_token"]) == (1, None)
    assert {model["id"] for model in first["models"] + second["models"]} == {model.id for model in SEED.models}


@pytest.mark.parametrize(
    ("query", "field"),
    (
        ("limit=3", "limit"),
        ("page_size=many", "page_size"),
        ("page_size=-1", "page_size"),
        ("page_size=99999999999999999999", "page_size"),
        ("available=yes", "available"),
        ("capability=flying", "capability"),
        ("order=beauty", "order"),
        ("order=prompt_price&order=release_time", "order"),
        ("max_prompt_price=cheap", "max_prompt_price"),
        ("max_prompt_price=1e-999999999", "max_prompt_price"),
        ("max_prompt_price=-1", "max_prompt_price"),
        ("min_context_window=8k", "min_context_window"),
    ),
)
async def test_a_bad_query_is_refused_by_name(ada: httpx.AsyncClient, query: str, field: str) -> None:
    assert error_of(await ada.get(f"{MODELS}?{query}")) == (400, "INVALID_FIELD", field)


async def test_what_is_not_there_is_said_to_be_missing(ada: httpx.AsyncClient) -> None:
    for name in ("openai/gpt-44", "sync", "openai/gpt-4/", "", "%00"):
        answer = await ada.get(f"{MODELS}/{name}")
        assert answer.json()["error"]["code"] in ("MODEL_NOT_FOUND", "INVALID_FIELD"), name
        assert answer.status_code in (404, 400)
    assert error_of(await ada.get(f"{MODELS}?page_token=forged"))[:2] == (400, "INVALID_PAGE_TOKEN")


async def test_providers_are_listed_configured_or_not(ada: httpx.AsyncClient) -> None:
    answer = (await ada.get("/api/providers")).json()
    providers = {provider["name"]: provider for provider in answer["providers"]}
    assert {"anthropic", "local", "openai", "openrouter"} <= set(providers)
    assert (providers["openai"]["configured"], providers["openrouter"]["configured"]) == (True, False)
    assert (providers["openai"]["wire_format"], providers["openai"]["auth_style"]) == ("openai_chat", "bearer")
    assert providers["anthropic"]["key_variable"] == "ANTHROPIC_API_KEY"
    configured = (await ada.get("/api/providers?configured=true")).json()["providers"]
    assert [provider["name"] for provider in configured] == ["openai"]


async def test_a_price_is_appended_and_holds_at_once(grounds: Grounds, ada: httpx.AsyncClient) -> None:
    operator = await grounds.operator()
    answer = await operator.post("/api/prices", json=PRICE)
    assert answer.status_code == 201
    assert [entry["price"] for entry in answer.json()["unit_prices"]] == [0.25, 2, 0.01]
    assert answer.json()["unit_prices"][1]["tiers"] == [{"above_prompt_tokens": 9, "price": 3}]
    endpoint = (await ada.get(f"{MODELS}/meta/llama-3")).json()["endpoints"][0]
    assert endpoint["price_per_million"] == {"prompt_token": 0.25, "completion_token": 2_000, "request": 10_000}
    assert endpoint["prices"][-1] == answer.json()
    unpriced = await operator.post("/api/prices", json={"endpoint_id": "local:llama3"})
    assert (unpriced.status_code, unpriced.json()["unit_prices"]) == (201, [])
    assert (await ada.get(f"{MODELS}/meta/llama-3")).json()["endpoints"][0]["price_per_million"] is None


@pytest.mark.parametrize(
    ("change", "field"),
    (
        ({"endpoint": "local:llama3"}, "endpoint"),
        ({"effective_time": "tomorrow"}, "effective_time"),
        ({"unit_prices": {"prompt_token": 1}}, "unit_prices"),
        ({"unit_prices": [{"unit": "letter", "price": 1, "per": 1}]}, "unit_prices[0].unit"),
        ({"unit_prices": [{"unit": "request", "price": "1", "per": 1}]}, "unit_prices[0].price"),
        ({"unit_prices": [{"unit": "request", "price": 1, "pre": 1}]}, "unit_prices[0].pre"),
        ({"unit_prices": [{"unit": "request", "price": 1, "per": 3}]}, "unit_prices[0].per"),
        ({"unit_prices": [{"unit": "request", "price": -1, "per": 1}]}, "unit_prices[0].price"),
        (
            {"unit_prices": [{"unit": "request", "price": 1, "per": 1, "tiers": [{"above": 1}]}]},
            "unit_prices[0].tiers[0].above",
        ),
    ),
)
async def test_a_bad_price_is_refused_by_the_path_of_what_is_bad(
    grounds: Grounds, change: dict[str, Any], field: str
) -> None:
    operator = await grounds.operator()
    assert error_of(await operator.post("/api/prices", json=PRICE | change)) == (400, "INVALID_FIELD", field)


async def test_a_unit_given_twice_is_named_as_it_was_sent(grounds: Grounds) -> None:
    operator = await grounds.operator()
    twice = {"unit_prices": [{"unit": "request", "price": 1, "per": 1}] * 2}
    for path, body in (
        ("/api/prices", {"endpoint_id": "local:llama3"}),
        ("/api/price-overrides", {"provider": "local", "endpoint_id": "local:llama3"}),
    ):
        answer = await operator.post(path, json=body | twice)
        assert error_of(answer) == (400, "INVALID_FIELD", "unit_prices[1].unit")
        assert answer.json()["error"]["details"]["value"] == "request"


async def test_an_organisation_pays_what_it_has_agreed(grounds: Grounds) -> None:
    person = Person(role=ROLE_ORGANISATION_ADMIN)
    admin = await grounds.enter(person)
    document = '{"provider": "openai", "factor": 0.800, "source": "contract 17"}'
    assert error_of(await admin.post("/api/price-overrides", content=document))[:2] == (403, "ACCESS_DENIED")
    operator = await grounds.operator()
    document = document.replace("}", f', "organisation_id": "{person.organisation}"}}')
    answer = await operator.post("/api/price-overrides", content=document)
    assert answer.status_code == 201
    assert answer.json() | {"id": "", "effective_time": "", "record_time": ""} == {
        "id": "",
        "organisation_id": person.organisation,
        "provider": "openai",
        "endpoint_id": None,
        "effective_time": "",
        "record_time": "",
        "factor": 0.8,
        "unit_prices": [],
        "source": "contract 17",
    }
    listed = (await admin.get("/api/price-overrides")).json()
    assert listed == {"price_overrides": [answer.json()], "next_page_token": None}
    other = await grounds.administrator()
    assert (await other.get("/api/price-overrides")).json()["price_overrides"] == []
    refused = await operator.post("/api/price-overrides", json={"provider": "openai", "factor": 101})
    assert error_of(refused) == (400, "INVALID_FIELD", "factor")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    (
        ("POST", "/api/models/sync", {}),
        ("GET", "/api/models/syncs", None),
        ("POST", "/api/models/syncs/0199f2c4-7a10-7cc3-b1d5-2f6f0a9a4b1e/revert", None),
        ("POST", "/api/prices", PRICE),
        ("GET", "/api/price-overrides", None),
        ("POST", "/api/price-overrides", {"provider": "openai", "factor": 0.5}),
    ),
)
async def test_who_may_not_is_refused(ada: httpx.AsyncClient, method: str, path: str, body: Any) -> None:
    assert error_of(await ada.request(method, path, json=body))[:2] == (403, "ACCESS_DENIED")


async def test_a_sync_is_shown_applied_listed_and_undone(
    catalog_database_url: str, service_keys: Path, behind: Behind
) -> None:
    key = {"OPENROUTER_API_KEY": "sk-or-0123456789abcdef"}
    async with serving() as lists:
        lists.say("openrouter", {"id": "openai/gpt-4", "pricing": {"prompt": "0.00002", "completion": "0.00006"}})
        async with grounds_on(catalog_database_url, service_keys, behind, lists.moved(SEED), key) as grounds:
            operator = await grounds.operator()
            shown = (await operator.post("/api/models/sync", json={"dry_run": True})).json()
            assert [(one["provider"], one["models"], one["fault"]) for one in shown["listings"]] == [
                ("openrouter", 1, None)
            ]
            assert [(one["model_id"], one["kind"]) for one in shown["differences"]] == [("openai/gpt-4", "changed")]
            assert shown["sync"] is None
            other = await operator.post("/api/models/sync", json={"expected_digest": "0" * 64})
            assert error_of(other)[:2] == (409, "CONFLICT")
            document = {"providers": ["openrouter"], "expected_digest": shown["digest"], "remove_missing": False}
            applied = (await operator.post("/api/models/sync", json=document)).json()["sync"]
            assert (applied["providers"], applied["changed"], applied["revert_time"]) == (["openrouter"], 1, None)
            assert (await operator.get("/api/models/syncs")).json()["syncs"] == [applied]
            undone = await operator.post(f"/api/models/syncs/{applied['id']}/revert")
            assert undone.json()["revert_time"] is not None
            again = await operator.post(f"/api/models/syncs/{applied['id']}/revert")
            assert error_of(again)[:2] == (409, "CONFLICT")
