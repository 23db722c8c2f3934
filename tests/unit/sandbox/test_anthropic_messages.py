from typing import Any

import msgspec
import pytest

from services.sandbox.anthropic import Anthropic
from services.sandbox.chat import ChatRequest, ToolChoice
from services.sandbox.errors import ApiError
from services.sandbox.provider import Call

HELLO = {"role": "user", "content": "Hello"}
TOOL = {"name": "look", "input_schema": {"type": "object"}}
USE = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "a cat"}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
MARK = {"cache_control": {"type": "ephemeral"}}


def body(**fields: Any) -> bytes:
    return msgspec.json.encode({"model": "claude-opus-4-5", "max_tokens": 100, "messages": [HELLO], **fields})


def parsed(raw: bytes) -> ChatRequest:
    return Anthropic().parse(Call(body=raw))


def formatted(**schema: Any) -> dict[str, Any]:
    return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}


def said(*blocks: Any, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": list(blocks)}


@pytest.mark.parametrize(
    ("fields", "words"),
    (
        ({"model": None}, "model: Field required"),
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"max_tokens": 0}, "max_tokens: must be greater than or equal to 1"),
        ({"max_tokens": "many"}, "max_tokens: Input should be a valid integer"),
        ({"messages": None}, "messages: Field required"),
        ({"messages": []}, "messages: at least one message is required"),
        ({"messages": "hi"}, "messages: Input should be a valid array"),
        ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
        ({"messages": [said({"type": "text", "text": "Hi"}, role="assistant"), HELLO]}, 'must use the "user" role'),
        ({"messages": [{**HELLO, "role": "robot"}]}, "messages.0.role: Input should be 'user' or 'assistant'"),
        ({"messages": [{**HELLO, "content": ""}]}, "messages.0: user messages must have non-empty content"),
        ({"messages": [said({"type": "text", "text": ""})]}, "text content blocks must be non-empty"),
        ({"messages": [said({"type": "image_url"})]}, "messages.0.content.0: Input tag 'image_url' found using 'type'"),
        ({"messages": [said({"type": "image"})]}, "messages.0.content.0.image.source: Field required"),
        ({"messages": [HELLO, said(USE)]}, "`tool_use` blocks can only be in `assistant` messages"),
        ({"messages": [HELLO, said(RESULT)]}, "messages.1.content.0: unexpected `tool_use_id` found in `tool_result`"),
        (
            {"messages": [HELLO, said(USE, role="assistant"), HELLO]},
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1.",
        ),
        (
            {"messages": [HELLO, {"role": "assistant", "content": "The answer is "}]},
            "final assistant content cannot end with trailing whitespace",
        ),
        (
            {"messages": [HELLO, said({"type": "thinking", "thinking": "Hm", "signature": "x"}, role="assistant")]},
            "messages.1.content.0: Invalid `signature` in `thinking` block",
        ),
        ({"temperature": 1.5}, "temperature: range: 0..1"),
        ({"top_p": -1}, "top_p: range: 0..1"),
        ({"n": 2}, "n: Extra inputs are not permitted"),
        ({"stop_sequences": [" "]}, "each stop sequence must contain non-whitespace"),
        ({"tools": [{"name": "look"}]}, "tools.0.custom.input_schema: Field required"),
        ({"tools": [{**TOOL, "name": "look at"}]}, "tools.0.custom.name: String should match pattern"),
        ({"tools": [TOOL, TOOL]}, "tools: Tool names must be unique."),
        ({"tools": [{**TOOL, "input_schema": {}}]}, "tools.0.custom.input_schema.type: Input should be 'object'"),
        ({"tool_choice": {"type": "any"}}, "tool_choice: may only be specified while providing tools"),
        ({"tools": [TOOL], "tool_choice": {"type": "required"}}, "Input tag 'required' found"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "jump"}}, "Tool 'jump' not found"),
        ({"thinking": {"type": "enabled"}}, "thinking.enabled.budget_tokens: Field required"),
        ({"thinking": {"type": "enabled", "budget_tokens": 5}}, "Input should be greater than or equal to 1024"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "`max_tokens` must be greater than"),
        ({"thinking": {"type": "adaptive"}, "temperature": 0.5}, "`temperature` may only be set to 1"),
        (
            {
                "thinking": {"type": "enabled", "budget_tokens": 1024},
                "max_tokens": 2000,
                "tools": [TOOL],
                "tool_choice": {"type": "any"},
            },
            "Thinking may not be enabled when tool_choice forces tool use.",
        ),
        ({"output_config": {"effort": "minimal"}}, "output_config.effort: Input should be 'low', 'medium'"),
        (formatted(type="object"), "'additionalProperties' must be explicitly set to false"),
        (formatted(type="integer", minimum=1), "For 'integer' type, properties minimum are not supported"),
        (
            {"messages": [said(*[{"type": "text", "text": "x", **MARK}] * 5)]},
            "A maximum of 4 blocks with cache_control",
        ),
    ),
)
def test_a_wrong_request_is_refused_in_anthropics_words(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ApiError) as refusal:
        parsed(body(**fields))

    assert refusal.value.status == 400
    assert words in refusal.value.message


@pytest.mark.parametrize("raw", (b"", b"{", b"[]", b'{"model": "\xff"}'))
def test_what_is_no_json_object_is_refused(raw: bytes) -> None:
    with pytest.raises(ApiError) as refusal:
        parsed(raw)

    assert refusal.value.status == 400


def test_a_request_is_understood() -> None:
    request = parsed(
        body(
            system=[{"type": "text", "text": "Be brief.", **MARK}],
            messages=[
                said({"type": "text", "text": "See"}, IMAGE),
                said({"type": "text", "text": "I look."}, USE, role="assistant"),
                said(RESULT),
            ],
            stop_sequences=["END"],
            tools=[TOOL, {"type": "web_search_20250305", "name": "web_search"}],
            tool_choice={"type": "any", "disable_parallel_tool_use": True},
            stream=True,
        )
    )

    assert request.prompt.endswith("Be brief.\nuser\nSee\n\nassistant\nI look.\nlook {}\nuser\na cat")
    assert [tool.name for tool in request.tools] == ["look"]
    assert (request.max_tokens, request.stop, request.stream) == (100, ("END",), True)
    assert (request.tool_choice, request.parallel_tool_calls) == (ToolChoice.REQUIRED, False)
    assert (request.follows_tool_result, request.reasons) == (True, False)
    assert request.cache_blocks is not None
    assert [request.prompt[: block.end].endswith("Be brief.") for block in request.cache_blocks if block.marked] == [
        True
    ]


def test_results_may_come_in_several_messages_of_one_turn() -> None:
    second = {**USE, "id": "toolu_2"}
    messages = [HELLO, said(USE, second, role="assistant"), said(RESULT), said({**RESULT, "tool_use_id": "toolu_2"})]

    assert parsed(body(messages=messages)).follows_tool_result


@pytest.mark.parametrize("effort", ("low", "max"))
def test_the_budget_bounds_the_thinking_and_the_effort_sets_it(effort: str) -> None:
    request = parsed(body(thinking={"type": "adaptive"}, output_config={"effort": effort}))

    assert request.reasons
    assert request.reasoning_effort == {"low": "low", "max": "xhigh"}[effort]
