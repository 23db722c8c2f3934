from typing import Any

import msgspec
import pytest

from services.sandbox.chat import ChatRequest, ToolChoice
from services.sandbox.errors import ApiError
from services.sandbox.openai import OpenAI
from services.sandbox.provider import Call

HELLO = {"role": "user", "content": "Hello"}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


def body(**fields: Any) -> bytes:
    return msgspec.json.encode({"model": "gpt-4o", "messages": [HELLO], **fields})


def parsed(raw: bytes) -> ChatRequest:
    return OpenAI().parse(Call(body=raw))


def refused(raw: bytes) -> ApiError:
    with pytest.raises(ApiError) as refusal:
        parsed(raw)
    return refusal.value


@pytest.mark.parametrize(
    ("fields", "param", "code", "words"),
    (
        ({"model": None}, None, None, "you must provide a model parameter"),
        ({"messages": None}, "messages", "missing_required_parameter", "Missing required parameter: 'messages'."),
        ({"messages": []}, "messages", "empty_array", "minimum length 1"),
        ({"messages": "hi"}, "messages", "invalid_type", "expected an array, but got a string instead"),
        ({"messages": [HELLO, {"content": "x"}]}, "messages[1].role", "missing_required_parameter", "messages[1].role"),
        ({"messages": [HELLO, {**HELLO, "role": 4}]}, "messages[1].role", "invalid_type", "but got an integer"),
        ({"messages": [{**HELLO, "role": "robot"}]}, "messages[0].role", "invalid_value", "'tool', and 'developer'"),
        (
            {"messages": [{**HELLO, "content": 5}]},
            "messages[0].content",
            "invalid_type",
            "one of a string or an array",
        ),
        ({"messages": [{"role": "user"}]}, "messages[0].content", None, "got null"),
        ({"messages": [{**HELLO, "role": "tool"}]}, "messages[0].tool_call_id", "missing_required_parameter", "tool"),
        ({"temperature": 3}, "temperature", "decimal_above_max_value", "a value <= 2, but got 3 instead"),
        ({"temperature": -0.5}, "temperature", "decimal_below_min_value", "a value >= 0, but got -0.5 instead"),
        ({"temperature": "hot"}, "temperature", "invalid_type", "expected a decimal, but got a string"),
        ({"max_tokens": 0}, "max_tokens", "integer_below_min_value", "a value >= 1, but got 0 instead"),
        ({"max_tokens": 1.5}, "max_tokens", "invalid_type", "expected an integer, but got a decimal"),
        ({"n": 129}, "n", "integer_above_max_value", "a value <= 128"),
        ({"stream": "yes"}, "stream", "invalid_type", "expected a boolean"),
        ({"stream_options": {}}, "stream_options", None, "only allowed when 'stream' is enabled"),
        ({"top_logprobs": 2}, "top_logprobs", None, "'logprobs' must be true"),
        ({"stop": list("abcde")}, "stop", "array_above_max_length", "length 5"),
        ({"tools": []}, "tools", "empty_array", "tools"),
        ({"tools": [{"type": "function"}]}, "tools[0].function", "missing_required_parameter", "function"),
        ({"tools": [TOOL, {"type": 1}]}, "tools[1].type", "invalid_type", "expected a string"),
        ({"tool_choice": "auto"}, "tool_choice", None, "only allowed when 'tools' are specified"),
        ({"tools": [TOOL], "tool_choice": "maybe"}, "tool_choice", "invalid_value", "Supported values"),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "jump"}}},
            "tool_choice",
            None,
            "'jump'",
        ),
        ({"response_format": {"type": "xml"}}, "response_format.type", "invalid_value", "'json_schema'"),
        (
            {"response_format": {"type": "json_schema"}},
            "response_format.json_schema",
            "missing_required_parameter",
            "json",
        ),
        ({"response_format": {"type": "json_object"}}, "messages", None, "must contain the word 'json'"),
        ({"model": "o3", "max_tokens": 5}, "max_tokens", "unsupported_parameter", "Use 'max_completion_tokens'"),
        ({"model": "gpt-5", "temperature": 0.2}, "temperature", "unsupported_value", "does not support 0.2"),
    ),
)
def test_a_wrong_request_is_refused_in_openais_words(
    fields: dict[str, Any], param: str | None, code: str | None, words: str
) -> None:
    error = refused(body(**fields))

    assert (error.status, error.param, error.code) == (400, param, code)
    assert words in error.message


@pytest.mark.parametrize("raw", (b"", b"{", b"[]", b"3", b'{"model": "\xff"}'))
def test_what_is_no_json_object_is_refused(raw: bytes) -> None:
    error = refused(raw)

    assert error.status == 400
    assert error.message.startswith("We could not parse the JSON body")


@pytest.mark.parametrize("model", ("no-such-model", "openai/no-such-model", "no-such-model:sandbox-no-done"))
def test_models_named_so_do_not_exist(model: str) -> None:
    error = refused(body(model=model))

    assert (error.status, error.code) == (404, "model_not_found")


def test_unknown_fields_and_models_are_taken() -> None:
    request = parsed(body(model="my/own:model", brand_new={"deep": [1]}, metadata={"a": "b"}))

    assert request.model == "my/own:model"


def test_directives_are_no_part_of_a_models_name() -> None:
    assert parsed(body(model="gpt-4o:sandbox-no-done")).model == "gpt-4o"


def test_a_request_is_understood() -> None:
    request = parsed(
        body(
            messages=[
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": "See"}, {"type": "image_url", "image_url": {}}]},
                {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "look", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "1", "content": "a cat"},
            ],
            max_tokens=10,
            max_completion_tokens=20,
            stop="END",
            n=2,
            tools=[TOOL],
            tool_choice="required",
            parallel_tool_calls=False,
            stream=True,
            stream_options={"include_usage": True},
        )
    )

    assert request.prompt == "system\nBe brief.\nuser\nSee\n\nassistant\n\nlook\n{}\ntool\na cat"
    assert request.question == "See\n"
    assert (request.max_tokens, request.stop, request.choices) == (20, ("END",), 2)
    assert (request.tool_choice, request.parallel_tool_calls) == (ToolChoice.REQUIRED, False)
    assert (request.stream, request.include_usage, request.follows_tool_result) == (True, True, True)


def test_prompt_tokens_are_counted_as_documented() -> None:
    text, image = {"type": "text", "text": "x" * 91}, {"type": "image_url", "image_url": {"url": "data:"}}

    plain = parsed(body(messages=[{"role": "user", "content": "x" * 91}]))
    seen = parsed(body(messages=[{"role": "user", "content": [text, image]}], tools=[TOOL]))

    # 3 for the prompt, 4 for its message, and "user\n" + 91 characters: 96 / 4.
    assert plain.prompt_tokens == 3 + 4 + 24
    # One more line break, 85 for the image, and "look" + {"type":"object"}: 21 / 4.
    assert seen.prompt_tokens == 3 + 4 + 25 + 85 + 6


@pytest.mark.parametrize(
    ("model", "thinks"),
    (
        ("o1", True),
        ("o3-mini", True),
        ("openai/o4-mini", True),
        ("gpt-5-nano", True),
        ("gpt-5.2", True),
        ("gpt-5-chat-latest", False),
        ("gpt-4o", False),
        ("gpt-50", False),
        ("proto3", False),
    ),
)
def test_models_think_by_their_name(model: str, thinks: bool) -> None:
    assert parsed(body(model=model)).reasons is thinks
