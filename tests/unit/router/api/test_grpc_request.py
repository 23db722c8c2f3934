"""From a CompletionSpec to a chat completion in OpenAI's format."""

import base64
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pantheon.catalog.v1.parameters_pb2 import ModelParameters
from pantheon.router.v1 import completion_pb2 as spec_pb2
from pantheon.router.v1.completion_pb2 import CompletionSpec, ResponseFormat, RoutingPreferences, Tool, ToolChoice
from pantheon.router.v1.message_pb2 import (
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    MessageRole,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from services.router.api.grpc_request import to_request
from services.runtime.errors import InvalidField

SYSTEM, USER = MessageRole.MESSAGE_ROLE_SYSTEM, MessageRole.MESSAGE_ROLE_USER
ASSISTANT, TOOL = MessageRole.MESSAGE_ROLE_ASSISTANT, MessageRole.MESSAGE_ROLE_TOOL
SCHEMA = '{"type":"object","properties":{"a":{"type":"number","maximum":1.50}}}'


def text(content: str) -> Part:
    return Part(text=TextPart(text=content))


def message(role: "MessageRole.ValueType", *parts: Part, name: str = "") -> Message:
    return Message(role=role, parts=parts, name=name)


def spec(**fields: Any) -> CompletionSpec:
    return CompletionSpec(**{"model": "gpt-4", "messages": [message(USER, text("Hi"))], **fields})


def body(wanted: CompletionSpec, *, stream: bool = False) -> dict[str, Any]:
    """The rendered body, read back by another JSON reader."""
    request = to_request(wanted, stream=stream)
    assert request.size == sum(len(bytes(value)) for value in request.body.values())
    return {name: json.loads(bytes(value)) for name, value in request.body.items()}


def rendered(*messages: Message) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body(spec(messages=messages))["messages"]
    return found


def refused(wanted: CompletionSpec) -> dict[str, str]:
    with pytest.raises(InvalidField) as caught:
        to_request(wanted, stream=False)
    return caught.value.metadata


def test_the_least_is_a_model_and_a_message() -> None:
    assert body(spec()) == {"model": "gpt-4", "messages": [{"role": "user", "content": "Hi"}]}


def test_a_stream_is_asked_for_and_its_usage_always_wanted() -> None:
    request = to_request(spec(), stream=True)
    assert request.stream
    assert request.show_usage
    assert body(spec(), stream=True)["stream"] is True


def test_every_role_is_spelt_in_openai_s_way() -> None:
    developer = message(MessageRole.MESSAGE_ROLE_DEVELOPER, text("d"))
    found = rendered(message(SYSTEM, text("s")), developer, message(USER, text("u"), name="ada"), message(ASSISTANT))
    assert found == [
        {"role": "system", "content": "s"},
        {"role": "developer", "content": "d"},
        {"role": "user", "name": "ada", "content": "u"},
        {"role": "assistant", "content": None},
    ]


@pytest.mark.parametrize(
    ("part", "expected"),
    (
        (text("Hi"), {"type": "text", "text": "Hi"}),
        (
            Part(image=ImagePart(url="https://a.example/b.png", detail="low")),
            {"type": "image_url", "image_url": {"url": "https://a.example/b.png", "detail": "low"}},
        ),
        (
            Part(image=ImagePart(data=b"\x00\xff", media_type="image/webp")),
            {"type": "image_url", "image_url": {"url": "data:image/webp;base64,AP8="}},
        ),
        (Part(image=ImagePart(data=b"x")), {"type": "image_url", "image_url": {"url": "data:image/png;base64,eA=="}}),
        (
            Part(audio=AudioPart(data=b"RIFF", format="wav")),
            {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        ),
        (Part(file=FilePart(file_id="file-1")), {"type": "file", "file": {"file_id": "file-1"}}),
        (
            Part(file=FilePart(data=b"x", filename="a.pdf")),
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,eA==", "filename": "a.pdf"}},
        ),
    ),
)
def test_every_kind_of_part_a_user_may_send_is_rendered(part: Part, expected: dict[str, Any]) -> None:
    assert rendered(message(USER, text("Look:"), part))[0]["content"] == [{"type": "text", "text": "Look:"}, expected]


def test_what_the_assistant_said_goes_back_as_it_came() -> None:
    call = ToolCallPart(id="t-1", name="add", arguments_json='{"a": 1}')
    parts = (
        Part(reasoning=ReasoningPart(text="Hm", signature="seal")),
        text("One "),
        text("moment"),
        Part(refusal=RefusalPart(text="No")),
        Part(tool_call=call),
    )
    assert rendered(message(ASSISTANT, *parts)) == [
        {
            "role": "assistant",
            "content": "One moment",
            "refusal": "No",
            "tool_calls": [{"id": "t-1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}],
            "reasoning_details": [{"type": "reasoning.text", "text": "Hm", "signature": "seal"}],
        }
    ]


def test_each_tool_result_is_a_message() -> None:
    results = [Part(tool_result=ToolResultPart(tool_call_id=f"t-{n}", content=str(n))) for n in range(2)]
    assert rendered(message(TOOL, *results)) == [
        {"role": "tool", "tool_call_id": "t-0", "content": "0"},
        {"role": "tool", "tool_call_id": "t-1", "content": "1"},
    ]


@given(st.text(), st.binary(max_size=50), st.text(), st.text())
def test_texts_and_bytes_of_every_kind_survive(words: str, sound: bytes, name: str, arguments: str) -> None:
    call = Part(tool_call=ToolCallPart(id=name, name=name, arguments_json=arguments))
    user, assistant = rendered(
        message(USER, text(words), Part(audio=AudioPart(data=sound, format="mp3"))), message(ASSISTANT, call)
    )
    assert user["content"][0]["text"] == words
    assert base64.b64decode(user["content"][1]["input_audio"]["data"]) == sound
    (found,) = assistant["tool_calls"]
    assert (found["id"], found["function"]) == (name, {"name": name, "arguments": arguments})


def test_wishes_have_their_members() -> None:
    wanted = spec(stop=["END", "\n"], seed=0, choices=2, reasoning_effort="low", parallel_tool_calls=False)
    assert body(wanted) == body(spec()) | {
        "stop": ["END", "\n"],
        "seed": 0,
        "n": 2,
        "reasoning_effort": "low",
        "parallel_tool_calls": False,
    }


def test_parameters_are_left_to_the_provider_s_dialect() -> None:
    request = to_request(spec(parameters=ModelParameters(temperature=0.0, max_tokens=7)), stream=False)
    assert {name: bytes(value) for name, value in request.parameters.items()} == {
        "temperature": b"0.0",
        "max_tokens": b"7",
    }
    assert not request.body.keys() & request.parameters.keys()


@pytest.mark.parametrize("value", (math.nan, math.inf, -math.inf))
def test_a_parameter_that_is_no_number_is_refused(value: float) -> None:
    wanted = spec(parameters=ModelParameters(temperature=value))
    assert refused(wanted) == {"field": "temperature", "value": str(value), "allowed": "0 to 2"}


def test_tools_keep_their_schemas() -> None:
    tools = [Tool(name="add", description="Adds", parameters_json_schema=SCHEMA, strict=False), Tool(name="now")]
    request = to_request(spec(tools=tools), stream=False)
    assert b'"maximum":1.50' in bytes(request.body["tools"])
    assert body(spec(tools=tools))["tools"] == [
        {
            "type": "function",
            "function": {"name": "add", "description": "Adds", "parameters": json.loads(SCHEMA), "strict": False},
        },
        {"type": "function", "function": {"name": "now"}},
    ]


@pytest.mark.parametrize(
    ("choice", "expected"),
    (
        (ToolChoice(), "auto"),
        (ToolChoice(mode=spec_pb2.TOOL_CHOICE_MODE_AUTO), "auto"),
        (ToolChoice(mode=spec_pb2.TOOL_CHOICE_MODE_NONE), "none"),
        (ToolChoice(mode=spec_pb2.TOOL_CHOICE_MODE_REQUIRED), "required"),
        (
            ToolChoice(mode=spec_pb2.TOOL_CHOICE_MODE_NAMED, name="add"),
            {"type": "function", "function": {"name": "add"}},
        ),
    ),
)
def test_how_a_tool_is_chosen(choice: ToolChoice, expected: object) -> None:
    assert body(spec(tool_choice=choice))["tool_choice"] == expected


@pytest.mark.parametrize(
    ("wish", "expected"),
    (
        (ResponseFormat(), {"type": "text"}),
        (ResponseFormat(type=spec_pb2.RESPONSE_FORMAT_TYPE_JSON_OBJECT), {"type": "json_object"}),
        (
            ResponseFormat(type=spec_pb2.RESPONSE_FORMAT_TYPE_JSON_SCHEMA, json_schema=SCHEMA, name="sum", strict=True),
            {"type": "json_schema", "json_schema": {"name": "sum", "schema": json.loads(SCHEMA), "strict": True}},
        ),
        (
            ResponseFormat(type=spec_pb2.RESPONSE_FORMAT_TYPE_JSON_SCHEMA, json_schema="{}"),
            {"type": "json_schema", "json_schema": {"name": "response", "schema": {}}},
        ),
    ),
)
def test_the_form_of_the_answer(wish: ResponseFormat, expected: dict[str, Any]) -> None:
    assert body(spec(response_format=wish))["response_format"] == expected


def test_routing_tags_and_defaults_are_no_part_of_the_body() -> None:
    routing = RoutingPreferences(providers=["openrouter"], no_fallback=True)
    wanted = spec(routing=routing, tags={"team": "search"}, apply_defaults=True)
    request = to_request(wanted, stream=False)
    assert body(wanted) == body(spec())
    assert (request.providers, request.fallback) == (("openrouter",), False)
    assert (request.tags, request.apply_defaults) == ({"team": "search"}, True)


def test_extra_members_are_added_to_the_byte() -> None:
    request = to_request(spec(extra_body_json='{"own":{"b" : [1.50,1e2]},"user":"h\\u00e9"}'), stream=False)
    assert bytes(request.body["own"]) == b'{"b" : [1.50,1e2]}'
    assert bytes(request.body["user"]) == b'"h\\u00e9"'


@pytest.mark.parametrize(
    "name", ("model", "messages", "stream", "stream_options", "n", "temperature", "max_tokens", "stop")
)
def test_extra_members_take_nothing_over(name: str) -> None:
    wanted = spec(stop=["END"], extra_body_json=json.dumps({name: 1}))
    assert refused(wanted)["field"] == f"extra_body_json.{name}"


@pytest.mark.parametrize(
    ("fields", "field"),
    (
        ({"model": ""}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": [Message(parts=[text("x")])]}, "messages.role"),
        ({"messages": [message(USER)]}, "messages.parts"),
        ({"messages": [message(TOOL)]}, "messages.parts"),
        ({"messages": [message(USER, Part())]}, "messages.parts"),
        ({"messages": [message(USER, text("x"), Part(tool_result=ToolResultPart()))]}, "messages.parts"),
        ({"messages": [message(TOOL, text("x"))]}, "messages.parts"),
        ({"messages": [message(ASSISTANT, Part(image=ImagePart(url="x")))]}, "messages.parts"),
        ({"messages": [message(USER, Part(image=ImagePart()), text("x"))]}, "messages.parts.image"),
        ({"messages": [message(USER, Part(file=FilePart()), text("x"))]}, "messages.parts.file"),
        ({"choices": -1}, "choices"),
        ({"choices": 17}, "choices"),
        ({"stop": ["x"] * 17}, "stop"),
        ({"tools": [Tool(name="x")] * 129}, "tools"),
        ({"tools": [Tool(name="x"), Tool(name="y", parameters_json_schema="[]")]}, "tools.1.parameters_json_schema"),
        ({"tool_choice": ToolChoice(mode=spec_pb2.TOOL_CHOICE_MODE_NAMED)}, "tool_choice.name"),
        (
            {"response_format": ResponseFormat(type=spec_pb2.RESPONSE_FORMAT_TYPE_JSON_SCHEMA)},
            "response_format.json_schema",
        ),
        ({"extra_body_json": "{"}, "extra_body_json"),
        ({"extra_body_json": "[]"}, "extra_body_json"),
        ({"extra_body_json": '{"a":' * 10_000 + "1" + "}" * 10_000}, "extra_body_json"),
        ({"tags": {"": "x"}}, "tags"),
    ),
)
def test_what_is_missing_or_malformed_is_named_by_its_path(fields: dict[str, Any], field: str) -> None:
    found = refused(spec(**fields))
    assert found["field"] == field
    assert found["allowed"]
    assert len(found["value"]) <= 200
