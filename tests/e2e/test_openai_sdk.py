"""The vendor's own SDK, pointed at Pantheon."""

import time
from collections.abc import AsyncIterator
from decimal import Decimal
from uuid import uuid4

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from tests.fixtures.deployments import Deployment
from tests.fixtures.eventually import eventually

QUESTION: list[ChatCompletionMessageParam] = [{"role": "user", "content": "How long is a piece of string?"}]


@pytest.fixture
async def sdk(deployment: Deployment) -> AsyncIterator[openai.AsyncOpenAI]:
    address = deployment.ports.address("http")
    async with openai.AsyncOpenAI(base_url=f"http://{address}/v1", api_key=deployment.api_key) as client:
        yield client


@pytest.fixture
def model() -> str:
    """An unlisted one that no other test asks for."""
    return f"acme/{uuid4().hex}"


async def test_it_completes(sdk: openai.AsyncOpenAI) -> None:
    answer = await sdk.chat.completions.with_raw_response.create(model="gpt-4-turbo", messages=QUESTION)
    completion = answer.parse()
    assert completion.choices[0].message.content
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage is not None
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens
    assert answer.headers["x-pantheon-model"] == "openai/gpt-4-turbo"
    assert answer.headers["x-pantheon-provider"] == "openai"
    assert answer.headers["x-pantheon-sandbox"] == "true"
    assert Decimal(answer.headers["x-pantheon-cost"]) > 0


async def test_it_streams_with_usage_and_cost(sdk: openai.AsyncOpenAI) -> None:
    stream = await sdk.chat.completions.create(
        model="openai/gpt-4-turbo", messages=QUESTION, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0
    assert chunks[-1].model_extra is not None
    receipt = chunks[-1].model_extra["pantheon"]
    assert receipt["model"] == "openai/gpt-4-turbo"
    assert receipt["cost"] > 0


async def test_a_stream_without_the_wish_for_usage_shows_none(sdk: openai.AsyncOpenAI) -> None:
    stream = await sdk.chat.completions.create(model="gpt-4-turbo", messages=QUESTION, stream=True)
    assert [chunk.usage async for chunk in stream if chunk.usage] == []


async def test_models_are_listed(sdk: openai.AsyncOpenAI) -> None:
    models = {model.id async for model in sdk.models.list()}
    assert {"openai/gpt-4-turbo", "anthropic/claude-3-opus"} <= models


async def test_the_console_shows_a_completion_within_two_seconds(
    sdk: openai.AsyncOpenAI, deployment: Deployment, model: str
) -> None:
    completion = await sdk.chat.completions.create(model=model, messages=QUESTION)
    assert completion.usage is not None
    answered_at = time.monotonic()
    async with deployment.console() as console:

        async def usage() -> dict[str, object]:
            answer = await console.get("/api/user/usage")
            assert answer.status_code == 200
            found: dict[str, object] = answer.json()["by_model"].get(model, {})
            return found

        shown = await eventually(usage, timeout=2.0)
    assert time.monotonic() - answered_at < 2.0
    assert shown["tokens"] == completion.usage.total_tokens
    assert shown["requests"] == 1
    assert shown["cost"] is None, "unpriced is not free"


async def test_the_ledger_says_what_the_client_was_told(
    sdk: openai.AsyncOpenAI, deployment: Deployment, model: str
) -> None:
    answer = await sdk.chat.completions.with_raw_response.create(
        model=model, messages=QUESTION, extra_headers={"x-pantheon-tags": "team=search&env=test"}
    )
    (row,) = await eventually(lambda: deployment.rows(model))
    usage = answer.parse().usage
    assert usage is not None
    assert row.request_id == answer.headers["x-request-id"]
    assert (row.prompt_tokens, row.completion_tokens) == (usage.prompt_tokens, usage.completion_tokens)
    assert (row.outcome, row.state, row.final, row.sandbox) == ("succeeded", "settled", True, True)
    assert row.provider == "openrouter"
    assert row.cost is None
    assert row.tags == {"team": "search", "env": "test"}
