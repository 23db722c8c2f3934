"""The guide's section "Adding Custom Models", with its document word for word.

| the guide says                        | test                                                                 |
|---------------------------------------|----------------------------------------------------------------------|
| Step 1: Settings, Custom Models       | test_step_1_there_are_none_to_begin_with                             |
| Step 2: Configure Model               | test_step_2_configure_the_model_word_for_word                        |
|   "name", "model_id", "provider", ... | test_a_document_without_it_is_refused                                |
|   "parameters"                        | test_the_model_s_parameters_hold_where_nothing_else_is_said          |
|                                       | test_parameters_out_of_range_are_refused                             |
|   "context_window"                    | test_the_context_window_is_the_model_s                               |
|   "cost_per_1k_tokens"                | test_the_ledger_has_it_at_its_own_cost                               |
| Step 3: Test Model, with a prompt     | test_step_3_test_before_saving                                       |
|   verify response, latency, quality   | test_step_3_test_again_when_saved                                    |
|                                       | test_a_test_tells_of_an_answer_that_was_cut_off                      |
|   "Save" if satisfied                 | test_step_2_configure_the_model_word_for_word                        |
| Step 4: Set as Default                | test_step_4_set_as_default                                           |
"""

import json
from decimal import Decimal
from typing import Any

import httpx2 as httpx
import pytest

from tests.e2e.guide.asking import ask, completion_tokens, finish_reason, once_it_is, refusal, routed
from tests.fixtures.guide import CUSTOM_MODEL
from tests.fixtures.people import Person

MODEL = "custom/my-model"
PROMPT = "What is the capital of France, and why is it that city of all the cities in the country?"


async def saved(api: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    """The guide's model, made; with other members where named."""
    answer = await api.post("/api/custom-models", json={**json.loads(CUSTOM_MODEL), **changes})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def first_answer(chats: httpx.AsyncClient, model: str = MODEL, **parameters: Any) -> httpx.Response:
    """The model's first one: the router hears of a new model within a second."""
    return await once_it_is(lambda: ask(chats, model, PROMPT, **parameters), lambda answer: answer.status_code == 200)


def check_figures(test: dict[str, Any]) -> None:
    """Text, latency, time to first token, tokens, cost and verdict. Raises AssertionError."""
    assert test["text"]
    assert (test["model"], test["provider"], test["refusal"]) == (MODEL, "openrouter", None)
    assert 0 < test["time_to_first_token_seconds"] <= test["latency_seconds"] < 30
    tokens, amount = test["tokens"], Decimal(str(test["cost"]["amount"]))
    assert amount == (tokens["prompt_tokens"] * Decimal("0.01") + tokens["completion_tokens"] * Decimal("0.03")) / 1000
    checks = ("non_empty", "finished", "right_language", "parameters_accepted")
    assert test["verdict"] == {"passed": True, **dict.fromkeys(checks, "passed")}


async def test_step_1_there_are_none_to_begin_with(own_api: httpx.AsyncClient) -> None:
    answer = await own_api.get("/api/custom-models")
    assert answer.json() == {"custom_models": [], "next_page_token": None}


async def test_step_2_configure_the_model_word_for_word(reader: Person, own_api: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json"}
    answer = await own_api.post("/api/custom-models", content=CUSTOM_MODEL, headers=headers)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert {name: made[name] for name in json.loads(CUSTOM_MODEL)} == json.loads(CUSTOM_MODEL)
    assert made["provider_hosted"], "OpenRouter's own endpoint: its keys are used"
    assert (await own_api.get(answer.headers["location"])).json() == made
    assert (await own_api.get("/api/custom-models")).json()["custom_models"] == [made]
    assert (await own_api.get("/api/user/settings")).json()["custom_models"] == [made]


@pytest.mark.parametrize("member", ("name", "model_id", "provider", "api_endpoint"))
async def test_a_document_without_it_is_refused(api: httpx.AsyncClient, member: str) -> None:
    document = {name: value for name, value in json.loads(CUSTOM_MODEL).items() if name != member}
    answer = await api.post("/api/custom-models", json=document)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["field"] == member


async def test_the_model_s_parameters_hold_where_nothing_else_is_said(
    own_chats: httpx.AsyncClient, own_api: httpx.AsyncClient
) -> None:
    # The sandbox's word for an answer of 5,000 tokens.
    await saved(own_api, provider_model_id="my-model:sandbox-length-5000")
    answer = await first_answer(own_chats)
    assert (completion_tokens(answer), finish_reason(answer)) == (4000, "length")
    assert completion_tokens(await ask(own_chats, MODEL, max_tokens=100)) == 100
    await own_api.post("/api/user/settings", json={"model_parameters": {"max_tokens": 50}})
    await once_it_is(lambda: ask(own_chats, MODEL), lambda answer: completion_tokens(answer) == 50)


@pytest.mark.parametrize(
    ("parameter", "value", "allowed"),
    (
        ("temperature", 2.1, "0 to 2"),
        ("max_tokens", 0, "1 to "),
        ("top_p", 1.1, "0 to 1"),
        ("frequency_penalty", -2.1, "-2 to 2"),
        ("presence_penalty", 2.1, "-2 to 2"),
    ),
)
async def test_parameters_out_of_range_are_refused(
    api: httpx.AsyncClient, parameter: str, value: float, allowed: str
) -> None:
    answer = await api.post("/api/custom-models", json={**json.loads(CUSTOM_MODEL), "parameters": {parameter: value}})
    assert answer.status_code == 400
    details = answer.json()["error"]["details"]
    assert (details["field"], details["value"]) == (f"parameters.{parameter}", str(value))
    assert details["allowed"].startswith(allowed)


async def test_the_context_window_is_the_model_s(own_chats: httpx.AsyncClient, own_api: httpx.AsyncClient) -> None:
    await saved(own_api)
    await first_answer(own_chats)
    error = await refusal(own_chats, MODEL, max_tokens=8192)
    assert error["code"] == "CONTEXT_TOO_LONG"
    assert error["metadata"]["window"] == "8192"


async def test_the_ledger_has_it_at_its_own_cost(
    reader: Person, own_chats: httpx.AsyncClient, own_api: httpx.AsyncClient
) -> None:
    await saved(own_api)
    answer = await first_answer(own_chats)
    row = await reader.row(answer.headers["x-request-id"])
    assert (row.model, row.provider, row.outcome, row.state) == (MODEL, "openrouter", "succeeded", "settled")
    assert row.prompt_tokens
    assert row.completion_tokens
    assert row.cost == (row.prompt_tokens * Decimal("0.01") + row.completion_tokens * Decimal("0.03")) / 1000
    assert Decimal(answer.headers["x-pantheon-cost"]) == row.cost
    assert row.price_version_id


async def test_step_3_test_before_saving(reader: Person, own_api: httpx.AsyncClient) -> None:
    body = {"custom_model": json.loads(CUSTOM_MODEL), "prompt": PROMPT}
    answer = await own_api.post("/api/custom-models/test", json=body)
    assert answer.status_code == 200, answer.text
    check_figures(answer.json())
    assert (await own_api.get("/api/custom-models")).json()["custom_models"] == [], "a test saves nothing"
    row = await reader.row(answer.json()["request_id"])
    assert (row.model, row.cost) == (MODEL, Decimal(str(answer.json()["cost"]["amount"])))


async def test_step_3_test_again_when_saved(own_chats: httpx.AsyncClient, own_api: httpx.AsyncClient) -> None:
    made = await saved(own_api)
    await first_answer(own_chats)
    for which in (MODEL, made["id"]):
        answer = await own_api.post(f"/api/custom-models/{which}/test", json={"prompt": PROMPT})
        assert answer.status_code == 200, answer.text
        check_figures(answer.json())


async def test_a_test_tells_of_an_answer_that_was_cut_off(
    own_chats: httpx.AsyncClient, own_api: httpx.AsyncClient
) -> None:
    await saved(own_api, parameters={"max_tokens": 8})
    await first_answer(own_chats)
    test = (await own_api.post(f"/api/custom-models/{MODEL}/test", json={"prompt": PROMPT})).json()
    assert test["finish_reason"] == "length"
    assert (test["verdict"]["passed"], test["verdict"]["finished"]) == (False, "failed")


async def test_step_4_set_as_default(reader: Person, own_chats: httpx.AsyncClient, own_api: httpx.AsyncClient) -> None:
    made = await saved(own_api)
    answer = await own_api.post(f"/api/custom-models/{made['id']}/default")
    assert answer.json() == {"preferred_model": MODEL}
    assert (await own_api.get("/api/user/settings")).json()["preferred_model"] == MODEL
    answer = await once_it_is(lambda: ask(own_chats, "auto"), lambda answer: routed(answer) == (MODEL, "openrouter"))
    assert (await reader.row(answer.headers["x-request-id"])).model == MODEL


async def test_nobody_else_has_it(
    own_chats: httpx.AsyncClient, own_api: httpx.AsyncClient, chats: httpx.AsyncClient
) -> None:
    await saved(own_api)
    await first_answer(own_chats)
    assert (await refusal(chats, MODEL))["code"] == "MODEL_NOT_FOUND"


async def test_an_endpoint_that_would_be_refused_is_refused_when_tested_and_when_saved(
    api: httpx.AsyncClient,
) -> None:
    document = {**json.loads(CUSTOM_MODEL), "api_endpoint": "https://169.254.169.254/v1/chat/completions"}
    for path, body in (("/api/custom-models", document), ("/api/custom-models/test", {"custom_model": document})):
        answer = await api.post(path, json=body)
        assert answer.status_code == 400, answer.text
        assert answer.json()["error"]["details"]["field"].endswith("api_endpoint")
