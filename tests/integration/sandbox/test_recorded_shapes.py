"""The sandbox's answers beside recorded ones: no field that the real provider never sent, none missing of those it
always sent.
"""

import gzip
import json
from collections.abc import Iterable, Iterator
from typing import Any

import httpx2 as httpx
import pytest

from services.sandbox.server import SandboxServer
from tests.fixtures.references import TRAFFIC, needs

QUESTION = {"messages": [{"role": "user", "content": "Look!"}]}
TOOLS = {**QUESTION, "tools": [{"type": "function", "function": {"name": "look"}}], "tool_choice": "required"}
THINKING = {**QUESTION, "reasoning": {"effort": "low"}}
MODELS = {"openai": "gpt-4o", "openrouter": "anthropic/claude-haiku-4.5"}
MESSAGES: dict[str, Any] = {"model": "claude-opus-4-5", "max_tokens": 2000, **QUESTION}
LOOK = {"name": "look", "input_schema": {"type": "object"}}
CONTENTS: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "Look!"}]}]}
KEYS = {"x-api-key": "test", "anthropic-version": "2023-06-01", "x-goog-api-key": "test"}
COMPLETIONS = ("chat.completions", "responses", "messages", "generateContent", "streamGenerateContent")
OPEN = ("args", "input", "metadata", "parameters", "schema")
"""Members whose own members are the client's."""

pytestmark = [pytest.mark.corpus, needs(TRAFFIC)]


def fields(value: Any, path: str = "") -> Iterator[str]:
    """Paths of all fields, as `choices[].message.role`."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield f"{path}.{name}"
            yield from fields({} if name in OPEN else inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from fields(inner, f"{path}[]")


def documents(body: str, *, is_stream: bool) -> list[Any]:
    if not is_stream:
        return [json.loads(body)]
    payloads = (line.removeprefix("data: ") for line in body.splitlines() if line.startswith("data: "))
    return [json.loads(payload) for payload in payloads if payload != "[DONE]"]


def all_fields(bodies: Iterable[str], *, is_stream: bool) -> set[str]:
    return {path for body in bodies for document in documents(body, is_stream=is_stream) for path in fields(document)}


@pytest.fixture(scope="module")
def recorded() -> dict[tuple[str, str, bool], list[str]]:
    """Bodies of good answers, by provider, format and whether they are streams, as they came over the wire."""
    found: dict[tuple[str, str, bool], list[str]] = {}
    with gzip.open(TRAFFIC, "rt") as lines:
        for line in lines:
            exchange = json.loads(line)
            answer = exchange["response"]
            is_completion = exchange["endpoint"] in COMPLETIONS
            is_array = answer["body"].startswith("[")
            if (exchange["fidelity"], answer["status"]) == ("raw", 200) and is_completion and not is_array:
                kind = (exchange["provider"], exchange["wire"], exchange["stream"])
                found.setdefault(kind, []).append(answer["body"])
    return found


@pytest.mark.parametrize("is_stream", (False, True))
@pytest.mark.parametrize("provider", ("openai", "openrouter"))
async def test_fields_are_those_of_recorded_answers(
    sandbox: SandboxServer,
    http: httpx.AsyncClient,
    recorded: dict[tuple[str, str, bool], list[str]],
    provider: str,
    *,
    is_stream: bool,
) -> None:
    base_url = {"openai": sandbox.openai_url, "openrouter": sandbox.openrouter_url}[provider]
    options = {"stream": True, "stream_options": {"include_usage": True}} if is_stream else {}
    simulated = [
        (await http.post(f"{base_url}/chat/completions", json={"model": MODELS[provider], **request, **options})).text
        for request in (QUESTION, TOOLS, THINKING)
    ]

    real = recorded[provider, "chat", is_stream]
    per_answer = [all_fields([body], is_stream=is_stream) for body in real]
    always = set.intersection(*per_answer)
    ours = all_fields(simulated, is_stream=is_stream)
    assert ours <= set.union(*per_answer)
    assert always <= ours


@pytest.mark.parametrize("is_stream", (False, True))
async def test_fields_of_messages_are_those_of_recorded_answers(
    sandbox: SandboxServer,
    http: httpx.AsyncClient,
    recorded: dict[tuple[str, str, bool], list[str]],
    *,
    is_stream: bool,
) -> None:
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    tools = {"tools": [LOOK], "tool_choice": {"type": "any"}}
    simulated = [
        await http.post(
            f"{sandbox.anthropic_url}/v1/messages", json={**MESSAGES, **asked, "stream": is_stream}, headers=KEYS
        )
        for asked in ({}, thinking, tools)
    ]

    real = recorded["anthropic", "messages", is_stream]
    per_answer = [all_fields([body], is_stream=is_stream) for body in real]
    ours = all_fields([answer.text for answer in simulated], is_stream=is_stream)
    assert ours <= set.union(*per_answer)
    assert set.intersection(*per_answer) <= ours


@pytest.mark.parametrize("is_stream", (False, True))
async def test_fields_of_contents_are_those_of_recorded_answers(
    sandbox: SandboxServer,
    http: httpx.AsyncClient,
    recorded: dict[tuple[str, str, bool], list[str]],
    *,
    is_stream: bool,
) -> None:
    method = "streamGenerateContent?alt=sse" if is_stream else "generateContent"
    thinking = {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}
    calling = {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}
    tools = {"tools": [{"functionDeclarations": [{"name": "look"}]}], **calling}
    simulated = [
        await http.post(
            f"{sandbox.gemini_url}/v1beta/models/{model}:{method}", json={**CONTENTS, **asked}, headers=KEYS
        )
        for asked in ({}, thinking, tools)
        for model in ("gemini-2.5-flash", "gemini-3-flash-preview")
    ]

    real = recorded["gemini", "gemini", is_stream]
    per_answer = [found for body in real if (found := all_fields([body], is_stream=is_stream))]
    ours = all_fields([answer.text for answer in simulated], is_stream=is_stream)
    assert ours <= set.union(*per_answer) | {".candidates[].content.parts[].functionCall.id"}
    assert set.intersection(*per_answer) <= ours


@pytest.mark.parametrize("is_stream", (False, True))
async def test_fields_of_responses_are_those_of_recorded_answers(
    sandbox: SandboxServer,
    http: httpx.AsyncClient,
    recorded: dict[tuple[str, str, bool], list[str]],
    *,
    is_stream: bool,
) -> None:
    thinking = {"model": "gpt-5", "reasoning": {"effort": "low", "summary": "auto"}}
    tools = {"tools": [{"type": "function", "name": "look"}], "tool_choice": "required"}
    simulated = [
        await http.post(
            f"{sandbox.openai_url}/responses", json={"model": "gpt-4o", "input": "Look!", **asked, "stream": is_stream}
        )
        for asked in ({}, thinking, tools)
    ]

    real = recorded["openai", "responses", is_stream]
    per_answer = [all_fields([body], is_stream=is_stream) for body in real]
    ours = all_fields([answer.text for answer in simulated], is_stream=is_stream)
    assert ours <= set.union(*per_answer)
    assert set.intersection(*per_answer) <= ours
