"""Tools, and the choice among them."""

from typing import Any

import msgspec
import pytest

from services.router.chat import ChatRequest
from services.router.wire.base import Dialect
from services.runtime.errors import InvalidField, UnsupportedFeature
from tests.unit.router.wire.anthropic_messages.samples import BUDGETED, WIRE, Json, body_of, rendered

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}
MARK = {"type": "ephemeral"}


def function(**members: Any) -> Json:
    return {"type": "function", "function": {"name": "add", **members}}


def tool(model: str = BUDGETED, **members: Any) -> Json:
    found: Json = rendered(model, tools=[function(**members)])["tools"][0]
    return found


def choice(**chat: Any) -> Json | None:
    found: Json | None = rendered(tools=[function()], **chat).get("tool_choice")
    return found


def test_a_function_is_a_tool_with_its_schema_as_it_came() -> None:
    sent = tool(description="Adds", parameters=SCHEMA)
    assert sent == {"name": "add", "description": "Adds", "input_schema": SCHEMA}


@pytest.mark.parametrize("parameters", (None, {}))
def test_a_function_without_parameters_takes_an_empty_object(parameters: Json | None) -> None:
    assert tool(parameters=parameters)["input_schema"] == {"type": "object", "properties": {}}


def test_a_schema_without_a_type_is_one_of_an_object() -> None:
    assert tool(parameters={"properties": {}})["input_schema"] == {"type": "object", "properties": {}}


def test_a_strict_tool_is_strict_where_the_model_can_be() -> None:
    sent = tool(parameters=SCHEMA, strict=True)
    assert sent["strict"] is True
    assert sent["input_schema"]["additionalProperties"] is False
    assert sent["input_schema"]["properties"]["a"] == {"type": "integer", "description": '{"minimum":1}'}
    assert tool("claude-sonnet-4-20250514", parameters=SCHEMA, strict=True) == {"name": "add", "input_schema": SCHEMA}


def test_a_strict_schema_with_a_number_that_nothing_holds_is_refused() -> None:
    tools = b'[{"type":"function","function":{"name":"add","strict":true,"parameters":{"maximum":1e5000}}}]'
    body = {**body_of({"messages": [{"role": "user", "content": "Hi"}]}), "tools": msgspec.Raw(tools)}
    with pytest.raises(InvalidField, match=r"tools.*'this' is not allowed; Number out of range"):
        WIRE.render_request(ChatRequest(model="any", body=body, size=1), BUDGETED, {}, Dialect())


def test_a_cache_mark_stands_on_the_tool() -> None:
    assert rendered(tools=[{**function(), "cache_control": MARK}])["tools"][0]["cache_control"] == MARK
    assert tool(cache_control=MARK)["cache_control"] == MARK


@pytest.mark.parametrize(
    ("chat", "sent"),
    (
        ({}, None),
        ({"tool_choice": "auto"}, {"type": "auto"}),
        ({"tool_choice": "required"}, {"type": "any"}),
        ({"tool_choice": "none", "parallel_tool_calls": False}, {"type": "none"}),
        ({"tool_choice": {"type": "function", "function": {"name": "add"}}}, {"type": "tool", "name": "add"}),
        ({"parallel_tool_calls": True}, None),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        (
            {"parallel_tool_calls": False, "tool_choice": "required"},
            {"type": "any", "disable_parallel_tool_use": True},
        ),
    ),
)
def test_the_choice_among_tools(chat: Json, sent: Json | None) -> None:
    assert choice(**chat) == sent


def test_there_is_no_choice_without_tools() -> None:
    assert "tool_choice" not in rendered(tools=[], tool_choice="auto", parallel_tool_calls=False)


def test_a_search_of_the_web_is_the_providers_own_tool() -> None:
    place = {"type": "approximate", "approximate": {"city": "Bern", "country": "CH"}}
    sent = rendered(web_search_options={"search_context_size": "low", "user_location": place})["tools"]
    assert sent == [
        {
            "type": "web_search_20250305",
            "name": "web_search",
            "user_location": {"type": "approximate", "city": "Bern", "country": "CH"},
        }
    ]
    assert rendered(web_search_options={})["tools"] == [{"type": "web_search_20250305", "name": "web_search"}]


@pytest.mark.parametrize(
    ("chat", "field"),
    (
        ({"tools": [{"type": "custom", "custom": {"name": "a"}}]}, "tools[0].type"),
        ({"tools": [function()], "tool_choice": {"type": "allowed_tools"}}, "tool_choice.type"),
    ),
)
def test_what_anthropic_has_no_tool_for_is_refused_by_name(chat: Json, field: str) -> None:
    with pytest.raises(UnsupportedFeature) as refused:
        rendered(**chat)
    assert refused.value.metadata["field"] == field


@pytest.mark.parametrize(
    ("chat", "field"),
    (
        ({"tools": {}}, "tools"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [function(parameters=True)]}, "tools[0].function.parameters"),
        ({"tools": [function()], "tool_choice": "some"}, "tool_choice"),
        ({"tools": [function()], "tool_choice": {"type": "function"}}, "tool_choice.function"),
        ({"tools": [function()], "parallel_tool_calls": "no"}, "parallel_tool_calls"),
    ),
)
def test_a_tool_that_can_not_be_read_is_named(chat: Json, field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        rendered(**chat)
    assert refused.value.metadata["field"] == field
