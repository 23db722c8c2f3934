"""Anthropic's SDK: every provider answers as Anthropic would."""

from collections.abc import Callable
from typing import Any

import anthropic as sdk
import pydantic
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import Message

from pantheon.usage.v1.ledger_pb2 import LedgerState, Surface
from tests.fixtures.questions import CAPITAL, CITY_AND_UNIT, NOTHING, PIXEL, WEATHER_AND_TIME
from tests.integration.router.running import RunningRouter
from tests.integration.router.sdk.models import ANTHROPIC, GEMINI, GEMINI_3, OPENROUTER_THINKING, Asked

QUESTION: Any = [{"role": "user", "content": CAPITAL}]
BOTH: Any = [{"role": "user", "content": WEATHER_AND_TIME}]
WEATHER: Any = {"name": "get_weather", "description": "The weather of a city", "input_schema": CITY_AND_UNIT}
CLOCK: Any = {"name": "tell_time", "input_schema": NOTHING}
THINKING: Any = {"type": "enabled", "budget_tokens": 1024}
CARRIERS = (ANTHROPIC, OPENROUTER_THINKING, GEMINI, GEMINI_3)
"""Those that show what they think, or want a sign of it back."""


async def complete(client: AsyncAnthropic, asked: Asked, messages: Any = QUESTION, **members: Any) -> Message:
    arguments = {"model": asked.id, "max_tokens": 2000, "messages": messages, **members}
    answer = await client.messages.create(**arguments)
    assert isinstance(answer, Message)
    return answer


async def accumulated(client: AsyncAnthropic, asked: Asked, messages: Any = QUESTION, **members: Any) -> Message:
    arguments: Any = {"model": asked.id, "max_tokens": 2000, "messages": messages, **members}
    async with client.messages.stream(**arguments) as events:
        return await events.get_final_message()


def blocks(message: Message, kind: str) -> list[Any]:
    return [block.model_dump(exclude_none=True) for block in message.content if block.type == kind]


def text(message: Message) -> str:
    return "".join(block["text"] for block in blocks(message, "text"))


async def test_a_message_is_answered_and_booked(router: RunningRouter, anthropic: AsyncAnthropic, asked: Asked) -> None:
    answer = await complete(anthropic, asked, system="Be brief.")

    assert (answer.type, answer.role, answer.stop_reason) == ("message", "assistant", "end_turn")
    assert text(answer)
    assert answer.usage.input_tokens > 0
    finished = await router.one_finished()
    assert finished.started.target.provider == asked.provider
    assert finished.started.target.surface == Surface.SURFACE_ANTHROPIC_MESSAGES
    assert finished.state == LedgerState.LEDGER_STATE_SETTLED
    assert finished.tokens.completion_tokens == answer.usage.output_tokens


async def test_a_stream_says_the_same_in_the_documented_order(
    router: RunningRouter, anthropic: AsyncAnthropic, asked: Asked
) -> None:
    whole = await complete(anthropic, asked)
    arguments: Any = {"model": asked.id, "max_tokens": 2000, "messages": QUESTION, "stream": True}
    events: list[Any] = [event async for event in await anthropic.messages.create(**arguments)]

    kinds = [event.type for event in events]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert events[-2].usage.output_tokens == whole.usage.output_tokens
    streamed = await accumulated(anthropic, asked)
    assert text(streamed) == text(whole)
    assert (streamed.stop_reason, streamed.model) == (whole.stop_reason, whole.model)


@pytest.mark.parametrize("streamed", (False, True))
async def test_tools_are_called_in_parallel_and_their_results_taken(
    router: RunningRouter, anthropic: AsyncAnthropic, asked: Asked, *, streamed: bool
) -> None:
    ask = accumulated if streamed else complete
    answer = await ask(anthropic, asked, BOTH, tools=[WEATHER, CLOCK])

    calls = blocks(answer, "tool_use")
    assert answer.stop_reason == "tool_use"
    assert [call["name"] for call in calls] == ["get_weather", "tell_time"]
    assert calls[0]["input"].keys() == {"city", "unit"}
    results = [{"type": "tool_result", "tool_use_id": call["id"], "content": "fine"} for call in calls]
    turns = [*BOTH, answer.to_param(), {"role": "user", "content": results}]
    after = await ask(anthropic, asked, turns, tools=[WEATHER, CLOCK])
    assert after.stop_reason == "end_turn"
    assert text(after)


@pytest.mark.parametrize("choice", ({"type": "any"}, {"type": "tool", "name": "get_weather"}), ids=("any", "named"))
async def test_a_forced_tool_is_called_with_input_that_fits(
    router: RunningRouter, anthropic: AsyncAnthropic, asked: Asked, choice: Any
) -> None:
    answer = await complete(anthropic, asked, tools=[WEATHER, CLOCK], tool_choice=choice)

    (call,) = blocks(answer, "tool_use")
    assert call["name"] == "get_weather"
    assert call["input"]["unit"] in ("celsius", "fahrenheit")


@pytest.mark.parametrize("asked", CARRIERS, ids=str)
@pytest.mark.parametrize("streamed", (False, True))
async def test_thinking_goes_round_with_its_signature(
    router: RunningRouter, anthropic: AsyncAnthropic, asked: Asked, *, streamed: bool
) -> None:
    ask = accumulated if streamed else complete
    first = await ask(anthropic, asked, BOTH, thinking=THINKING, tools=[WEATHER, CLOCK])

    (thought,) = blocks(first, "thinking")
    assert thought["thinking"]
    results = [
        {"type": "tool_result", "tool_use_id": call["id"], "content": "fine"} for call in blocks(first, "tool_use")
    ]
    turns = [*BOTH, first.to_param(), {"role": "user", "content": results}]
    second = await ask(anthropic, asked, turns, thinking=THINKING, tools=[WEATHER, CLOCK])
    turns += [second.to_param(), *QUESTION]
    third = await ask(anthropic, asked, turns, thinking=THINKING, tools=[WEATHER, CLOCK])
    assert text(second)
    assert text(third)
    assert all(event.tokens.reasoning_tokens for event in await router.finished())


async def test_a_conversation_with_thinking_goes_on_with_another_provider(
    router: RunningRouter, anthropic: AsyncAnthropic, asked: Asked
) -> None:
    turns: Any = list(BOTH)
    for speaker in (ANTHROPIC, GEMINI_3):
        answer = await complete(anthropic, speaker, turns, thinking=THINKING, tools=[WEATHER, CLOCK])
        results = [
            {"type": "tool_result", "tool_use_id": call["id"], "content": "fine"} for call in blocks(answer, "tool_use")
        ]
        turns += [answer.to_param(), {"role": "user", "content": [*results, {"type": "text", "text": "The time?"}]}]

    last = await complete(anthropic, asked, turns, tools=[WEATHER, CLOCK], tool_choice={"type": "none"})

    assert text(last)


class Part(pydantic.BaseModel):
    name: str
    count: int
    tags: list[str]
    note: str | None


async def test_a_structured_answer_is_parsed(router: RunningRouter, anthropic: AsyncAnthropic, asked: Asked) -> None:
    answer = await anthropic.messages.parse(model=asked.id, max_tokens=2000, messages=QUESTION, output_format=Part)

    assert isinstance(answer.parsed_output, Part)


async def test_tokens_are_counted_and_not_booked(
    router: RunningRouter, anthropic: AsyncAnthropic, asked: Asked
) -> None:
    counted = await anthropic.messages.count_tokens(model=asked.id, messages=QUESTION, system="Be brief.")

    assert counted.input_tokens > 0
    assert await router.started() == []
    answer = await complete(anthropic, asked, system="Be brief.")
    if asked.provider in ("anthropic", "gemini"):
        assert counted.input_tokens == answer.usage.input_tokens


async def test_a_picture_and_a_document_are_taken(
    router: RunningRouter, anthropic: AsyncAnthropic, asked: Asked
) -> None:
    picture = {"type": "base64", "media_type": "image/gif", "data": PIXEL}
    page = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQK"}
    words: Any = {"type": "text", "text": "What is this?"}

    plain = await complete(anthropic, asked, [{"role": "user", "content": [words]}])
    for media in ({"type": "image", "source": picture}, {"type": "document", "source": page}):
        seen = await complete(anthropic, asked, [{"role": "user", "content": [media, words]}])
        assert seen.usage.input_tokens >= plain.usage.input_tokens + 85


async def test_limits_and_stop_sequences_are_kept(
    router: RunningRouter, anthropic: AsyncAnthropic, asked: Asked
) -> None:
    stopped = await complete(anthropic, asked, stop_sequences=[":", "nowhere to be found"])
    limited = await complete(anthropic, asked, max_tokens=5)

    assert ":" not in text(stopped)
    assert stopped.stop_reason in ("stop_sequence", "end_turn")
    assert limited.stop_reason == "max_tokens"
    assert limited.usage.output_tokens == 5


async def test_a_provider_s_refusal_raises_the_sdk_s_own_error(
    router: RunningRouter, anthropic: AsyncAnthropic, asked: Asked, refused: str
) -> None:
    for ask in (complete, accumulated):
        with pytest.raises(getattr(sdk, refused)) as refusal:
            await ask(anthropic, asked)
        assert isinstance(refusal.value.body, dict)
        assert refusal.value.body["type"] == "error"


async def test_an_overloaded_provider_raises_the_sdk_s_own_error(
    router: RunningRouter, anthropic: AsyncAnthropic, asked: Asked, order: Callable[..., None]
) -> None:
    order(status=529)
    for ask in (complete, accumulated):
        with pytest.raises(sdk.OverloadedError):
            await ask(anthropic, asked)


async def test_an_error_within_a_stream_is_raised(
    router: RunningRouter, anthropic: AsyncAnthropic, asked: Asked, order: Callable[..., None]
) -> None:
    order(error_after=5)
    with pytest.raises(sdk.APIStatusError):
        await accumulated(anthropic, asked)


async def test_a_refusal_amid_the_answer_is_told(
    router: RunningRouter, anthropic: AsyncAnthropic, asked: Asked, order: Callable[..., None]
) -> None:
    order(filter_after=3)
    for answer in (await complete(anthropic, asked), await accumulated(anthropic, asked)):
        assert (answer.stop_reason, len(text(answer))) == ("refusal", 12)


async def test_a_wrong_request_names_what_is_wrong(router: RunningRouter, anthropic: AsyncAnthropic) -> None:
    with pytest.raises(sdk.BadRequestError, match="max_tokens"):
        await complete(anthropic, ANTHROPIC, max_tokens=0)
    with pytest.raises(sdk.BadRequestError, match="messages"):
        await complete(anthropic, ANTHROPIC, [])
    assert await router.started() == []


async def test_models_are_listed_and_found(anthropic: AsyncAnthropic, asked: Asked) -> None:
    names = [model.id async for model in anthropic.models.list()]

    assert ANTHROPIC.id in names
    assert len(names) == len(set(names))
    if asked.provider != "other":
        assert asked.id in names
        assert (await anthropic.models.retrieve(asked.id)).id == asked.id
