"""OpenAI's SDK, responses: passed through to OpenAI, translated for everybody else."""

import json
from collections.abc import Callable
from typing import Any

import openai as sdk
import pydantic
import pytest
from openai import AsyncOpenAI
from openai.types.responses import Response

from pantheon.usage.v1.ledger_pb2 import LedgerState, Surface
from tests.fixtures.questions import CAPITAL as QUESTION
from tests.fixtures.questions import PIXEL, WEATHER_AND_TIME
from tests.fixtures.questions import RESPONSES_CLOCK as CLOCK
from tests.fixtures.questions import RESPONSES_WEATHER as WEATHER
from tests.integration.router.running import RunningRouter
from tests.integration.router.sdk.models import (
    ANTHROPIC,
    GEMINI,
    GEMINI_3,
    OPENAI,
    OPENAI_THINKING,
    OPENROUTER_THINKING,
    Asked,
)

BOTH: Any = [{"role": "user", "content": WEATHER_AND_TIME}]


async def respond(client: AsyncOpenAI, asked: Asked, input_: Any = QUESTION, **members: Any) -> Response:
    answer = await client.responses.create(model=asked.id, input=input_, **members)
    assert isinstance(answer, Response)
    return answer


async def stream(client: AsyncOpenAI, asked: Asked, input_: Any = QUESTION, **members: Any) -> list[Any]:
    events = await client.responses.create(model=asked.id, input=input_, stream=True, **members)
    return [event async for event in events]


async def accumulated(client: AsyncOpenAI, asked: Asked, input_: Any = QUESTION, **members: Any) -> Any:
    arguments: Any = {"model": asked.id, "input": input_, **members}
    async with client.responses.stream(**arguments) as events:
        async for _ in events:
            pass
        return await events.get_final_response()


def back(response: Response) -> list[Any]:
    """The output as the next turn's input, without what the SDK has made of it."""
    made = {"parsed_arguments", "parsed", "status"}
    items = [item.model_dump(exclude_none=True, exclude=made) for item in response.output]
    for item in items:
        for part in item.get("content", ()) if item["type"] == "message" else ():
            part.pop("parsed", None)
    return items


async def test_a_response_is_answered_and_booked(router: RunningRouter, openai: AsyncOpenAI, asked: Asked) -> None:
    answer = await respond(openai, asked, instructions="Be brief.")

    assert (answer.object, answer.status, answer.error) == ("response", "completed", None)
    assert answer.output_text
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    finished = await router.one_finished()
    assert finished.started.target.provider == asked.provider
    assert finished.started.target.surface == Surface.SURFACE_OPENAI_RESPONSES
    assert finished.state == LedgerState.LEDGER_STATE_SETTLED
    assert finished.tokens.completion_tokens == answer.usage.output_tokens


async def test_a_stream_says_the_same_in_numbered_events(
    router: RunningRouter, openai: AsyncOpenAI, asked: Asked
) -> None:
    whole = await respond(openai, asked)
    events = await stream(openai, asked)

    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events[:2]] == ["response.created", "response.in_progress"]
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text == whole.output_text
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == whole.output_text
    assert events[-1].response.usage == whole.usage
    assert (await accumulated(openai, asked)).output_text == whole.output_text


@pytest.mark.parametrize("streamed", (False, True))
async def test_tools_are_called_in_parallel_and_their_results_taken(
    router: RunningRouter, openai: AsyncOpenAI, asked: Asked, *, streamed: bool
) -> None:
    ask: Any = accumulated if streamed else respond
    answer = await ask(openai, asked, BOTH, tools=[WEATHER, CLOCK], store=False)

    calls = [item for item in answer.output if item.type == "function_call"]
    assert [call.name for call in calls] == ["get_weather", "tell_time"]
    assert json.loads(calls[0].arguments).keys() == {"city", "unit"}
    results = [{"type": "function_call_output", "call_id": call.call_id, "output": "fine"} for call in calls]
    after = await ask(openai, asked, [*BOTH, *back(answer), *results], tools=[WEATHER, CLOCK], store=False)
    assert after.output_text


@pytest.mark.parametrize("choice", ("required", {"type": "function", "name": "get_weather"}), ids=("required", "named"))
async def test_a_forced_tool_is_called(router: RunningRouter, openai: AsyncOpenAI, asked: Asked, choice: Any) -> None:
    answer = await respond(openai, asked, tools=[WEATHER, CLOCK], tool_choice=choice)

    calls: list[Any] = [item for item in answer.output if item.type == "function_call"]
    assert [call.name for call in calls] == ["get_weather"]
    assert json.loads(calls[0].arguments)["unit"] in ("celsius", "fahrenheit")


class Part(pydantic.BaseModel):
    name: str
    counts: list[int]
    note: str | None


async def test_a_structured_answer_is_parsed(router: RunningRouter, openai: AsyncOpenAI, asked: Asked) -> None:
    answer = await openai.responses.parse(model=asked.id, input=QUESTION, text_format=Part)
    streamed = await accumulated(openai, asked, text_format=Part)

    assert isinstance(answer.output_parsed, Part)
    assert streamed.output_parsed == answer.output_parsed


@pytest.mark.parametrize("asked", (OPENAI_THINKING, OPENROUTER_THINKING, ANTHROPIC, GEMINI, GEMINI_3), ids=str)
@pytest.mark.parametrize("streamed", (False, True))
async def test_thinking_goes_round_encrypted(
    router: RunningRouter, openai: AsyncOpenAI, asked: Asked, *, streamed: bool
) -> None:
    ask: Any = accumulated if streamed else respond
    members: Any = {
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "store": False,
        "tools": [WEATHER, CLOCK],
    }

    first = await ask(openai, asked, BOTH, **members)

    assert first.output[0].type == "reasoning"
    assert first.usage is not None
    assert first.usage.output_tokens_details.reasoning_tokens > 0
    results = [
        {"type": "function_call_output", "call_id": item.call_id, "output": "fine"}
        for item in first.output
        if item.type == "function_call"
    ]
    turns = [*BOTH, *back(first), *results]
    second = await ask(openai, asked, turns, **members)
    assert second.output_text
    third = await ask(openai, asked, [*turns, *back(second), {"role": "user", "content": QUESTION}], **members)
    assert third.output_text


async def test_what_is_cut_off_is_incomplete(router: RunningRouter, openai: AsyncOpenAI, asked: Asked) -> None:
    answer = await respond(openai, asked, max_output_tokens=16)
    events = await stream(openai, asked, max_output_tokens=16)

    assert answer.status == "incomplete"
    assert answer.incomplete_details is not None
    assert answer.incomplete_details.reason == "max_output_tokens"
    assert events[-1].type == "response.incomplete"


async def test_pictures_are_taken(router: RunningRouter, openai: AsyncOpenAI, asked: Asked) -> None:
    words = {"type": "input_text", "text": "What is this?"}
    picture = {"type": "input_image", "image_url": f"data:image/gif;base64,{PIXEL}", "detail": "auto"}

    plain = await respond(openai, asked, [{"role": "user", "content": [words]}])
    seen = await respond(openai, asked, [{"role": "user", "content": [words, picture]}])

    assert plain.usage is not None
    assert seen.usage is not None
    assert seen.usage.input_tokens >= plain.usage.input_tokens + 85


async def test_a_provider_s_refusal_raises_the_sdk_s_own_error(
    router: RunningRouter, openai: AsyncOpenAI, asked: Asked, refused: str
) -> None:
    for ask in (respond, stream):
        with pytest.raises(getattr(sdk, refused)) as refusal:
            await ask(openai, asked)
        assert refusal.value.message


async def test_a_failure_within_a_stream_is_told(
    router: RunningRouter, openai: AsyncOpenAI, asked: Asked, order: Callable[..., None]
) -> None:
    order(error_after=5)
    if asked is not OPENAI:
        with pytest.raises(sdk.APIError):
            await stream(openai, asked)
        return
    events = await stream(openai, asked)
    assert (events[-1].type, events[-1].response.status) == ("response.failed", "failed")


async def test_a_content_filter_is_told(
    router: RunningRouter, openai: AsyncOpenAI, asked: Asked, order: Callable[..., None]
) -> None:
    order(filter_after=3)
    answer, events = await respond(openai, asked), await stream(openai, asked)

    for response in (answer, events[-1].response):
        assert (response.status, len(response.output_text)) == ("incomplete", 12)
        assert response.incomplete_details is not None
        assert response.incomplete_details.reason == "content_filter"


async def test_what_is_stored_elsewhere_is_refused_by_name(
    router: RunningRouter, openai: AsyncOpenAI, asked: Asked
) -> None:
    with pytest.raises(sdk.BadRequestError, match=r"previous_response_id|Previous response"):
        await respond(openai, asked, previous_response_id="resp_1")


async def test_openai_is_asked_in_its_own_words(router: RunningRouter, openai: AsyncOpenAI) -> None:
    answer = await respond(openai, OPENAI, metadata={"mine": "1"}, prompt_cache_key="k")

    assert (answer.metadata, answer.prompt_cache_key, answer.model) == ({"mine": "1"}, "k", OPENAI.served)
