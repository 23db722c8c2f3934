"""Anthropic's requests in the common shape, member by member."""

import base64
import hashlib
import json
from typing import Any

import msgspec
import pytest

from services.router.api.anthropic.translation import to_chat
from services.router.api.carrier import sealed
from services.router.chat import Body
from services.runtime.errors import InvalidField, UnsupportedFeature

Json = dict[str, Any]
CACHE: Json = {"type": "ephemeral", "ttl": "1h"}
SCHEMA: Json = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CLOSED: Json = {**SCHEMA, "additionalProperties": False}
TOOL: Json = {"name": "look", "description": "Looks.", "input_schema": SCHEMA}
USE: Json = {"type": "tool_use", "id": "t1", "name": "look", "input": {"city": "Rome"}}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}


def chat(**members: Any) -> Json:
    body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}], **members}
    raw = msgspec.json.decode(msgspec.json.encode(body), type=Body)
    return {name: json.loads(bytes(value)) for name, value in to_chat(raw).items()}


def messages(*turns: tuple[str, Any], **members: Any) -> Any:
    return chat(messages=[{"role": role, "content": content} for role, content in turns], **members)["messages"]


def parts(*blocks: Json) -> Any:
    (message,) = messages(("user", list(blocks)))
    assert message["role"] == "user"
    return message["content"]


def text(words: str, **more: Any) -> Json:
    return {"type": "text", "text": words, **more}


def test_what_both_formats_have_stays_as_it_was() -> None:
    members = {"temperature": 0.5, "top_p": 0.9, "top_k": 4, "stream": True, "max_tokens": 7, "cache_control": CACHE}
    found = chat(**members)
    assert found == {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **members}


def test_null_is_as_good_as_absent() -> None:
    nothing: Json = dict.fromkeys(
        ("system", "temperature", "tools", "tool_choice", "thinking", "metadata", "output_config", "stop_sequences",
         "mcp_servers", "container", "service_tier", "cache_control")
    )  # fmt: skip
    assert chat(**nothing) == chat()


@pytest.mark.parametrize(
    ("system", "content"),
    (
        ("Be brief.", "Be brief."),
        ([text("Be brief.")], "Be brief."),
        ([text("Be brief.", cache_control=CACHE)], [text("Be brief.", cache_control=CACHE)]),
        ([text("Be"), text("brief.")], [text("Be"), text("brief.")]),
        ("", None),
        ([], None),
        ([text("")], None),
    ),
)
def test_the_system_prompt_comes_first(system: Any, content: Any) -> None:
    found = messages(("user", "Hi"), system=system)
    assert found == ([{"role": "system", "content": content}] if content else []) + [{"role": "user", "content": "Hi"}]


def test_a_text_alone_is_written_as_such() -> None:
    assert parts(text("Hi", citations=None)) == "Hi"
    assert parts(text("Hi"), text("there", cache_control=CACHE)) == [text("Hi"), text("there", cache_control=CACHE)]


def test_images_are_urls() -> None:
    data = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    assert parts(data) == [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
    linked = {"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}, "cache_control": CACHE}
    expected = {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}, "cache_control": CACHE}
    assert parts(linked) == [expected]


def test_documents_are_files_or_texts() -> None:
    file = {"filename": "document.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}
    assert parts({"type": "document", "source": PDF}) == [{"type": "file", "file": file}]
    titled = {"type": "document", "source": {"type": "url", "url": "https://a.example/b"}, "title": "b.pdf"}
    assert parts(titled) == [
        {"type": "file", "file": {"filename": "b.pdf", "file_data": "https://a.example/b"}},
    ]
    stored = {"type": "document", "source": {"type": "file", "file_id": "file_1"}, "context": "Old."}
    assert parts(stored) == [text("Old."), {"type": "file", "file": {"file_id": "file_1"}}]
    written = {"type": "text", "media_type": "text/plain", "data": "Bees fly."}
    assert parts({"type": "document", "source": written, "title": "Bees"}) == "Bees\n\nBees fly."
    pieces = {"type": "content", "content": [text("One"), text("Two")]}
    assert parts({"type": "document", "source": pieces, "title": "Bees"}) == [text("Bees"), text("One"), text("Two")]


def test_search_results_are_texts() -> None:
    found = {"type": "search_result", "source": "https://a.example", "title": "A", "content": [text("Bees fly.")]}
    assert parts(found) == [text("A\nhttps://a.example"), text("Bees fly.")]


def test_results_of_tools_are_messages_of_their_own_before_what_the_user_says() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    found = messages(
        ("assistant", [text("Let me look."), USE, {**USE, "id": "t2", "input": {}}]),
        (
            "user",
            [
                {"type": "tool_result", "tool_use_id": "t1", "content": "Sunny"},
                {"type": "tool_result", "tool_use_id": "t2", "content": [text("See"), image], "cache_control": CACHE},
                text("And?"),
            ],
        ),
    )
    shown = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}, "cache_control": CACHE}
    assert found == [
        {
            "role": "assistant",
            "content": "Let me look.",
            "tool_calls": [
                {"id": "t1", "type": "function", "function": {"name": "look", "arguments": '{"city":"Rome"}'}},
                {"id": "t2", "type": "function", "function": {"name": "look", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "t1", "content": "Sunny"},
        {"role": "tool", "tool_call_id": "t2", "content": [text("See"), shown]},
        {"role": "user", "content": "And?"},
    ]


@pytest.mark.parametrize(
    ("result", "content"),
    (
        ({}, ""),
        ({"content": []}, ""),
        ({"is_error": True}, "Error"),
        ({"is_error": True, "content": "No such city"}, "No such city"),
        ({"content": [{"type": "tool_reference", "tool_name": "look"}]}, "look"),
    ),
)
def test_a_result_says_something_when_it_failed(result: Json, content: str) -> None:
    (found,) = messages(("user", [{"type": "tool_result", "tool_use_id": "t1", **result}]))
    assert found == {"role": "tool", "tool_call_id": "t1", "content": content}


def test_calls_alone_are_a_message_without_content() -> None:
    (found,) = messages(("assistant", [USE]))
    assert found["content"] is None
    (empty,) = messages(("assistant", []))
    assert empty == {"role": "assistant", "content": ""}


def test_thinking_goes_back_with_its_signature() -> None:
    (found,) = messages(
        (
            "assistant",
            [
                {"type": "thinking", "thinking": "Hm. ", "signature": "c2ln"},
                {"type": "redacted_thinking", "data": "b3BhcXVl"},
                {"type": "thinking", "thinking": "So.", "signature": ""},
                text("Yes"),
            ],
        )
    )
    assert found == {
        "role": "assistant",
        "content": "Yes",
        "reasoning": "Hm. So.",
        "reasoning_details": [
            {"type": "reasoning.text", "text": "Hm. ", "signature": "c2ln"},
            {"type": "reasoning.encrypted", "data": "b3BhcXVl"},
            {"type": "reasoning.text", "text": "So."},
        ],
    }


def test_what_was_sealed_comes_back_as_it_was() -> None:
    summary = {"type": "reasoning.summary", "format": "openai-responses-v1", "id": "rs_1", "index": 0}
    encrypted = {"type": "reasoning.encrypted", "data": "x", "id": "rs_1", "format": "openai-responses-v1", "index": 1}
    google = {"google": {"thought_signature": "s"}}
    (found,) = messages(
        (
            "assistant",
            [
                {"type": "thinking", "thinking": "Sum.", "signature": sealed(summary)},
                {"type": "thinking", "thinking": "Mere.", "signature": sealed({})},
                {"type": "redacted_thinking", "data": sealed(encrypted)},
                {"type": "redacted_thinking", "data": sealed({"id": "t1", "extra_content": google})},
                {"type": "redacted_thinking", "data": sealed({"extra_content": {"google": {}}})},
                USE,
            ],
        )
    )
    assert found["reasoning"] == "Sum.Mere."
    assert found["reasoning_details"] == [{**summary, "summary": "Sum."}, encrypted]
    assert found["tool_calls"][0]["extra_content"] == google
    assert found["extra_content"] == {"google": {}}


@pytest.mark.parametrize("data", ("pantheon.", "pantheon.%%%", "pantheon." + base64.b64encode(b"[1]").decode()))
def test_a_seal_that_was_tampered_with_is_opaque(data: str) -> None:
    (found,) = messages(("assistant", [{"type": "redacted_thinking", "data": data}]))
    assert found["reasoning_details"] == [{"type": "reasoning.encrypted", "data": data}]


def test_a_system_message_amid_the_others_stays_there() -> None:
    added = {"type": "tool_addition", "tool": {"type": "tool_reference", "name": "look"}}
    found = messages(
        ("user", "Hi"), ("system", [text("Be brief."), added]), ("system", [added]), ("assistant", "Hello")
    )
    assert [one["role"] for one in found] == ["user", "system", "assistant"]


def test_tools_are_functions() -> None:
    tool = {**TOOL, "type": "custom", "cache_control": CACHE, "eager_input_streaming": True}
    assert chat(tools=[tool])["tools"] == [
        {
            "type": "function",
            "function": {"name": "look", "description": "Looks.", "parameters": SCHEMA},
            "cache_control": CACHE,
        }
    ]


@pytest.mark.parametrize(
    ("schema", "strict"),
    (
        (CLOSED, True),
        (SCHEMA, False),
        ({**CLOSED, "required": []}, False),
        ({**CLOSED, "properties": {"city": {"anyOf": [SCHEMA, {"type": "null"}]}}}, False),
        ({**CLOSED, "$defs": {"x": {"type": "object"}}}, False),
        ({**CLOSED, "properties": {"city": {"type": "string", "enum": [{"type": "object"}]}}}, True),
        ({"type": "array", "items": CLOSED}, True),
    ),
)
def test_strict_is_asked_for_where_openai_would_take_the_schema(schema: Json, strict: bool) -> None:
    (tool,) = chat(tools=[{**TOOL, "strict": True, "input_schema": schema}])["tools"]
    assert tool["function"]["strict"] is strict
    found = chat(output_config={"format": {"type": "json_schema", "schema": schema}})["response_format"]
    assert found == {
        "type": "json_schema",
        "json_schema": {"name": "response", "schema": schema, "strict": strict},
    }


def test_the_older_name_of_structured_outputs_is_known() -> None:
    wish = {"type": "json_schema", "schema": CLOSED}
    assert chat(output_format=wish) == chat(output_config={"format": wish})


@pytest.mark.parametrize(
    ("choice", "members"),
    (
        ({"type": "auto"}, {"tool_choice": "auto"}),
        ({"type": "any"}, {"tool_choice": "required"}),
        ({"type": "none"}, {"tool_choice": "none"}),
        ({"type": "tool", "name": "look"}, {"tool_choice": {"type": "function", "function": {"name": "look"}}}),
        ({"type": "auto", "disable_parallel_tool_use": False}, {"tool_choice": "auto"}),
        (
            {"type": "any", "disable_parallel_tool_use": True},
            {"tool_choice": "required", "parallel_tool_calls": False},
        ),
    ),
)
def test_the_choice_of_tools_is_kept(choice: Json, members: Json) -> None:
    found = chat(tools=[TOOL], tool_choice=choice)
    del found["tools"]
    assert found == {**chat(), **members}
    assert chat(tool_choice=choice) == chat()


def test_tool_search_is_left_out_for_the_model_sees_all_tools() -> None:
    search = {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"}
    assert chat(tools=[search, {**TOOL, "defer_loading": True}]) == chat(tools=[TOOL])
    looked = {"type": "server_tool_use", "id": "s1", "name": "tool_search_tool_regex", "input": {}}
    found = {"type": "tool_search_tool_result", "tool_use_id": "s1", "content": {}}
    assert messages(("assistant", [looked, found, USE])) == messages(("assistant", [USE]))


@pytest.mark.parametrize(
    ("members", "reasoning"),
    (
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, {"max_tokens": 2048}),
        ({"thinking": {"type": "adaptive"}}, {"enabled": True}),
        ({"thinking": {"type": "disabled"}}, {"enabled": False}),
        ({"output_config": {"effort": "low"}}, {"effort": "low"}),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, {"effort": "xhigh"}),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}}, {"enabled": False}),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}, "output_config": {"effort": "high"}},
         {"effort": "high"}),
    ),
)  # fmt: skip
def test_how_much_to_think_is_one_wish(members: Json, reasoning: Json) -> None:
    assert chat(**members) == {**chat(), "reasoning": reasoning}


def test_stop_sequences_tier_and_user_have_other_names() -> None:
    found = chat(stop_sequences=["\n\nHuman:"], service_tier="standard_only", metadata={"user_id": "u-1"})
    assert found == {**chat(), "stop": ["\n\nHuman:"], "service_tier": "default", "user": "u-1"}
    assert chat(service_tier="auto", metadata={}) == chat()


def test_a_long_user_id_becomes_its_hash() -> None:
    assert chat(metadata={"user_id": "u" * 64})["user"] == "u" * 64
    assert chat(metadata={"user_id": "u" * 65})["user"] == hashlib.sha256(b"u" * 65).hexdigest()


def test_what_changes_no_answer_is_dropped() -> None:
    dropped = {
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "anthropic_version": "vertex-2023-10-16",
        "inference_geo": "global",
        "mcp_servers": [],
        "something_new": 1,
    }
    assert chat(**dropped) == chat()


@pytest.mark.parametrize(
    ("members", "field"),
    (
        ({"tools": [TOOL, {"type": "web_search_20250305", "name": "web_search"}]}, "tools[1].type"),
        ({"mcp_servers": [{"type": "url", "url": "https://a.example", "name": "a"}]}, "mcp_servers"),
        ({"container": "c1"}, "container"),
        ({"inference_geo": "us"}, "inference_geo"),
        ({"messages": [{"role": "user", "content": [{"type": "container_upload", "file_id": "f"}]}]},
         "messages[0].content[0]"),
        ({"messages": [{"role": "assistant", "content": [text("a"), {"type": "server_tool_use", "name": "s"}]}]},
         "messages[0].content[1]"),
        ({"output_config": {"format": {"type": "grammar"}}}, "output_config.format.type"),
    ),
)  # fmt: skip
def test_what_only_anthropic_can_do_is_refused(members: Json, field: str) -> None:
    with pytest.raises(UnsupportedFeature) as caught:
        chat(**members)
    assert caught.value.metadata["field"] == field
    assert field in caught.value.message


@pytest.mark.parametrize(
    ("members", "field"),
    (
        ({"messages": ["Hi"]}, "messages[0]"),
        ({"messages": [{"content": "Hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "tool", "content": "Hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages[0].content[0].source"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url"}}]}]},
         "messages[0].content[0].source"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]}, "messages[0].content[0].tool_use_id"),
        ({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "name": "n"}]}]},
         "messages[0].content[0].id"),
        ({"system": 5}, "system"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
        ({"tools": [{**TOOL, "strict": True, "input_schema": True}]}, "tools[0].input_schema"),
        ({"tools": [TOOL], "tool_choice": "any"}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"thinking": True}, "thinking"),
        ({"metadata": {"user_id": 5}}, "metadata.user_id"),
    ),
)  # fmt: skip
def test_what_can_t_be_read_is_named_by_its_place(members: Json, field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        chat(**members)
    assert caught.value.metadata["field"] == field
