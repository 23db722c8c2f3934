"""What goes over the wire for OpenAI, byte by byte, as recorded traffic has it."""

import json
from typing import Any

import httpx2 as httpx
import pytest

from services.sandbox.server import SandboxServer

REQUEST = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}


def url(sandbox: SandboxServer) -> str:
    return f"{sandbox.openai_url}/chat/completions"


def events(body: str) -> list[Any]:
    blocks = body.split("\n\n")
    assert blocks.pop() == ""
    assert all(block.startswith("data: ") for block in blocks)
    payloads = [block.removeprefix("data: ") for block in blocks]
    return [payload if payload == "[DONE]" else json.loads(payload) for payload in payloads]


async def test_a_body_is_indented_and_ordered_as_the_real_one(sandbox: SandboxServer, http: httpx.AsyncClient) -> None:
    answer = await http.post(url(sandbox), json=REQUEST)

    assert answer.text.startswith('{\n  "id": "chatcmpl-')
    assert answer.text.endswith("\n}\n")
    assert list(answer.json()) == [
        "id", "object", "created", "model", "choices", "usage", "service_tier", "system_fingerprint",
    ]  # fmt: skip
    assert list(answer.json()["choices"][0]) == ["index", "message", "logprobs", "finish_reason"]


async def test_an_answer_has_openais_headers(sandbox: SandboxServer, http: httpx.AsyncClient) -> None:
    answer = await http.post(url(sandbox), json=REQUEST)

    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"].startswith("req_")
    assert answer.headers["openai-version"] == "2020-10-01"
    assert int(answer.headers["openai-processing-ms"]) >= 0
    assert int(answer.headers["x-ratelimit-remaining-tokens"]) < int(answer.headers["x-ratelimit-limit-tokens"])


async def test_a_stream_opens_with_the_role_and_ends_with_done(sandbox: SandboxServer, http: httpx.AsyncClient) -> None:
    answer = await http.post(url(sandbox), json={**REQUEST, "stream": True})

    chunks = events(answer.text)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert list(chunks[0]) == [
        "id", "object", "created", "model", "service_tier", "system_fingerprint", "choices", "obfuscation",
    ]  # fmt: skip
    assert chunks[0]["choices"] == [
        {
            "index": 0,
            "delta": {"role": "assistant", "content": "", "refusal": None},
            "logprobs": None,
            "finish_reason": None,
        }
    ]
    assert chunks[-2]["choices"] == [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]
    assert chunks[-1] == "[DONE]"
    assert len({chunk["id"] for chunk in chunks[:-1]}) == 1


async def test_a_lone_tool_call_opens_with_the_role(sandbox: SandboxServer, http: httpx.AsyncClient) -> None:
    tools = [{"type": "function", "function": {"name": "look"}}]

    answer = await http.post(url(sandbox), json={**REQUEST, "stream": True, "tools": tools, "tool_choice": "required"})

    chunks = events(answer.text)
    opening = chunks[0]["choices"][0]["delta"]
    assert list(opening) == ["role", "content", "tool_calls", "refusal"]
    assert opening["tool_calls"][0]["function"] == {"name": "look", "arguments": ""}
    assert chunks[1]["choices"][0]["delta"] == {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}
    assert chunks[2]["choices"][0]["finish_reason"] == "tool_calls"


async def test_answers_have_ids_of_their_own(sandbox: SandboxServer, http: httpx.AsyncClient) -> None:
    answers = [(await http.post(url(sandbox), json=REQUEST)).json() for _ in range(3)]

    assert len({answer["id"] for answer in answers}) == 3
    assert len({answer["choices"][0]["message"]["content"] for answer in answers}) == 1


@pytest.mark.parametrize(
    ("key", "message", "code"),
    ((None, "You didn't provide an API key.", None), ("sk-invalid", "Incorrect API key", "invalid_api_key")),
)
async def test_without_a_good_key_nothing_is_answered(
    sandbox: SandboxServer, http: httpx.AsyncClient, key: str | None, message: str, code: str | None
) -> None:
    http.headers.pop("authorization")
    headers = {} if key is None else {"authorization": f"Bearer {key}"}

    answer = await http.post(url(sandbox), json=REQUEST, headers=headers)

    error = answer.json()["error"]
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="OpenAI API"')
    assert list(error) == ["message", "type", "param", "code"]
    assert error["message"].startswith(message)
    assert (error["type"], error["code"]) == ("invalid_request_error", code)


async def test_a_refused_request_may_come_again(sandbox: SandboxServer, http: httpx.AsyncClient) -> None:
    headers = {"x-sandbox-status": "429", "x-sandbox-retry-after": "1.25"}

    answer = await http.post(url(sandbox), json=REQUEST, headers=headers)

    assert (answer.headers["retry-after"], answer.headers["retry-after-ms"]) == ("2", "1250")
    assert answer.json()["error"]["code"] == "rate_limit_exceeded"


@pytest.mark.parametrize(
    "path",
    ("/openai/v1/chat/completions", "/openai/v1/models", "/openrouter/api/v1/models", "/__sandbox__/", "/livez", "/no"),
)
@pytest.mark.parametrize("method", ("GET", "POST"))
async def test_every_answer_says_that_it_is_simulated(
    sandbox: SandboxServer, http: httpx.AsyncClient, method: str, path: str
) -> None:
    answer = await http.request(method, sandbox.url + path)

    assert answer.headers["x-pantheon-sandbox"] == "true"
