"""POST /v1/responses with OpenAI's own SDK: passed through where the provider serves it, else translated."""

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import openai
import pydantic
import pytest
from openai import AsyncOpenAI

from pantheon.events.v1.change_pb2 import Change
from pantheon.usage.v1.ledger_pb2 import (
    LEDGER_STATE_SETTLED,
    OUTCOME_FAILED,
    OUTCOME_SUCCEEDED,
    SURFACE_OPENAI_RESPONSES,
)
from services.sandbox.faults import Directives, Rule
from services.sandbox.server import SandboxServer
from tests.integration.router.conftest import KEYS
from tests.integration.router.running import KEY, RunningRouter, provider, running_router

PASSED, TRANSLATED = "gpt-4", "anthropic/claude-3-opus"
BOTH = pytest.mark.parametrize("model", (PASSED, TRANSLATED))
QUESTION = "What is the weather in Rome?"
PARAMETERS: Any = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
WEATHER: Any = {"type": "function", "name": "get_weather", "parameters": PARAMETERS, "strict": True}


class Forecast(pydantic.BaseModel):
    city: str
    degrees: int
    rain: bool


@pytest.fixture(scope="module")
async def one_router(
    tmp_path_factory: pytest.TempPathFactory, changes: list[Change], one_sandbox: SandboxServer
) -> AsyncIterator[RunningRouter]:
    """OpenAI serves responses, OpenRouter is not known to."""
    serving = [*changes, provider("openai", one_sandbox.openai_url, serves_responses=True)]
    async with running_router(tmp_path_factory.mktemp("router"), serving, KEYS) as running:
        yield running


@pytest.fixture(scope="module")
async def sdk(one_router: RunningRouter) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{one_router.base_url}/v1", api_key=KEY, max_retries=0, timeout=10) as client:
        yield client


@BOTH
async def test_a_response_is_answered_and_booked(router: RunningRouter, sdk: AsyncOpenAI, model: str) -> None:
    answer = await sdk.responses.create(model=model, input="Tell me about bees.", instructions="Be brief.")
    assert answer.status == "completed"
    assert answer.output_text
    assert answer.usage is not None
    finished = await router.one_finished()
    assert finished.started.target.surface == SURFACE_OPENAI_RESPONSES
    assert (finished.outcome, finished.state) == (OUTCOME_SUCCEEDED, LEDGER_STATE_SETTLED)
    assert finished.finish_reason == "stop"
    assert finished.tokens.prompt_tokens == answer.usage.input_tokens
    assert finished.tokens.completion_tokens == answer.usage.output_tokens
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens


@BOTH
async def test_headers_say_who_answered(router: RunningRouter, model: str) -> None:
    answer = await router.http.post("/v1/responses", json={"model": model, "input": "Hi"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-pantheon-provider"] == ("openai" if model == PASSED else "openrouter")
    assert answer.headers["x-pantheon-sandbox"] == "true"
    finished = await router.one_finished()
    assert answer.headers["x-request-id"] == finished.started.request_id
    if model == PASSED:
        assert Decimal(answer.headers["x-pantheon-cost"]) == Decimal(finished.cost.amount.value)


async def test_unknown_members_reach_a_provider_that_serves_responses(
    router: RunningRouter, sandbox: SandboxServer
) -> None:
    body = b'{"model":"gpt-4","input":[{"role":"user","content":"h\\u00e9llo"}],"metadata":{"a" : "b"},"top_p":1.00}'
    answer = await router.http.post("/v1/responses", content=body)
    assert answer.status_code == 200, answer.text
    received = sandbox.recorder.received(sandbox.recorder.seen)
    assert received is not None
    assert received.body == body
    assert answer.json()["id"] == (await router.one_finished()).provider_response_id


@BOTH
async def test_a_stream_adds_up_to_its_last_event(router: RunningRouter, sdk: AsyncOpenAI, model: str) -> None:
    async with sdk.responses.stream(model=model, input="Tell me about bees.") as stream:
        deltas = [event.delta async for event in stream if event.type == "response.output_text.delta"]
        whole = await stream.get_final_response()
    assert len(deltas) > 1
    assert "".join(deltas) == whole.output_text
    assert whole.usage is not None
    finished = await router.one_finished()
    assert finished.started.target.stream
    assert finished.tokens.completion_tokens == whole.usage.output_tokens
    assert finished.provider_response_id == whole.id or model == TRANSLATED


@BOTH
async def test_events_are_numbered_from_first_to_last(router: RunningRouter, sdk: AsyncOpenAI, model: str) -> None:
    stream = await sdk.responses.create(model=model, input="Hi", stream=True)
    events = [event async for event in stream]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")


@BOTH
async def test_a_tool_is_called_and_its_result_sent_back(router: RunningRouter, sdk: AsyncOpenAI, model: str) -> None:
    turns: list[Any] = [{"role": "user", "content": QUESTION}]
    asked = await sdk.responses.create(model=model, input=turns, tools=[WEATHER])
    (call,) = [item for item in asked.output if item.type == "function_call"]
    assert set(json.loads(call.arguments)) == {"city", "days"}
    turns += [item.to_dict() for item in asked.output]
    turns.append({"type": "function_call_output", "call_id": call.call_id, "output": "Sunny"})
    answered = await sdk.responses.create(model=model, input=turns, tools=[WEATHER])
    assert answered.output_text
    assert [finished.finish_reason for finished in await router.finished()] == ["tool_calls", "stop"]


@BOTH
async def test_a_streamed_call_adds_up(router: RunningRouter, sdk: AsyncOpenAI, model: str) -> None:
    async with sdk.responses.stream(model=model, input=QUESTION, tools=[WEATHER], tool_choice="required") as stream:
        pieces = [event.delta async for event in stream if event.type == "response.function_call_arguments.delta"]
        whole = await stream.get_final_response()
    (call,) = [item for item in whole.output if item.type == "function_call"]
    assert "".join(pieces) == call.arguments
    assert set(json.loads(call.arguments)) == {"city", "days"}


@BOTH
async def test_an_answer_is_parsed_into_a_model(router: RunningRouter, sdk: AsyncOpenAI, model: str) -> None:
    answer = await sdk.responses.parse(model=model, input=QUESTION, text_format=Forecast)
    assert isinstance(answer.output_parsed, Forecast)
    async with sdk.responses.stream(model=model, input=QUESTION, text_format=Forecast) as stream:
        streamed = await stream.get_final_response()
    assert isinstance(streamed.output_parsed, Forecast)


@BOTH
async def test_an_answer_that_is_cut_off_is_incomplete(router: RunningRouter, sdk: AsyncOpenAI, model: str) -> None:
    answer = await sdk.responses.create(model=model, input="Tell me about bees.", max_output_tokens=16)
    assert answer.status == "incomplete"
    assert answer.incomplete_details is not None
    assert answer.incomplete_details.reason == "max_output_tokens"
    assert (await router.one_finished()).finish_reason == "length"


@pytest.mark.parametrize(
    ("members", "field"),
    (
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
    ),
)
async def test_what_a_provider_has_not_is_refused_before_anything_is_sent(
    router: RunningRouter, sdk: AsyncOpenAI, sandbox: SandboxServer, members: dict[str, Any], field: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await sdk.responses.create(model=TRANSLATED, input="Hi", **members)
    assert caught.value.param == field
    assert caught.value.code == "UNSUPPORTED_FEATURE"
    assert sandbox.recorder.seen == 0
    assert await router.started() == []


@pytest.mark.parametrize(("method", "path"), (("GET", ""), ("DELETE", ""), ("POST", "/cancel")))
async def test_responses_are_not_kept(router: RunningRouter, method: str, path: str) -> None:
    answer = await router.http.request(method, f"/v1/responses/resp_1{path}")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "UNSUPPORTED_FEATURE"
    assert answer.json()["error"]["param"] == "response_id"


@BOTH
@pytest.mark.parametrize(
    ("status", "kind"),
    ((400, openai.BadRequestError), (429, openai.RateLimitError), (500, openai.InternalServerError)),
)
@pytest.mark.parametrize("stream", (False, True))
async def test_a_provider_s_refusal_is_the_error_the_sdk_knows(
    router: RunningRouter, sdk: AsyncOpenAI, sandbox: SandboxServer, model: str, status: int, kind: type[Exception],
    stream: bool,
) -> None:  # fmt: skip
    sandbox.rules.add(Rule(directives=Directives(status=status)))
    with pytest.raises(kind):
        await sdk.responses.create(
            model=model, input="Hi", stream=stream, extra_headers={"x-pantheon-fallback": "false"}
        )
    assert (await router.one_finished()).outcome == OUTCOME_FAILED


@pytest.mark.parametrize(
    ("model", "fault"),
    (
        (PASSED, Directives(reset_after=4)),
        (PASSED, Directives(no_done=True)),
        (TRANSLATED, Directives(reset_after=4)),
        (TRANSLATED, Directives(error_after=4)),
    ),
)
async def test_a_stream_that_breaks_off_ends_with_an_error(
    router: RunningRouter, sdk: AsyncOpenAI, sandbox: SandboxServer, model: str, fault: Directives
) -> None:
    sandbox.rules.add(Rule(directives=fault))
    stream = await sdk.responses.create(model=model, input="Tell me about bees.", stream=True)
    types: list[str] = []
    with pytest.raises(openai.APIError):
        types.extend([event.type async for event in stream])
    assert "response.completed" not in types
    assert (await router.one_finished()).outcome == OUTCOME_FAILED


async def test_a_response_that_fails_in_mid_stream_says_so_itself(
    router: RunningRouter, sdk: AsyncOpenAI, sandbox: SandboxServer
) -> None:
    sandbox.rules.add(Rule(directives=Directives(error_after=4)))
    stream = await sdk.responses.create(model=PASSED, input="Tell me about bees.", stream=True)
    last = [event async for event in stream][-1]
    assert last.type == "response.failed"
    assert last.response.error is not None
    finished = await router.one_finished()
    assert (finished.outcome, finished.provider_response_id) == (OUTCOME_FAILED, last.response.id)


async def test_an_error_in_a_stream_has_the_next_number(router: RunningRouter, sandbox: SandboxServer) -> None:
    sandbox.rules.add(Rule(directives=Directives(reset_after=4)))
    answer = await router.http.post("/v1/responses", json={"model": TRANSLATED, "input": "Hi there", "stream": True})
    lines = [line for line in answer.text.split("\n") if line]
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert lines[-2] == "event: error"
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert events[-1]["error"]["code"] == "PROVIDER_BROKEN"


async def test_a_request_that_one_provider_can_t_serve_goes_to_the_next(
    router: RunningRouter, sdk: AsyncOpenAI, sandbox: SandboxServer
) -> None:
    answer = await sdk.responses.create(
        model=PASSED,
        input="Hi",
        store=True,
        metadata={"team": "search"},
        extra_headers={"x-pantheon-providers": "openrouter,openai"},
    )
    assert answer.to_dict()["store"] is False
    assert answer.metadata == {"team": "search"}
    kept = await sdk.responses.create(
        model=PASSED,
        input="Hi",
        tools=[{"type": "web_search"}],
        extra_headers={"x-pantheon-providers": "openrouter,openai"},
    )
    assert kept.id.startswith("resp_")
    assert [start.target.provider for start in await router.started()] == ["openrouter", "openai"]
