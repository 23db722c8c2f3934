import json
from decimal import Decimal
from typing import Any

import httpx2 as httpx
import openai as sdk
import pytest
from openai import AsyncOpenAI

from services.sandbox.server import SandboxServer

REQUEST: dict[str, Any] = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
COMMENT = ": OPENROUTER PROCESSING"


def url(sandbox: SandboxServer) -> str:
    return f"{sandbox.openrouter_url}/chat/completions"


def chunks(body: str) -> list[Any]:
    """The JSON events of a stream, comments and `[DONE]` aside."""
    blocks = [block for block in body.split("\n\n") if block.startswith("data: ")]
    assert blocks.pop() == "data: [DONE]"
    return [json.loads(block.removeprefix("data: ")) for block in blocks]


async def test_openais_sdk_is_served(openrouter: AsyncOpenAI) -> None:
    answer = await openrouter.chat.completions.create(**REQUEST)

    assert answer.id.startswith("gen-")
    assert answer.choices[0].message.content


async def test_a_body_stands_behind_white_space_and_is_shaped_as_the_real_one(
    sandbox: SandboxServer, http: httpx.AsyncClient
) -> None:
    answer = await http.post(url(sandbox), json=REQUEST)

    body = answer.json()
    assert answer.text.startswith("\n         \n")
    assert answer.headers["x-generation-id"] == body["id"]
    assert list(body) == [
        "id", "object", "created", "model", "provider", "system_fingerprint", "service_tier", "choices", "usage",
    ]  # fmt: skip
    assert (body["model"], body["provider"]) == ("openai/gpt-4o-mini", "OpenAI")
    assert list(body["choices"][0]) == ["index", "logprobs", "finish_reason", "native_finish_reason", "message"]


async def test_the_cost_is_that_of_the_tokens(sandbox: SandboxServer, http: httpx.AsyncClient) -> None:
    answer = await http.post(url(sandbox), json=REQUEST)

    usage = json.loads(answer.text, parse_float=Decimal)["usage"]
    prompt = usage["prompt_tokens"] * Decimal("0.00000015")
    completion = usage["completion_tokens"] * Decimal("0.0000006")
    assert usage["cost"] == prompt + completion
    assert usage["cost_details"]["upstream_inference_prompt_cost"] == prompt
    assert usage["cost_details"]["upstream_inference_completions_cost"] == completion
    assert usage["is_byok"] is False


async def test_a_stream_begins_with_a_comment_and_ends_with_the_bill(
    sandbox: SandboxServer, http: httpx.AsyncClient
) -> None:
    whole = (await http.post(url(sandbox), json=REQUEST)).json()

    answer = await http.post(url(sandbox), json={**REQUEST, "stream": True})

    *steps, finish, bill = chunks(answer.text)
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.text.startswith(COMMENT + "\n\n")
    said = "".join(step["choices"][0]["delta"]["content"] for step in steps)
    assert said == whole["choices"][0]["message"]["content"]
    assert all(step["choices"][0]["delta"]["role"] == "assistant" for step in steps)
    assert finish["choices"] == bill["choices"]
    assert finish["choices"][0]["finish_reason"] == "stop"
    assert finish["choices"][0]["native_finish_reason"] == "completed"
    assert bill["usage"] == whole["usage"]
    assert all("usage" not in chunk for chunk in (*steps, finish))


async def test_comments_keep_a_slow_stream_alive(sandbox: SandboxServer, http: httpx.AsyncClient) -> None:
    answer = await http.post(url(sandbox), json={**REQUEST, "stream": True}, headers={"x-sandbox-first-token": "700"})

    assert answer.text.count(COMMENT) == 2


@pytest.mark.parametrize(
    ("model", "provider", "native"),
    (
        ("anthropic/claude-haiku-4.5", "Amazon Bedrock", "max_tokens"),
        ("google/gemini-2.5-flash", "Google AI Studio", "MAX_TOKENS"),
        ("mistralai/mistral-nemo", "Mistral", "length"),
        ("some/other", "DeepInfra", "length"),
    ),
)
async def test_finish_reasons_come_in_the_models_own_words_too(
    sandbox: SandboxServer, http: httpx.AsyncClient, model: str, provider: str, native: str
) -> None:
    body = (await http.post(url(sandbox), json={**REQUEST, "model": model, "max_tokens": 3})).json()

    assert body["provider"] == provider
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["choices"][0]["native_finish_reason"] == native


async def test_thinking_is_shown_when_wished_for(sandbox: SandboxServer, http: httpx.AsyncClient) -> None:
    request = {**REQUEST, "model": "anthropic/claude-haiku-4.5", "reasoning": {"effort": "low"}}

    whole = (await http.post(url(sandbox), json=request)).json()
    streamed = chunks((await http.post(url(sandbox), json={**request, "stream": True})).text)
    hidden = (await http.post(url(sandbox), json={**request, "reasoning": {"effort": "low", "exclude": True}})).json()

    message = whole["choices"][0]["message"]
    deltas = [chunk["choices"][0]["delta"] for chunk in streamed]
    assert "".join(delta.get("reasoning", "") for delta in deltas) == message["reasoning"]
    assert message["reasoning_details"][0]["format"] == "anthropic-claude-v1"
    assert whole["usage"]["completion_tokens_details"]["reasoning_tokens"] == 64
    assert hidden["choices"][0]["message"]["reasoning"] is None
    assert hidden["usage"] == whole["usage"]


async def test_tool_calls_carry_their_index(sandbox: SandboxServer, http: httpx.AsyncClient) -> None:
    tools = [{"type": "function", "function": {"name": name}} for name in ("look", "listen")]
    request = {**REQUEST, "messages": [{"role": "user", "content": "look and listen"}], "tools": tools}

    calls = (await http.post(url(sandbox), json=request)).json()["choices"][0]["message"]["tool_calls"]
    streamed = chunks((await http.post(url(sandbox), json={**request, "stream": True})).text)

    assert [(call["index"], call["function"]["name"]) for call in calls] == [(0, "look"), (1, "listen")]
    assert streamed[0]["choices"][0]["delta"]["content"] is None
    assert streamed[-2]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    ("fields", "headers", "status", "message"),
    (
        ({}, {"authorization": ""}, 401, "No cookie auth credentials found"),
        ({}, {"authorization": "Bearer invalid"}, 401, "User not found."),
        ({"model": "openai/no-such-model"}, {}, 400, "openai/no-such-model is not a valid model ID"),
        ({"model": None}, {}, 400, "No models provided"),
        ({"messages": None}, {}, 400, 'Input required: specify "prompt" or "messages"'),
        ({}, {"x-sandbox-status": "503", "x-sandbox-retry-after": "3"}, 503, "Provider overloaded"),
    ),
)
async def test_errors_have_the_status_as_their_code(
    sandbox: SandboxServer, http: httpx.AsyncClient, fields: Any, headers: Any, status: int, message: str
) -> None:
    answer = await http.post(url(sandbox), json={**REQUEST, **fields}, headers=headers)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["message"]) == (status, status, message)
    assert answer.headers.get("retry-after") == headers.get("x-sandbox-retry-after")


async def test_the_first_fallback_serves_where_no_model_is_named(
    sandbox: SandboxServer, http: httpx.AsyncClient
) -> None:
    answer = await http.post(url(sandbox), json={**REQUEST, "model": None, "models": ["x-ai/grok-4.1-fast", "other"]})

    assert answer.json()["model"] == "x-ai/grok-4.1-fast"


async def test_an_error_within_a_stream_finishes_the_choice(sandbox: SandboxServer, http: httpx.AsyncClient) -> None:
    answer = await http.post(url(sandbox), json={**REQUEST, "stream": True}, headers={"x-sandbox-error-after": "2"})

    last = json.loads(answer.text.strip().rpartition("data: ")[2])
    assert last["error"]["code"] == 502
    assert last["choices"][0]["finish_reason"] == "error"


async def test_a_generation_can_be_asked_about(sandbox: SandboxServer, http: httpx.AsyncClient) -> None:
    body = (await http.post(url(sandbox), json=REQUEST)).json()

    found = await http.get(f"{sandbox.openrouter_url}/generation", params={"id": body["id"]})

    generation = found.json()["data"]
    assert generation["total_cost"] == body["usage"]["cost"]
    assert generation["native_tokens_completion"] == body["usage"]["completion_tokens"]
    assert (generation["streamed"], generation["cancelled"]) == (False, False)


async def test_a_cancelled_generation_costs_what_was_made(sandbox: SandboxServer, http: httpx.AsyncClient) -> None:
    headers = {"x-sandbox-length": "400", "x-sandbox-rate": "200", "x-pantheon-attempt-id": "cancelled-generation"}
    async with http.stream("POST", url(sandbox), json={**REQUEST, "stream": True}, headers=headers) as answer:
        generation_id = answer.headers["x-generation-id"]
        lines = answer.aiter_lines()
        while not (await anext(lines)).startswith("data: "):
            pass
    await sandbox.recorder.wait_until(
        lambda seen: any(record.response_id == generation_id and record.finished_at for record in seen), 5
    )

    found = await http.get(f"{sandbox.openrouter_url}/generation", params={"id": generation_id})

    generation = found.json()["data"]
    assert generation["cancelled"] is True
    assert 0 < generation["native_tokens_completion"] < 400
    assert generation["total_cost"] < 400 * 0.0000006


async def test_an_unknown_generation_is_not_found(sandbox: SandboxServer, http: httpx.AsyncClient) -> None:
    answer = await http.get(f"{sandbox.openrouter_url}/generation", params={"id": "gen-0"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, 404)


async def test_the_catalogue_is_public_and_lists_prices(sandbox: SandboxServer, http: httpx.AsyncClient) -> None:
    http.headers.pop("authorization")

    listed = (await http.get(f"{sandbox.openrouter_url}/models")).json()["data"]

    prices = {model["id"]: model["pricing"] for model in listed}
    assert prices["openai/gpt-4o-mini"]["completion"] == "0.0000006"


async def test_refusals_raise_the_sdks_own_errors(openrouter: AsyncOpenAI) -> None:
    with pytest.raises(sdk.RateLimitError):
        await openrouter.chat.completions.create(**{**REQUEST, "model": "openai/gpt-4o:sandbox-status-429"})
