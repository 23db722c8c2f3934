"""Chat messages as Anthropic's system prompt and turns."""

from typing import Any

import pytest

from services.runtime.errors import InvalidField, UnsupportedFeature
from tests.unit.router.wire.anthropic_messages.samples import Json, rendered, turns

MARK = {"type": "ephemeral", "ttl": "1h"}
USER = {"role": "user", "content": "Hi"}


def text(said: str, **more: Any) -> Json:
    return {"type": "text", "text": said, **more}


def call(name: str = "add", arguments: str = '{"a": 1}', tool_id: str = "call_1") -> Json:
    return {"id": tool_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def part(**members: Any) -> Json:
    """What becomes of one part of a user's message."""
    found: Json = turns({"role": "user", "content": [members]})[0]["content"][0]
    return found


def test_what_system_and_developer_say_comes_first() -> None:
    body = rendered(
        messages=[
            {"role": "system", "content": "One"}, USER,
            {"role": "developer", "content": [text("Two", cache_control=MARK)]},
        ]
    )  # fmt: skip
    assert body["system"] == [text("One"), text("Two", cache_control=MARK)]
    assert body["messages"] == [{"role": "user", "content": [text("Hi")]}]


def test_messages_of_one_role_in_a_row_are_one_turn() -> None:
    assert turns(USER, {"role": "user", "content": [text("there")]}, {"role": "assistant", "content": "Yes"}) == [
        {"role": "user", "content": [text("Hi"), text("there")]},
        {"role": "assistant", "content": [text("Yes")]},
    ]


@pytest.mark.parametrize("content", ("", " \n", None, []))
def test_a_message_without_text_makes_no_turn(content: object) -> None:
    found = turns(USER, {"role": "assistant", "content": content}, USER)
    assert found == [{"role": "user", "content": [text("Hi"), text("Hi")]}]


def test_results_of_tools_stand_in_one_turn_before_what_the_user_says() -> None:
    found = turns(
        USER,
        {"role": "assistant", "content": "Wait", "tool_calls": [call(), call("now", "", "call_2")]},
        {"role": "tool", "tool_call_id": "call_1", "content": "2"},
        {"role": "tool", "tool_call_id": "call_2", "content": [text("noon", cache_control=MARK)]},
        {"role": "user", "content": "And?"},
    )
    assert found[1:] == [
        {"role": "assistant", "content": [
            text("Wait"),
            {"type": "tool_use", "id": "call_1", "name": "add", "input": {"a": 1}},
            {"type": "tool_use", "id": "call_2", "name": "now", "input": {}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "call_1", "content": "2"},
            {"type": "tool_result", "tool_use_id": "call_2", "content": [text("noon")], "cache_control": MARK},
            text("And?"),
        ]},
    ]  # fmt: skip


def test_ids_of_other_vendors_are_spelt_as_anthropic_allows_on_both_sides() -> None:
    found = turns(
        USER,
        {"role": "assistant", "tool_calls": [call(tool_id="functions.add:0|x")]},
        {"role": "tool", "tool_call_id": "functions.add:0|x", "content": "2"},
    )
    assert found[1]["content"][0]["id"] == found[2]["content"][0]["tool_use_id"] == "functions_add_0_x"


def test_thinking_is_carried_back_where_anthropic_signed_it() -> None:
    details = [
        {"type": "reasoning.text", "text": "Hm", "signature": "s1", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "sealed"},
        {"type": "reasoning.text", "text": "unsigned"},
        {"type": "reasoning.summary", "summary": "none"},
        {"type": "reasoning.encrypted", "data": "theirs", "format": "openai-responses-v1"},
    ]
    found = turns(USER, {"role": "assistant", "content": "Yes", "reasoning": "Hm", "reasoning_details": details}, USER)
    assert found[1]["content"] == [
        {"type": "thinking", "thinking": "Hm", "signature": "s1"},
        {"type": "redacted_thinking", "data": "sealed"},
        text("Yes"),
    ]


def test_a_cache_mark_on_a_message_stands_on_its_last_block() -> None:
    assert turns({**USER, "cache_control": MARK}) == [{"role": "user", "content": [text("Hi", cache_control=MARK)]}]


def test_a_refusal_is_text() -> None:
    parts = [{"type": "refusal", "refusal": "No"}]
    assert turns(USER, {"role": "assistant", "content": parts})[1]["content"] == [text("No")]
    assert turns(USER, {"role": "assistant", "refusal": "No"})[1]["content"] == [text("No")]


def test_images() -> None:
    address = {"type": "url", "url": "https://a.example/b.png"}
    assert part(type="image_url", image_url={"url": "https://a.example/b.png", "detail": "low"}) == {
        "type": "image",
        "source": address,
    }
    assert part(type="image_url", image_url="data:image/png;base64,AAAA", cache_control=MARK) == {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"},
        "cache_control": MARK,
    }


def test_files() -> None:
    def file(**members: str) -> Json:
        return part(type="file", file=members)

    pdf = {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}
    plain = {"type": "text", "media_type": "text/plain", "data": "Hé"}
    assert file(file_data="data:application/pdf;base64,AAAA", filename="a.pdf") == {
        "type": "document", "source": pdf, "title": "a.pdf",
    }  # fmt: skip
    assert file(file_data="https://a.example/b.pdf") == {
        "type": "document", "source": {"type": "url", "url": "https://a.example/b.pdf"},
    }  # fmt: skip
    assert file(file_data="data:text/markdown;charset=utf-8;base64,SMOp") == {"type": "document", "source": plain}
    assert file(file_data="data:image/png;base64,AAAA")["type"] == "image"


@pytest.mark.parametrize(
    ("content", "field"),
    (
        ({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}, "messages[0].content[0].type"),
        ({"type": "video_url", "video_url": {}}, "messages[0].content[0].type"),
        ({"type": "file", "file": {"file_id": "file-1"}}, "messages[0].content[0].file.file_id"),
        (
            {"type": "file", "file": {"file_data": "data:application/zip;base64,AA"}},
            "messages[0].content[0].file.file_data",
        ),
    ),
)
def test_content_that_anthropic_has_no_block_for_is_refused_by_name(content: Json, field: str) -> None:
    with pytest.raises(UnsupportedFeature) as refused:
        turns({"role": "user", "content": [content]})
    assert refused.value.metadata["field"] == field


@pytest.mark.parametrize(
    ("message", "field"),
    (
        ({"role": "robot", "content": "Hi"}, "messages[0].role"),
        ({"role": "user", "content": 1}, "messages[0].content"),
        ({"role": "user", "content": [{"type": "text"}]}, "messages[0].content[0].text"),
        ({"role": "user", "content": [{"text": "Hi"}]}, "messages[0].content[0].type"),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": "a"}]},
            "messages[0].content[0].image_url.url",
        ),
        ({"content": "Hi"}, "messages[0].role"),
        ({"role": "tool", "content": "2"}, "messages[0].tool_call_id"),
        (
            {"role": "assistant", "tool_calls": [call(arguments='{"a": ')]},
            "messages[0].tool_calls[0].function.arguments",
        ),
        ({"role": "assistant", "tool_calls": [call(arguments="[]")]}, "messages[0].tool_calls[0].function.arguments"),
    ),
)
def test_a_message_that_can_not_be_read_is_named_without_its_words(message: Json, field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        turns(message)
    assert refused.value.metadata["field"] == field
    assert "Hi" not in refused.value.message


def test_images_can_not_stand_in_a_system_prompt() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}
    with pytest.raises(UnsupportedFeature, match=r"messages\[0\].content\[0\].type"):
        turns({"role": "system", "content": [image]})
