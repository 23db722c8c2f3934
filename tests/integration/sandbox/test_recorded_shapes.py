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

pytestmark = [pytest.mark.corpus, needs(TRAFFIC)]


def fields(value: Any, path: str = "") -> Iterator[str]:
    """Paths of all fields, as `choices[].message.role`."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield f"{path}.{name}"
            yield from fields(inner, f"{path}.{name}")
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
def recorded() -> dict[tuple[str, bool], list[str]]:
    """Bodies of good answers, by provider and whether they are streams, as they came over the wire."""
    found: dict[tuple[str, bool], list[str]] = {}
    with gzip.open(TRAFFIC, "rt") as lines:
        for line in lines:
            exchange = json.loads(line)
            answer = exchange["response"]
            if (exchange["wire"], exchange["fidelity"], answer["status"]) == ("chat", "raw", 200):
                found.setdefault((exchange["provider"], exchange["stream"]), []).append(answer["body"])
    return found


@pytest.mark.parametrize("is_stream", (False, True))
@pytest.mark.parametrize("provider", ("openai", "openrouter"))
async def test_fields_are_those_of_recorded_answers(
    sandbox: SandboxServer,
    http: httpx.AsyncClient,
    recorded: dict[tuple[str, bool], list[str]],
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

    real = recorded[provider, is_stream]
    per_answer = [all_fields([body], is_stream=is_stream) for body in real]
    always = set.intersection(*per_answer)
    ours = all_fields(simulated, is_stream=is_stream)
    assert ours <= set.union(*per_answer)
    assert always <= ours
