"""OpenAI's own SDK, which is strict about shapes, as the client."""

import json
from enum import Enum
from typing import Any

import openai as sdk
import pydantic
import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from services.sandbox.faults import Directives, Rule
from services.sandbox.server import SandboxServer

QUESTION: Any = [{"role": "user", "content": "What is the capital of Italy?"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
    },
}
CLOCK: Any = {"type": "function", "function": {"name": "tell_time"}}


async def complete(client: AsyncOpenAI, **fields: Any) -> ChatCompletion:
    answer = await client.chat.completions.create(**{"model": "gpt-4o", "messages": QUESTION, **fields})
    assert isinstance(answer, ChatCompletion)
    return answer


async def stream(client: AsyncOpenAI, **fields: Any) -> list[ChatCompletionChunk]:
    arguments = {"model": "gpt-4o", "messages": QUESTION, "stream": True, **fields}
    return [chunk async for chunk in await client.chat.completions.create(**arguments)]


def text(chunks: list[ChatCompletionChunk], index: int = 0) -> str:
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices if choice.index == index]
    return "".join(delta.content or "" for delta in deltas)


async def test_a_completion_is_whole_and_adds_up(openai: AsyncOpenAI) -> None:
    answer = await complete(openai)

    (choice,) = answer.choices
    assert answer.id.startswith("chatcmpl-")
    assert answer.model == "gpt-4o-2024-08-06"
    assert (answer.service_tier, choice.finish_reason) == ("default", "stop")
    assert choice.message.content
    assert answer.usage is not None
    assert answer.usage.completion_tokens == -(-len(choice.message.content) // 4)
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


async def test_a_stream_says_the_same_as_the_body_and_reports_usage_last(openai: AsyncOpenAI) -> None:
    whole = await complete(openai)

    chunks = await stream(openai, stream_options={"include_usage": True})

    assert text(chunks) == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    assert all(chunk.usage is None for chunk in chunks[:-1])


async def test_a_stream_reports_no_usage_unasked(openai: AsyncOpenAI) -> None:
    chunks = await stream(openai)

    assert all(chunk.usage is None for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"


async def test_every_token_is_a_chunk(openai: AsyncOpenAI) -> None:
    chunks = await stream(openai, stream_options={"include_usage": True})

    contents = [chunk for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert chunks[-1].usage is not None
    assert len(contents) == chunks[-1].usage.completion_tokens


async def test_choices_are_streamed_side_by_side(openai: AsyncOpenAI) -> None:
    whole = await complete(openai, n=3)

    chunks = await stream(openai, n=3)

    assert [text(chunks, index) for index in range(3)] == [choice.message.content for choice in whole.choices]
    assert [choice.index for chunk in chunks[:3] for choice in chunk.choices] == [0, 1, 2]
    assert {choice.index for chunk in chunks[-3:] for choice in chunk.choices if choice.finish_reason} == {0, 1, 2}


@pytest.mark.parametrize("limit", ("max_tokens", "max_completion_tokens"))
async def test_a_token_limit_is_kept(openai: AsyncOpenAI, limit: str) -> None:
    answer = await complete(openai, **{limit: 5})

    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 5


async def test_thinking_is_billed_and_not_shown(openai: AsyncOpenAI) -> None:
    answer = await complete(openai, model="o3", reasoning_effort="low")

    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.reasoning_tokens == 64
    assert answer.usage.completion_tokens == 64 + -(-len(answer.choices[0].message.content or "") // 4)


async def test_a_repeated_long_prompt_is_cached(openai: AsyncOpenAI) -> None:
    messages = [{"role": "system", "content": "A rule to keep. " * 400}, *QUESTION]

    first, second = await complete(openai, messages=messages), await complete(openai, messages=messages)

    cached = [answer.usage.prompt_tokens_details.cached_tokens for answer in (first, second)]  # type: ignore[union-attr]
    assert cached == [0, 1536]
    assert first.choices[0].message.content == second.choices[0].message.content


async def test_a_forced_tool_is_called_with_arguments_that_fit(openai: AsyncOpenAI) -> None:
    forced = {"type": "function", "function": {"name": "get_weather"}}

    answer = await complete(openai, tools=[CLOCK, WEATHER], tool_choice=forced)

    calls: Any = answer.choices[0].message.tool_calls
    assert [call.function.name for call in calls] == ["get_weather"]
    assert json.loads(calls[0].function.arguments)["unit"] in ("celsius", "fahrenheit")
    assert answer.choices[0].finish_reason == "stop"


async def test_required_tools_are_called_in_parallel_and_streamed_in_pieces(openai: AsyncOpenAI) -> None:
    arguments: Any = {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": "The weather and the time, please."}],
        "tools": [WEATHER, CLOCK],
        "tool_choice": "required",
    }

    async with openai.chat.completions.stream(**arguments) as events:
        answer = await events.get_final_completion()

    calls = answer.choices[0].message.tool_calls or []
    assert [call.function.name for call in calls] == ["get_weather", "tell_time"]
    assert json.loads(calls[0].function.arguments).keys() == {"city", "unit"}
    assert answer.choices[0].finish_reason == "tool_calls"


async def test_one_call_at_a_time_where_that_is_asked_for(openai: AsyncOpenAI) -> None:
    messages = [{"role": "user", "content": "The weather and the time, please."}]

    answer = await complete(openai, messages=messages, tools=[WEATHER, CLOCK], parallel_tool_calls=False)

    assert [call.type for call in answer.choices[0].message.tool_calls or ()] == ["function"]


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


class Part(pydantic.BaseModel):
    name: str
    size: Size
    count: int = pydantic.Field(ge=1, le=9)
    parts: list["Part"]
    note: str | None


async def test_a_structured_answer_is_parsed(openai: AsyncOpenAI) -> None:
    answer = await openai.chat.completions.parse(model="gpt-4o", messages=QUESTION, response_format=Part)

    assert isinstance(answer.choices[0].message.parsed, Part)


async def test_a_structured_answer_cut_short_is_noticed(openai: AsyncOpenAI) -> None:
    with pytest.raises(sdk.LengthFinishReasonError):
        await openai.chat.completions.parse(model="gpt-4o", messages=QUESTION, response_format=Part, max_tokens=3)


async def test_log_probabilities_are_given(openai: AsyncOpenAI) -> None:
    answer = await complete(openai, logprobs=True, top_logprobs=2, max_tokens=3)

    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert [len(entry.top_logprobs) for entry in logprobs.content or ()] == [2, 2, 2]


@pytest.mark.parametrize(
    ("fields", "kind"),
    (
        ({"temperature": 3}, sdk.BadRequestError),
        ({"messages": []}, sdk.BadRequestError),
        ({"model": "no-such-model"}, sdk.NotFoundError),
        ({"model": "gpt-4o:sandbox-status-401"}, sdk.AuthenticationError),
        ({"model": "gpt-4o:sandbox-status-403"}, sdk.PermissionDeniedError),
        ({"model": "gpt-4o:sandbox-status-409"}, sdk.ConflictError),
        ({"model": "gpt-4o:sandbox-status-429"}, sdk.RateLimitError),
        ({"model": "gpt-4o:sandbox-status-503"}, sdk.InternalServerError),
        ({"model": "gpt-4o:sandbox-reset"}, sdk.APIConnectionError),
    ),
)
async def test_refusals_raise_the_sdks_own_errors(openai: AsyncOpenAI, fields: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        await complete(openai, **fields)


async def test_a_bad_key_is_refused_without_showing_it(sandbox: SandboxServer) -> None:
    async with AsyncOpenAI(base_url=sandbox.openai_url, api_key="sk-invalid-secret-part-1234") as client:
        with pytest.raises(sdk.AuthenticationError) as refusal:
            await complete(client)

    assert refusal.value.code == "invalid_api_key"
    assert "sk-inval***************1234" in refusal.value.message


async def test_an_error_within_a_stream_is_raised(openai: AsyncOpenAI) -> None:
    with pytest.raises(sdk.APIError, match="The server had an error"):
        await stream(openai, model="gpt-4o:sandbox-error-after-3")


async def test_the_sdks_retry_succeeds_when_the_fault_is_used_up(own_sandbox: SandboxServer) -> None:
    own_sandbox.rules.add(Rule(directives=Directives(status=503, retry_after=0.01), times=1))

    async with AsyncOpenAI(base_url=own_sandbox.openai_url, api_key="sk-test", max_retries=1) as client:
        await complete(client)

    assert [record.status for record in own_sandbox.recorder] == [503, 200]


async def test_models_are_listed_and_found(openai: AsyncOpenAI) -> None:
    names = {model.id async for model in openai.models.list()}

    assert {"gpt-4o", "gpt-4o-2024-08-06", "o3"} <= names
    assert (await openai.models.retrieve("gpt-4o")).owned_by == "openai"
    with pytest.raises(sdk.NotFoundError):
        await openai.models.retrieve("no-such-model")
