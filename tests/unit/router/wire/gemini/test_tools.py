"""Tools and the choice among them."""

from typing import Any

import pytest

from services.runtime.errors import InvalidField, UnsupportedFeature
from tests.unit.router.wire.gemini.samples import Json, rendered

SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "number", "exclusiveMinimum": 0}},
    "additionalProperties": False,
}
ADD = {"type": "function", "function": {"name": "add", "description": "Adds", "parameters": SCHEMA, "strict": True}}
NOW = {"type": "function", "function": {"name": "now", "parameters": None}}


def test_functions_keep_their_schema_as_it_is() -> None:
    assert rendered(tools=[ADD, NOW])["tools"] == [
        {
            "functionDeclarations": [
                {"name": "add", "description": "Adds", "parametersJsonSchema": SCHEMA},
                {"name": "now"},
            ]
        }
    ]


@pytest.mark.parametrize(
    ("choice", "expected"),
    (
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ({"type": "function", "function": {"name": "add"}}, {"mode": "ANY", "allowedFunctionNames": ["add"]}),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [ADD]}},
            {"mode": "ANY", "allowedFunctionNames": ["add"]},
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [ADD]}},
            {"mode": "VALIDATED", "allowedFunctionNames": ["add"]},
        ),
    ),
)
def test_each_choice_has_its_mode(choice: Any, expected: Json) -> None:
    assert rendered(tools=[ADD], tool_choice=choice)["toolConfig"] == {"functionCallingConfig": expected}


def test_a_choice_without_tools_is_left_out() -> None:
    assert rendered(tool_choice="auto").keys() == {"contents"}
    assert rendered(tools=[], tool_choice=None).keys() == {"contents"}


@pytest.mark.parametrize("choice", ("maybe", 7, [1]))
def test_an_unknown_choice_is_named(choice: Any) -> None:
    with pytest.raises(InvalidField) as raised:
        rendered(tools=[ADD], tool_choice=choice)
    assert raised.value.metadata["field"] == "tool_choice"


def test_a_search_of_the_web_is_googles_own() -> None:
    assert rendered(web_search_options={})["tools"] == [{"googleSearch": {}}]
    assert rendered(tools=[ADD], web_search_options={"search_context_size": "low"})["tools"][1] == {"googleSearch": {}}


def test_googles_own_tools_may_be_named_among_the_others() -> None:
    tools = [{"google_search": {}}, {"code_execution": {}}, ADD]
    found = rendered(tools=tools, web_search_options={})["tools"]
    assert [set(tool) for tool in found] == [{"functionDeclarations"}, {"googleSearch"}, {"codeExecution"}]


@pytest.mark.parametrize(
    ("tool", "field"),
    (({"type": "custom", "custom": {"name": "x"}}, "tools[0].type"), ({"type": "function"}, "tools[0].type")),
)
def test_a_tool_of_another_type_is_refused(tool: Json, field: str) -> None:
    with pytest.raises(UnsupportedFeature) as raised:
        rendered(tools=[tool])
    assert raised.value.metadata["field"] == field


def test_a_choice_of_a_tool_of_another_type_is_refused() -> None:
    with pytest.raises(UnsupportedFeature):
        rendered(tools=[ADD], tool_choice={"type": "custom", "custom": {"name": "x"}})


def test_a_malformed_function_is_named() -> None:
    with pytest.raises(InvalidField) as raised:
        rendered(tools=[ADD, {"type": "function", "function": {"name": 7}}])
    assert raised.value.metadata["field"] == "tools[1].function.name"
