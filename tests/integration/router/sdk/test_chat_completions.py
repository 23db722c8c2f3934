"""OpenAI's SDK, chat completions: every provider answers as OpenAI would."""

import json
from collections.abc import Callable
from enum import Enum
from typing import Any

import openai as sdk
import pydantic
import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from pantheon.usage.v1.ledger_pb2 import LedgerState, Outcome
from services.sandbox.server import SandboxServer
from tests.fixtures.questions import CAPITAL, CITY_AND_UNIT, NOTHING, PIXEL, WEATHER_AND_TIME
from tests.integration.router.running import RunningRouter
from tests.integration.router.sdk.models import ANTHROPIC, CUSTOM, GEMINI, GEMINI_3, OPENAI, OPENROUTER, Asked

QUESTION: Any = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": CAPITAL},
]
BOTH: Any = [{"role": "user", "content": WEATHER_AND_TIME}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": CITY_AND_UNIT,
    },
}
CLOCK: Any = {"type": "function", "function": {"name": "tell_time", "parameters": NOTHING}}


async def complete(client: AsyncOpenAI, asked: Asked, messages: Any = QUESTION, **members: Any) -> ChatCompletion:
    answer = await client.chat.completions.create(model=asked.id, messages=messages, **members)
    assert isinstance(answer, ChatCompletion)
    return answer


async def stream(
    client: AsyncOpenAI, asked: Asked, messages: Any = QUESTION, **members: Any
) -> list[ChatCompletionChunk]:
    chunks = await client.chat.completions.create(model=asked.id, messages=messages, stream=True, **members)
    return [chunk async for chunk in chunks]


def said(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


async def test_a_completion_is_answered_and_booked(router: RunningRouter, openai: AsyncOpenAI, asked: Asked) -> None:
    answer = await complete(openai, asked)

    (choice,) = answer.choices
    assert (choice.finish_reason, choice.message.role, answer.model) == ("stop", "assistant", asked.served)
    assert choice.message.content
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    finished = await router.one_finished()
    assert finished.started.target.provider == asked.provider
    assert finished.state == LedgerState.LEDGER_STATE_SETTLED
    assert finished.tokens.prompt_tokens == answer.usage.prompt_tokens
    assert finished.tokens.completion_tokens == answer.usage.completion_tokens


async def test_a_stream_says_the_same_and_reports_usage_where_asked(
    router: RunningRouter, openai: AsyncOpenAI, asked: Asked
) -> None:
    whole = await complete(openai, asked)
    chunks = await stream(openai, asked, stream_options={"include_usage": True})
    unasked = await stream(openai, asked)

    assert said(chunks) == said(unasked) == whole.choices[0].message.content
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    assert chunks[0].choices[0].delta.role == "assistant"
    reasons = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert set(reasons) == {"stop"}
    assert chunks[-1].usage is not None
    assert whole.usage is not None
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    assert all(chunk.usage is None for chunk in unasked)
    assert [event.outcome for event in await router.finished()] == [Outcome.OUTCOME_SUCCEEDED] * 3


@pytest.mark.parametrize("streamed", (False, True))
async def test_tools_are_called_in_parallel_and_their_results_taken(
    router: RunningRouter, openai: AsyncOpenAI, asked: Asked, *, streamed: bool
) -> None:
    arguments: Any = {"model": asked.id, "messages": BOTH, "tools": [WEATHER, CLOCK]}
    if streamed:
        async with openai.chat.completions.stream(**arguments) as events:
            answer: Any = await events.get_final_completion()
    else:
        answer = await openai.chat.completions.create(**arguments)

    (choice,) = answer.choices
    calls = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls"
    assert [call.function.name for call in calls] == ["get_weather", "tell_time"]
    assert json.loads(calls[0].function.arguments).keys() == {"city", "unit"}
    assert len({call.id for call in calls}) == 2
    results = [{"role": "tool", "tool_call_id": call.id, "content": "fine"} for call in calls]
    # OpenRouter names the role in every chunk, and the SDK adds them all up.
    turns = [*BOTH, {**choice.message.model_dump(exclude_none=True), "role": "assistant"}, *results]
    for call in turns[1]["tool_calls"]:
        call["function"].pop("parsed_arguments", None)
    after = await complete(openai, asked, turns, tools=[WEATHER, CLOCK])
    assert after.choices[0].finish_reason == "stop"
    assert after.choices[0].message.content


@pytest.mark.parametrize(
    "choice", ("required", {"type": "function", "function": {"name": "get_weather"}}), ids=("required", "named")
)
async def test_a_forced_tool_is_called_with_arguments_that_fit(
    router: RunningRouter, openai: AsyncOpenAI, asked: Asked, choice: Any
) -> None:
    answer = await complete(openai, asked, tools=[WEATHER, CLOCK], tool_choice=choice)

    calls: Any = answer.choices[0].message.tool_calls
    assert [call.function.name for call in calls] == ["get_weather"]
    assert json.loads(calls[0].function.arguments)["unit"] in ("celsius", "fahrenheit")


async def test_no_tool_is_called_where_none_may_be(router: RunningRouter, openai: AsyncOpenAI, asked: Asked) -> None:
    answer = await complete(openai, asked, BOTH, tools=[WEATHER, CLOCK], tool_choice="none")

    assert answer.choices[0].message.tool_calls is None
    assert answer.choices[0].message.content


@pytest.mark.parametrize("asked", (OPENAI, OPENROUTER, ANTHROPIC, CUSTOM), ids=str)
async def test_one_tool_at_a_time_where_the_provider_knows_that_wish(
    router: RunningRouter, openai: AsyncOpenAI, asked: Asked
) -> None:
    answer = await complete(openai, asked, BOTH, tools=[WEATHER, CLOCK], parallel_tool_calls=False)

    assert len(answer.choices[0].message.tool_calls or ()) == 1


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


class Part(pydantic.BaseModel):
    name: str
    size: Size
    count: int
    tags: list[str]
    note: str | None


class Machine(pydantic.BaseModel):
    label: str
    parts: list[Part]
    spare: Part | None


async def test_a_structured_answer_is_parsed(router: RunningRouter, openai: AsyncOpenAI, asked: Asked) -> None:
    arguments: Any = {"model": asked.id, "messages": QUESTION, "response_format": Machine}

    answer = await openai.chat.completions.parse(**arguments)
    async with openai.chat.completions.stream(**arguments) as events:
        streamed = await events.get_final_completion()

    assert isinstance(answer.choices[0].message.parsed, Machine)
    assert streamed.choices[0].message.parsed == answer.choices[0].message.parsed


async def test_several_choices_are_given_or_refused_by_name(
    router: RunningRouter, openai: AsyncOpenAI, asked: Asked
) -> None:
    if not asked.several:
        with pytest.raises(sdk.BadRequestError, match=r"\bn\b"):
            await complete(openai, asked, n=2)
        return
    answer = await complete(openai, asked, n=2)
    chunks = await stream(openai, asked, n=2)

    texts = [choice.message.content for choice in answer.choices]
    assert texts[0] != texts[1]
    assert [
        "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices if choice.index == index)
        for index in range(2)
    ] == texts


async def test_pictures_are_taken(router: RunningRouter, openai: AsyncOpenAI, asked: Asked) -> None:
    text: Any = [{"type": "text", "text": "What is this?"}]
    picture: Any = {"type": "image_url", "image_url": {"url": f"data:image/gif;base64,{PIXEL}"}}

    plain = await complete(openai, asked, [{"role": "user", "content": text}])
    seen = await complete(openai, asked, [{"role": "user", "content": [*text, picture]}])

    assert plain.usage is not None
    assert seen.usage is not None
    assert seen.usage.prompt_tokens >= plain.usage.prompt_tokens + 85


async def test_thinking_is_asked_for_and_counted(router: RunningRouter, openai: AsyncOpenAI, thinking: Asked) -> None:
    answer = await complete(openai, thinking, reasoning_effort="low")

    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    thought = answer.usage.completion_tokens_details.reasoning_tokens
    assert thought
    assert answer.usage.completion_tokens > thought
    finished = await router.one_finished()
    assert finished.tokens.reasoning_tokens == thought


async def test_limits_and_stop_sequences_are_kept(router: RunningRouter, openai: AsyncOpenAI, asked: Asked) -> None:
    off: Any = {"reasoning_effort": "none"} if asked is GEMINI else {}
    limited = await complete(openai, asked, max_tokens=200 if asked.id.startswith("google/gemini-3") else 5, **off)
    stopped = await complete(openai, asked, stop=[":", "nowhere to be found"])

    assert limited.choices[0].finish_reason in ("length", "stop")
    if not asked.id.startswith("google/gemini-3"):
        assert limited.choices[0].finish_reason == "length"
        assert limited.usage is not None
        assert limited.usage.completion_tokens == 5
    assert stopped.choices[0].finish_reason == "stop"
    assert ":" not in (stopped.choices[0].message.content or "")


async def test_a_content_filter_is_told(
    router: RunningRouter, openai: AsyncOpenAI, asked: Asked, order: Callable[..., None]
) -> None:
    order(filter_after=3)
    answer, chunks = await complete(openai, asked), await stream(openai, asked)

    assert answer.choices[0].finish_reason == "content_filter"
    assert len(answer.choices[0].message.content or "") == len(said(chunks)) == 12
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1] == "content_filter"


async def test_a_provider_s_refusal_raises_the_sdk_s_own_error(
    router: RunningRouter, openai: AsyncOpenAI, asked: Asked, refused: str
) -> None:
    for ask in (complete, stream):
        with pytest.raises(getattr(sdk, refused)) as refusal:
            await ask(openai, asked)
        assert refusal.value.message


async def test_an_error_within_a_stream_is_raised(
    router: RunningRouter, openai: AsyncOpenAI, asked: Asked, order: Callable[..., None]
) -> None:
    order(error_after=5)
    with pytest.raises(sdk.APIError):
        await stream(openai, asked)


@pytest.mark.parametrize("fault", ("truncate", "reset_after"))
async def test_a_stream_that_breaks_off_is_an_error(
    router: RunningRouter, openai: AsyncOpenAI, asked: Asked, order: Callable[..., None], fault: str
) -> None:
    order(**{fault: 3 if fault == "reset_after" else True})
    with pytest.raises(sdk.APIError):
        await stream(openai, asked)


@pytest.mark.parametrize("asked", (ANTHROPIC, GEMINI, GEMINI_3), ids=str)
async def test_a_stream_that_ends_without_its_last_mark_is_an_error(
    router: RunningRouter, openai: AsyncOpenAI, asked: Asked, order: Callable[..., None]
) -> None:
    order(no_done=True)
    with pytest.raises(sdk.APIError):
        await stream(openai, asked)


async def test_a_bad_request_names_its_field(router: RunningRouter, openai: AsyncOpenAI, asked: Asked) -> None:
    with pytest.raises(sdk.BadRequestError, match="temperature"):
        await complete(openai, asked, temperature=3)
    assert await router.started() == []


@pytest.mark.parametrize("asked", (OPENAI, OPENROUTER, CUSTOM), ids=str)
async def test_log_probabilities_are_passed_on(router: RunningRouter, openai: AsyncOpenAI, asked: Asked) -> None:
    answer = await complete(openai, asked, logprobs=True, top_logprobs=2)

    assert answer.choices[0].logprobs is not None
    assert answer.choices[0].logprobs.content


async def test_a_marked_prompt_is_cached_by_anthropic(
    router: RunningRouter, openai: AsyncOpenAI, sandbox: SandboxServer
) -> None:
    marked: Any = [
        {
            "role": "system",
            "content": [{"type": "text", "text": "A rule. " * 900, "cache_control": {"type": "ephemeral"}}],
        },
        {"role": "user", "content": CAPITAL},
    ]

    first, second = [(await complete(openai, ANTHROPIC, marked)).usage for _ in range(2)]

    assert first is not None
    assert second is not None
    assert first.prompt_tokens == second.prompt_tokens > 1800
    assert second.prompt_tokens_details is not None
    assert second.prompt_tokens_details.cached_tokens == 1800
    booked = [event.tokens for event in await router.finished()]
    assert [(tokens.cache_write_tokens, tokens.cached_tokens) for tokens in booked] == [(1800, 0), (0, 1800)]
