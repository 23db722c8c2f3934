"""Anthropic's own SDK, which is strict about shapes, as the client."""

from enum import Enum
from typing import Any

import anthropic as sdk
import httpx2 as httpx
import pydantic
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import Message

from services.sandbox.faults import Directives, Rule
from services.sandbox.server import SandboxServer

MODEL = "claude-opus-4-5"
QUESTION: Any = [{"role": "user", "content": "What is the capital of Italy?"}]
WEATHER: Any = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
        "required": ["city", "unit"],
        "additionalProperties": False,
    },
}
CLOCK: Any = {"name": "tell_time", "input_schema": {"type": "object", "properties": {}}}
THINKING: Any = {"type": "enabled", "budget_tokens": 1024}


async def complete(client: AsyncAnthropic, **fields: Any) -> Message:
    answer = await client.messages.create(**{"model": MODEL, "max_tokens": 2000, "messages": QUESTION, **fields})
    assert isinstance(answer, Message)
    return answer


async def stream(client: AsyncAnthropic, **fields: Any) -> list[Any]:
    arguments = {"model": MODEL, "max_tokens": 2000, "messages": QUESTION, "stream": True, **fields}
    return [event async for event in await client.messages.create(**arguments)]


async def accumulated(client: AsyncAnthropic, **fields: Any) -> Message:
    arguments: Any = {"model": MODEL, "max_tokens": 2000, "messages": QUESTION, **fields}
    async with client.messages.stream(**arguments) as events:
        return await events.get_final_message()


def contents(message: Message) -> list[Any]:
    return [block.model_dump(exclude_none=True) for block in message.content]


async def test_a_message_is_whole_and_adds_up(anthropic: AsyncAnthropic) -> None:
    answer = await complete(anthropic)

    block: Any = answer.content[0]
    assert (len(answer.content), block.type) == (1, "text")
    assert answer.id.startswith("msg_01")
    assert (answer.model, answer.role, answer.stop_reason) == ("claude-opus-4-5-20251101", "assistant", "end_turn")
    assert answer.usage.output_tokens == -(-len(block.text) // 4)
    assert (answer.usage.cache_creation_input_tokens, answer.usage.cache_read_input_tokens) == (0, 0)


async def test_a_stream_says_the_same_as_the_body_in_the_documented_order(anthropic: AsyncAnthropic) -> None:
    whole = await complete(anthropic)

    events = await stream(anthropic)

    kinds = [event.type for event in events]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert set(kinds[2:-3]) == {"content_block_delta"}
    assert events[0].message.usage.output_tokens == 1
    assert events[-2].usage.output_tokens == whole.usage.output_tokens
    assert contents(await accumulated(anthropic)) == contents(whole)


async def test_thinking_comes_first_signed_and_billed(anthropic: AsyncAnthropic) -> None:
    whole = await complete(anthropic, thinking=THINKING)

    thought, said = contents(whole)
    assert (thought["type"], said["type"]) == ("thinking", "text")
    assert thought["signature"]
    assert whole.usage.output_tokens_details is not None
    assert whole.usage.output_tokens_details.thinking_tokens == -(-len(thought["thinking"]) // 4)
    assert contents(await accumulated(anthropic, thinking=THINKING)) == contents(whole)


async def test_thinking_that_comes_back_changed_is_refused(anthropic: AsyncAnthropic) -> None:
    first = await complete(anthropic, thinking=THINKING)
    turns = [*QUESTION, first.to_param(), {"role": "user", "content": "And of France?"}]
    await complete(anthropic, thinking=THINKING, messages=turns)

    changed = contents(first)
    changed[0]["thinking"] += "!"
    turns[1] = {"role": "assistant", "content": changed}
    with pytest.raises(sdk.BadRequestError, match="Invalid `signature` in `thinking` block"):
        await complete(anthropic, thinking=THINKING, messages=turns)


async def test_thinking_is_omitted_or_redacted_where_that_is_asked_for(anthropic: AsyncAnthropic) -> None:
    magic = [{"role": "user", "content": "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING_46C9"}]

    omitted = await complete(anthropic, thinking={"type": "adaptive", "display": "omitted"})
    redacted = await accumulated(anthropic, thinking=THINKING, messages=magic)

    assert [block["type"] for block in contents(omitted)] == ["thinking", "text"]
    assert contents(omitted)[0]["thinking"] == ""
    assert contents(redacted)[0]["type"] == "redacted_thinking"
    back = [*magic, redacted.to_param(), *QUESTION]
    assert (await complete(anthropic, thinking=THINKING, messages=back)).stop_reason == "end_turn"


@pytest.mark.parametrize("choice", ({"type": "any"}, {"type": "tool", "name": "get_weather"}))
async def test_a_forced_tool_is_called_with_input_that_fits(anthropic: AsyncAnthropic, choice: Any) -> None:
    answer = await complete(anthropic, tools=[WEATHER, CLOCK], tool_choice=choice)

    (call,) = contents(answer)
    assert (call["type"], answer.stop_reason) == ("tool_use", "tool_use")
    assert call["name"] == "get_weather"
    assert call["id"].startswith("toolu_01")
    assert call["input"]["unit"] in ("celsius", "fahrenheit")


async def test_tools_are_called_in_parallel_and_their_results_taken(anthropic: AsyncAnthropic) -> None:
    asked = [{"role": "user", "content": "The weather and the time, please."}]
    tools = [WEATHER, CLOCK]

    calls = await accumulated(anthropic, messages=asked, tools=tools)
    one = await complete(
        anthropic, messages=asked, tools=tools, tool_choice={"type": "auto", "disable_parallel_tool_use": True}
    )
    results = [
        {"type": "tool_result", "tool_use_id": block.id, "content": [{"type": "text", "text": "fine"}]}
        for block in calls.content
        if block.type == "tool_use"
    ]
    after = await complete(
        anthropic, messages=[*asked, calls.to_param(), {"role": "user", "content": results}], tools=tools
    )

    assert [block["name"] for block in contents(calls)] == ["get_weather", "tell_time"]
    assert contents(calls)[0]["input"].keys() == {"city", "unit"}
    assert len(one.content) == 1
    assert [block["type"] for block in contents(after)] == ["text"]


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


class Part(pydantic.BaseModel):
    name: str
    size: Size
    count: int
    tags: list[str]
    note: str | None


async def test_a_structured_answer_is_parsed(anthropic: AsyncAnthropic) -> None:
    answer = await anthropic.messages.parse(model=MODEL, max_tokens=2000, messages=QUESTION, output_format=Part)

    assert isinstance(answer.parsed_output, Part)


async def test_a_marked_prompt_is_written_to_the_cache_and_read_from_it(anthropic: AsyncAnthropic) -> None:
    rules: Any = [{"type": "text", "text": "A rule to keep. " * 400, "cache_control": {"type": "ephemeral"}}]

    first, second = [(await complete(anthropic, system=rules)).usage for _ in range(2)]

    assert (first.cache_creation_input_tokens, first.cache_read_input_tokens) == (1600, 0)
    assert (second.cache_creation_input_tokens, second.cache_read_input_tokens) == (0, 1600)
    assert first.input_tokens == second.input_tokens < 100


async def test_a_stop_sequence_and_a_token_limit_end_the_text(anthropic: AsyncAnthropic) -> None:
    stopped = await complete(anthropic, stop_sequences=["nowhere to be found", ":"])
    limited = await complete(anthropic, max_tokens=5)

    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", ":")
    assert (limited.stop_reason, limited.usage.output_tokens) == ("max_tokens", 5)


async def test_a_refusal_amid_the_answer_is_told(anthropic: AsyncAnthropic) -> None:
    answer = await accumulated(anthropic, model=f"{MODEL}:sandbox-filter-after-3")

    assert (answer.stop_reason, answer.usage.output_tokens) == ("refusal", 3)


async def test_tokens_are_counted_as_they_are_billed(anthropic: AsyncAnthropic) -> None:
    arguments: Any = {"model": MODEL, "messages": QUESTION, "tools": [WEATHER], "system": "Be brief."}

    counted = await anthropic.messages.count_tokens(**arguments)

    assert counted.input_tokens == (await complete(anthropic, **arguments)).usage.input_tokens


@pytest.mark.parametrize(
    ("fields", "kind"),
    (
        ({"max_tokens": 0}, sdk.BadRequestError),
        ({"model": "no-such-model"}, sdk.NotFoundError),
        ({"model": f"{MODEL}:sandbox-status-401"}, sdk.AuthenticationError),
        ({"model": f"{MODEL}:sandbox-status-403"}, sdk.PermissionDeniedError),
        ({"model": f"{MODEL}:sandbox-status-413"}, sdk.ContentTooLargeError),
        ({"model": f"{MODEL}:sandbox-status-429"}, sdk.RateLimitError),
        ({"model": f"{MODEL}:sandbox-status-500"}, sdk.InternalServerError),
        ({"model": f"{MODEL}:sandbox-status-529"}, sdk.OverloadedError),
        ({"model": f"{MODEL}:sandbox-reset"}, sdk.APIConnectionError),
    ),
)
async def test_refusals_raise_the_sdks_own_errors(
    anthropic: AsyncAnthropic, fields: Any, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        await complete(anthropic, **fields)


async def test_a_refusal_carries_its_request_id(anthropic: AsyncAnthropic) -> None:
    with pytest.raises(sdk.OverloadedError) as refusal:
        await complete(anthropic, model=f"{MODEL}:sandbox-status-529")

    assert refusal.value.body == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Overloaded"},
        "request_id": refusal.value.request_id,
    }


async def test_an_error_within_a_stream_is_raised(anthropic: AsyncAnthropic) -> None:
    with pytest.raises(sdk.APIStatusError, match="overloaded_error"):
        await stream(anthropic, model=f"{MODEL}:sandbox-error-after-4")


async def test_a_bad_key_is_refused(sandbox: SandboxServer) -> None:
    async with AsyncAnthropic(base_url=sandbox.anthropic_url, api_key="sk-invalid") as client:
        with pytest.raises(sdk.AuthenticationError, match="invalid x-api-key"):
            await complete(client)


async def test_the_sdks_retry_succeeds_when_the_fault_is_used_up(own_sandbox: SandboxServer) -> None:
    own_sandbox.rules.add(Rule(directives=Directives(status=529, retry_after=0), provider="anthropic", times=1))

    async with AsyncAnthropic(base_url=own_sandbox.anthropic_url, api_key="sk-test", max_retries=1) as client:
        await complete(client)

    assert [record.status for record in own_sandbox.recorder] == [529, 200]


async def test_models_are_listed_page_by_page_and_found(anthropic: AsyncAnthropic) -> None:
    names = [model.id async for model in anthropic.models.list(limit=2)]

    assert len(names) == len(set(names)) > 2
    assert "claude-opus-4-5-20251101" in names
    assert (await anthropic.models.retrieve(MODEL)).id == "claude-opus-4-5-20251101"
    with pytest.raises(sdk.NotFoundError):
        await anthropic.models.retrieve("no-such-model")


async def test_an_answer_has_anthropics_headers(anthropic: AsyncAnthropic) -> None:
    answer = await anthropic.messages.with_raw_response.create(model=MODEL, max_tokens=10, messages=QUESTION)

    assert answer.headers["request-id"].startswith("req_")
    limit, remaining = (int(answer.headers[f"anthropic-ratelimit-tokens-{name}"]) for name in ("limit", "remaining"))
    assert remaining < limit


async def test_the_version_of_the_api_has_to_be_named(sandbox: SandboxServer, http: httpx.AsyncClient) -> None:
    answer = await http.post(f"{sandbox.anthropic_url}/v1/messages", json={}, headers={"x-api-key": "sk-test"})

    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert answer.json()["error"]["message"] == "anthropic-version: header is required"
