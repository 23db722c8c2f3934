"""A request of the Responses API in the common shape."""

import json
from typing import Any

import msgspec
import pytest

from services.router.api.responses.translation import to_chat
from services.router.chat import Body
from services.runtime.errors import InvalidField, UnsupportedFeature

Json = dict[str, Any]
TOOL = {"type": "function", "name": "add", "description": "Adds.", "parameters": {"type": "object"}, "strict": True}
CRM: Json = {
    "type": "namespace",
    "name": "crm",
    "description": "Customers.",
    "tools": [{**TOOL, "defer_loading": True}],
}


def chat(**members: Any) -> Json:
    body = msgspec.json.decode(msgspec.json.encode({"model": "m", "input": "Hi", **members}), type=Body)
    return {name: json.loads(bytes(value)) for name, value in to_chat(body).items()}


def refusal(**members: Any) -> UnsupportedFeature:
    with pytest.raises(UnsupportedFeature) as caught:
        chat(**members)
    return caught.value


def test_a_text_is_a_message_of_the_user() -> None:
    assert chat() == {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


def test_instructions_come_first() -> None:
    system, user = chat(instructions="Be brief.")["messages"]
    assert system == {"role": "system", "content": "Be brief."}
    assert user["role"] == "user"


def test_texts_keep_their_bytes() -> None:
    body = msgspec.json.decode(b'{"model":"m","input":"h\\u00e9 \\ud83d\\ude00"}', type=Body)
    assert b'"content":"h\\u00e9 \\ud83d\\ude00"' in bytes(to_chat(body)["messages"])


def test_wishes_have_their_names_in_the_common_shape() -> None:
    found = chat(
        max_output_tokens=9, reasoning={"effort": "low", "summary": None}, text={"verbosity": "low"}, top_logprobs=3
    )
    assert (found["max_tokens"], found["reasoning_effort"], found["verbosity"]) == (9, "low", "low")
    assert (found["logprobs"], found["top_logprobs"]) == (True, 3)


@pytest.mark.parametrize("asked", ({"summary": "auto"}, {"generate_summary": "concise"}))
@pytest.mark.parametrize("effort", ({"effort": "high"}, {}))
def test_who_asks_for_a_summary_is_to_see_the_reasoning(asked: Json, effort: Json) -> None:
    found = chat(reasoning={**asked, **effort})
    assert found["reasoning"] == effort
    assert "reasoning_effort" not in found


def test_log_probabilities_can_be_asked_for_without_others() -> None:
    found = chat(include=["message.output_text.logprobs", "reasoning.encrypted_content"])
    assert found["logprobs"] is True
    assert not {"include", "top_logprobs"} & found.keys()
    assert "logprobs" not in chat(top_logprobs=0)


def test_members_of_both_formats_or_of_neither_go_along() -> None:
    same: Json = {
        "temperature": 0.5, "top_p": 1, "user": "u", "service_tier": "default", "prompt_cache_key": "k", "stream": True,
        "safety_identifier": "s", "seed": 7, "provider": {"only": ["acme"]},
    }  # fmt: skip
    found = chat(**same)
    assert {name: found[name] for name in same} == same


def test_what_changes_nothing_about_the_answer_is_left_out() -> None:
    found = chat(
        store=True, metadata={"a": "b"}, truncation="auto", include=[], background=False, max_tool_calls=3,
        stream_options={"include_obfuscation": False}, context_management=[{"type": "compaction"}], temperature=None,
    )  # fmt: skip
    assert found.keys() == {"model", "messages"}


@pytest.mark.parametrize(
    ("members", "field"),
    (
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"background": True}, "background"),
        ({"n": 2}, "n"),
        ({"tools": [TOOL, {"type": "web_search"}]}, "tools[1].type"),
        ({"tools": [{"type": "mcp", "server_label": "x"}]}, "tools[0].type"),
        ({"tools": [{"type": "tool_search", "execution": "client"}]}, "tools[0].type"),
        ({"tools": [{**CRM, "tools": [TOOL, CRM]}]}, "tools[0].tools[1].type"),
        ({"tools": [TOOL], "tool_choice": {"type": "file_search"}}, "tool_choice.type"),
        ({"input": [{"id": "msg_1"}]}, "input[0].type"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0].type"),
        ({"input": [{"type": "web_search_call", "id": "ws_1", "status": "completed"}]}, "input[0].type"),
    ),
)
def test_what_only_openai_can_do_is_refused_by_name(members: Json, field: str) -> None:
    error = refusal(**members)
    assert error.metadata["field"] == field
    assert error.message.startswith(field.partition("[")[0])


@pytest.mark.parametrize("name", ("previous_response_id", "conversation", "prompt"))
def test_a_null_asks_for_nothing(name: str) -> None:
    assert chat(**{name: None}).keys() == {"model", "messages"}


def test_functions_are_put_one_level_deeper() -> None:
    about = {name: value for name, value in TOOL.items() if name != "type"}
    assert chat(tools=[TOOL])["tools"] == [{"type": "function", "function": about}]
    bare = chat(tools=[{"type": "function", "name": "now", "strict": None, "parameters": None}])["tools"]
    assert bare == [{"type": "function", "function": {"name": "now"}}]


def test_tools_of_a_namespace_are_called_by_both_names() -> None:
    found = chat(tools=[{"type": "tool_search"}, TOOL, CRM], tool_choice="auto")["tools"]
    assert [tool["function"]["name"] for tool in found] == ["add", "crm__add"]
    assert found[1]["function"].keys() == {"name", "description", "parameters", "strict"}


def test_a_call_of_a_namespace_s_tool_goes_back_under_both_names() -> None:
    call = {"type": "function_call", "call_id": "c", "name": "add", "namespace": "crm", "arguments": "{}"}
    (message,) = chat(input=[call], tools=[CRM])["messages"]
    assert message["tool_calls"][0]["function"]["name"] == "crm__add"


def test_what_a_search_has_found_is_among_the_tools_once() -> None:
    other = {**TOOL, "name": "subtract"}
    found = [
        {"role": "user", "content": "Hi"},
        {"type": "tool_search_call", "call_id": "s", "execution": "server", "arguments": {}},
        {"type": "tool_search_output", "call_id": "s", "execution": "server", "tools": [TOOL, CRM, other]},
    ]
    asked = chat(input=found, tools=[TOOL])
    assert asked["messages"] == [{"role": "user", "content": "Hi"}]
    assert [tool["function"]["name"] for tool in asked["tools"]] == ["add", "crm__add", "subtract"]


def test_custom_tools_keep_their_grammar() -> None:
    grammar = {"type": "grammar", "syntax": "regex", "definition": "SELECT .+"}
    (tool,) = chat(tools=[{"type": "custom", "name": "sql", "format": grammar}])["tools"]
    wanted = {"type": "grammar", "grammar": {"syntax": "regex", "definition": "SELECT .+"}}
    assert tool == {"type": "custom", "custom": {"name": "sql", "format": wanted}}
    (tool,) = chat(tools=[{"type": "custom", "name": "note", "format": {"type": "text"}}])["tools"]
    assert tool["custom"]["format"] == {"type": "text"}


@pytest.mark.parametrize(
    ("choice", "wanted"),
    (
        ("required", "required"),
        ({"type": "function", "name": "add"}, {"type": "function", "function": {"name": "add"}}),
        ({"type": "custom", "name": "sql"}, {"type": "custom", "custom": {"name": "sql"}}),
    ),
)
def test_a_choice_of_tool_is_kept(choice: Any, wanted: Any) -> None:
    assert chat(tools=[TOOL], tool_choice=choice)["tool_choice"] == wanted


def test_allowed_tools_are_the_only_ones_that_are_left() -> None:
    other = {**TOOL, "name": "subtract"}
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "subtract"}]}
    found = chat(tools=[TOOL, other], tool_choice=allowed)
    assert [tool["function"]["name"] for tool in found["tools"]] == ["subtract"]
    assert found["tool_choice"] == "required"


def test_without_tools_there_is_nothing_to_choose() -> None:
    assert chat(tools=[], tool_choice="auto", parallel_tool_calls=True).keys() == {"model", "messages"}
    assert chat(tools=[TOOL], parallel_tool_calls=False)["parallel_tool_calls"] is False


def test_the_format_of_the_answer_is_put_one_level_deeper() -> None:
    schema = {"name": "person", "description": "A person.", "schema": {"type": "object"}, "strict": True}
    found = chat(text={"format": {"type": "json_schema", **schema}})
    assert found["response_format"] == {"type": "json_schema", "json_schema": schema}
    assert chat(text={"format": {"type": "json_object"}})["response_format"] == {"type": "json_object"}
    assert "response_format" not in chat(text={"format": {"type": "text"}})


@pytest.mark.parametrize(
    ("members", "field"),
    (
        ({"input": 7}, "input"),
        ({"input": [7]}, "input[0]"),
        ({"input": [{"role": "narrator", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0].image_url"),
        ({"input": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "input[0].content[0].input_audio"),
        ({"input": [{"type": "function_call", "name": "a", "arguments": "{}"}]}, "input[0].call_id"),
        ({"input": [{"type": "function_call", "call_id": "c", "name": "a", "arguments": {}}]}, "input[0].arguments"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
        ({"instructions": ["x"]}, "instructions"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{"type": "namespace", "tools": [TOOL]}]}, "tools[0].name"),
        ({"tools": [TOOL], "tool_choice": "any"}, "tool_choice"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.name"),
        ({"reasoning": "low"}, "reasoning"),
    ),
)
def test_what_is_not_as_it_should_be_is_named(members: Json, field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        chat(**members)
    assert caught.value.metadata["field"] == field
