"""POST /v1/chat/completions with OpenAI's own SDK and without: answers, headers, and what is booked."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from pantheon.usage.v1.ledger_pb2 import LedgerState, Outcome, Surface
from services.sandbox.server import SandboxServer
from tests.integration.router.running import MESSAGES, RunningRouter


async def complete(client: AsyncOpenAI, **members: Any) -> ChatCompletion:
    answer = await client.chat.completions.create(**{"model": "gpt-4", "messages": MESSAGES, **members})
    assert isinstance(answer, ChatCompletion)
    return answer


async def stream(client: AsyncOpenAI, **members: Any) -> list[ChatCompletionChunk]:
    arguments = {"model": "gpt-4", "messages": MESSAGES, "stream": True, **members}
    return [chunk async for chunk in await client.chat.completions.create(**arguments)]


async def test_a_completion_is_answered_and_booked(router: RunningRouter) -> None:
    answer = await router.post()
    assert answer.status_code == 200, answer.text
    usage = answer.json()["usage"]
    cost = Decimal(usage["prompt_tokens"] * 10 + usage["completion_tokens"] * 30) / 1_000_000
    assert Decimal(answer.headers["x-pantheon-cost"]) == cost
    assert answer.headers["x-pantheon-model"] == "openai/gpt-4"
    assert answer.headers["x-pantheon-served-model"] == "gpt-4-0613"
    assert answer.headers["x-pantheon-provider"] == "openai"
    assert answer.headers["x-pantheon-sandbox"] == "true"
    finished = await router.one_finished()
    started = finished.started
    assert finished.event_id == started.finish_id
    assert started.request_id == answer.headers["x-request-id"]
    assert started.target.surface == Surface.SURFACE_OPENAI_CHAT
    assert (started.target.model, started.target.provider_model_id) == ("openai/gpt-4", "gpt-4")
    assert (started.attribution.user_id, started.attribution.key_id) == ("user-1", "key-1")
    assert finished.outcome == Outcome.OUTCOME_SUCCEEDED
    assert finished.state == LedgerState.LEDGER_STATE_SETTLED
    assert finished.final
    assert (finished.served_model, finished.finish_reason, finished.http_status) == ("gpt-4-0613", "stop", 200)
    assert finished.provider_response_id == answer.json()["id"]
    assert Decimal(finished.cost.amount.value) == cost


async def test_what_the_provider_answers_reaches_the_client_to_the_byte(
    router: RunningRouter, sandbox: SandboxServer
) -> None:
    # OpenRouter pads its answers with white space, and has members OpenAI does not have.
    answer = await router.post("anthropic/claude-3-opus")
    assert answer.content[:1].isspace()
    assert answer.json()["provider"]
    assert answer.json()["usage"]["cost"] > 0


@pytest.mark.parametrize("model", ("gpt-4", "anthropic/claude-3-opus"))
async def test_the_sdk_completes(router: RunningRouter, openai: AsyncOpenAI, model: str) -> None:
    answer = await complete(openai, model=model)
    assert answer.choices[0].message.content
    assert answer.usage is not None
    finished = await router.one_finished()
    assert finished.tokens.prompt_tokens == answer.usage.prompt_tokens
    assert finished.tokens.completion_tokens == answer.usage.completion_tokens


@pytest.mark.parametrize("model", ("gpt-4", "anthropic/claude-3-opus"))
async def test_a_stream_ends_with_the_usage_asked_for_and_its_cost(
    router: RunningRouter, openai: AsyncOpenAI, model: str
) -> None:
    chunks = await stream(openai, model=model, stream_options={"include_usage": True})
    last = chunks[-1]
    assert last.usage is not None
    finished = await router.one_finished()
    note = (last.model_extra or {})["pantheon"]
    assert Decimal(str(note["cost"])) == Decimal(finished.cost.amount.value)
    assert note["request_id"] == finished.started.request_id
    assert finished.tokens.completion_tokens == last.usage.completion_tokens
    assert finished.outcome == Outcome.OUTCOME_SUCCEEDED
    assert finished.timing.time_to_first_token.ToNanoseconds() < finished.timing.total.ToNanoseconds()
    assert finished.started.target.stream


@pytest.mark.parametrize("model", ("gpt-4", "anthropic/claude-3-opus"))
async def test_usage_that_was_not_asked_for_is_not_shown_but_booked(
    router: RunningRouter, openai: AsyncOpenAI, model: str
) -> None:
    chunks = await stream(openai, model=model)
    assert all(chunk.usage is None and "pantheon" not in (chunk.model_extra or {}) for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"
    finished = await router.one_finished()
    assert finished.tokens.completion_tokens > 0
    assert finished.state == LedgerState.LEDGER_STATE_SETTLED


async def test_the_cost_that_the_provider_reports_is_kept_exactly(
    router: RunningRouter, sandbox: SandboxServer
) -> None:
    await router.post("anthropic/claude-3-opus")
    (record,) = sandbox.recorder
    finished = await router.one_finished()
    assert Decimal(finished.cost.provider_reported.value) == record.cost


async def test_an_unlisted_model_is_routed_and_its_cost_unknown(router: RunningRouter) -> None:
    answer = await router.post("acme/new")
    assert answer.status_code == 200
    assert "x-pantheon-cost" not in answer.headers
    finished = await router.one_finished()
    assert (finished.started.target.provider, finished.started.target.provider_model_id) == ("openrouter", "acme/new")
    assert not finished.cost.HasField("amount")
    assert not finished.cost.price_version_id
    assert finished.cost.HasField("provider_reported")


async def test_unknown_members_reach_the_provider_to_the_byte(router: RunningRouter, sandbox: SandboxServer) -> None:
    body = b'{"model":"gpt-4","messages":[{"role":"user","content":"h\\u00e9llo","x":1.50}],"my_own":{"a":[1e2, 2]}}'
    answer = await router.http.post("/v1/chat/completions", content=body)
    assert answer.status_code == 200, answer.text
    received = sandbox.recorder.received(sandbox.recorder.seen)
    assert received is not None
    members = msgspec.json.decode(received.body, type=dict[str, msgspec.Raw])
    assert bytes(members["my_own"]) == b'{"a":[1e2, 2]}'
    assert bytes(members["messages"]) == b'[{"role":"user","content":"h\\u00e9llo","x":1.50}]'


async def test_nothing_of_the_client_s_own_headers_reaches_the_provider(
    router: RunningRouter, sandbox: SandboxServer
) -> None:
    headers = {"cookie": "session=secret", "x-own": "1", "user-agent": "mine"}
    await router.http.post("/v1/chat/completions", json={"model": "gpt-4", "messages": MESSAGES}, headers=headers)
    received = sandbox.recorder.received(1)
    assert received is not None
    assert not {"cookie", "x-own"} & received.headers.keys()
    assert received.headers["user-agent"] == "pantheon"
    finished = await router.one_finished()
    assert received.headers["x-pantheon-attempt-id"] == finished.started.attempt_id
