"""OpenAI's own SDK as the client of the simulated Responses API."""

import json
from typing import Any

import openai as sdk
import pydantic
import pytest
from openai import AsyncOpenAI
from openai.types.responses import Response

from tests.fixtures.questions import CAPITAL as QUESTION
from tests.fixtures.questions import RESPONSES_CLOCK as CLOCK
from tests.fixtures.questions import RESPONSES_WEATHER as WEATHER


async def respond(client: AsyncOpenAI, **fields: Any) -> Response:
    answer = await client.responses.create(**{"model": "gpt-4o", "input": QUESTION, **fields})
    assert isinstance(answer, Response)
    return answer


async def stream(client: AsyncOpenAI, **fields: Any) -> list[Any]:
    arguments = {"model": "gpt-4o", "input": QUESTION, "stream": True, **fields}
    return [event async for event in await client.responses.create(**arguments)]


async def accumulated(client: AsyncOpenAI, **fields: Any) -> Any:
    arguments: Any = {"model": "gpt-4o", "input": QUESTION, **fields}
    async with client.responses.stream(**arguments) as events:
        async for _ in events:
            pass
        return await events.get_final_response()


async def test_a_response_is_whole_and_adds_up(openai: AsyncOpenAI) -> None:
    answer = await respond(openai, instructions="Be brief.", temperature=0.5)

    assert answer.id.startswith("resp_")
    assert (answer.model, answer.status) == ("gpt-4o-2024-08-06", "completed")
    assert (answer.instructions, answer.temperature) == ("Be brief.", 0.5)
    assert answer.usage is not None
    assert answer.usage.output_tokens == -(-len(answer.output_text) // 4)
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens


async def test_a_stream_says_the_same_in_numbered_events(openai: AsyncOpenAI) -> None:
    whole = await respond(openai)

    events = await stream(openai)

    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events[:4]] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert events[-1].type == "response.completed"
    assert events[-1].response.usage == whole.usage
    assert (await accumulated(openai)).output_text == whole.output_text


async def test_thinking_is_summed_up_and_encrypted_where_that_is_asked_for(openai: AsyncOpenAI) -> None:
    asked: Any = {
        "model": "gpt-5",
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "store": False,
    }

    whole, streamed = await respond(openai, **asked), await accumulated(openai, **asked)
    plain = await respond(openai, model="gpt-5", reasoning={"effort": "low"})

    thought: Any = whole.output[0]
    assert [item.type for item in whole.output] == ["reasoning", "message"]
    assert thought.summary[0].text == streamed.output[0].summary[0].text
    assert thought.encrypted_content == streamed.output[0].encrypted_content
    assert whole.usage is not None
    assert whole.usage.output_tokens_details.reasoning_tokens == 64
    assert plain.output[0].model_dump(include={"summary", "encrypted_content"}) == {
        "summary": [],
        "encrypted_content": None,
    }
    turns: Any = [
        {"role": "user", "content": QUESTION},
        *(item.model_dump(exclude_none=True) for item in whole.output),
        {"role": "user", "content": "And of France?"},
    ]
    assert (await respond(openai, **{**asked, "input": turns})).status == "completed"
    turns[1]["encrypted_content"] = "gAAAAA"
    with pytest.raises(sdk.BadRequestError, match="could not be verified"):
        await respond(openai, **{**asked, "input": turns})


async def test_tools_are_called_in_parallel_and_their_results_taken(openai: AsyncOpenAI) -> None:
    turns: Any = [{"role": "user", "content": "The weather and the time, please."}]
    tools = [WEATHER, CLOCK]

    called = await accumulated(openai, input=turns, tools=tools)
    results = [{"type": "function_call_output", "call_id": call.call_id, "output": "fine"} for call in called.output]
    calls = [
        {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments}
        for call in called.output
    ]
    after = await respond(openai, input=[*turns, *calls, *results], tools=tools)

    assert [call.name for call in called.output] == ["get_weather", "tell_time"]
    assert json.loads(called.output[0].arguments).keys() == {"city", "unit"}
    assert after.output_text


async def test_a_forced_tool_is_called(openai: AsyncOpenAI) -> None:
    answer = await respond(openai, tools=[CLOCK, WEATHER], tool_choice={"type": "function", "name": "get_weather"})

    assert [(item.type, getattr(item, "name", "")) for item in answer.output] == [("function_call", "get_weather")]


class Part(pydantic.BaseModel):
    name: str
    sizes: list[int]
    note: str | None


async def test_a_structured_answer_is_parsed(openai: AsyncOpenAI) -> None:
    answer = await openai.responses.parse(model="gpt-4o", input=QUESTION, text_format=Part)

    assert isinstance(answer.output_parsed, Part)


@pytest.mark.parametrize(
    ("fields", "reason", "tokens"),
    (
        ({"max_output_tokens": 16}, "max_output_tokens", 16),
        ({"model": "gpt-4o:sandbox-filter-after-3"}, "content_filter", 3),
    ),
)
async def test_what_ends_early_is_incomplete(openai: AsyncOpenAI, fields: Any, reason: str, tokens: int) -> None:
    answer, events = await respond(openai, **fields), await stream(openai, **fields)

    assert answer.status == "incomplete"
    assert answer.incomplete_details is not None
    assert answer.incomplete_details.reason == reason
    assert answer.usage is not None
    assert answer.usage.output_tokens == tokens
    assert events[-1].type == "response.incomplete"


@pytest.mark.parametrize(
    ("fields", "kind", "words"),
    (
        ({"max_output_tokens": 5}, sdk.BadRequestError, "Expected a value >= 16"),
        ({"model": "gpt-5", "temperature": 0.5}, sdk.BadRequestError, "'temperature' is not supported"),
        ({"previous_response_id": "resp_1"}, sdk.BadRequestError, "Previous response with id 'resp_1' not found."),
        ({"extra_body": {"messages": []}}, sdk.BadRequestError, "Unknown parameter: 'messages'."),
        ({"extra_body": {"response_format": {}}}, sdk.BadRequestError, "has moved to 'text.format'"),
        ({"input": [{"type": "robot"}]}, sdk.BadRequestError, "Invalid value: 'robot'"),
        ({"input": [{"role": "robot", "content": "Hi"}]}, sdk.BadRequestError, "Invalid value: 'robot'"),
        (
            {"input": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]},
            sdk.BadRequestError,
            "Invalid value: 'text'. Supported values are: 'input_text'",
        ),
        (
            {"input": [{"type": "function_call_output", "call_id": "call_1", "output": ""}]},
            sdk.BadRequestError,
            "No tool call found for function call output with call_id call_1.",
        ),
        (
            {"input": [{"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"}]},
            sdk.BadRequestError,
            "No tool output found for function call call_1.",
        ),
        ({"tool_choice": {"type": "function", "name": "look"}}, sdk.BadRequestError, "not found in 'tools'"),
        ({"text": {"format": {"type": "json_schema", "name": "it"}}}, sdk.BadRequestError, "text.format.schema"),
        ({"model": "no-such-model"}, sdk.BadRequestError, "The requested model 'no-such-model' does not exist."),
        ({"model": "gpt-4o:sandbox-status-429"}, sdk.RateLimitError, "Rate limit reached"),
    ),
)
async def test_refusals_raise_the_sdks_own_errors(
    openai: AsyncOpenAI, fields: Any, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        await respond(openai, **fields)


async def test_a_failure_within_a_stream_is_told(openai: AsyncOpenAI) -> None:
    events = await stream(openai, model="gpt-4o:sandbox-error-after-5")

    assert (events[-1].type, events[-1].response.status) == ("response.failed", "failed")
    assert events[-1].response.error.code == "server_error"
    assert events[-1].sequence_number > events[-2].sequence_number
