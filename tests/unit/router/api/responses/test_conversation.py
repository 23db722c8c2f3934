"""Input items as messages: what the model did in one turn is one message."""

import json
from typing import Any

import msgspec
import pytest

from services.router.api.responses.conversation import messages_of
from services.runtime.errors import UnsupportedFeature

Json = dict[str, Any]
CALL = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "c1",
    "name": "add",
    "arguments": '{"a": 1}',
    "status": "done",
}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "2"}
TOOL_CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}


def messages(*items: Json) -> list[Json]:
    found: list[Json] = json.loads(msgspec.json.encode(messages_of(None, msgspec.Raw(msgspec.json.encode(items)))))
    return found


def content(*parts: Json, role: str = "user") -> Any:
    (message,) = messages({"type": "message", "role": role, "content": list(parts)})
    return message["content"]


def said(text: str) -> Json:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}


def thought(**members: Any) -> Json:
    return {"type": "reasoning", "id": "rs_1", "summary": [], **members}


@pytest.mark.parametrize(
    ("there", "here"), (("user", "user"), ("system", "system"), ("developer", "system"), ("assistant", "assistant"))
)
def test_every_role_has_its_like(there: str, here: str) -> None:
    assert messages({"role": there, "content": "x"}) == [{"role": here, "content": "x"}]


def test_a_single_text_is_written_as_such_and_several_are_parts() -> None:
    one, other = {"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}
    assert content(one) == "a"
    assert content(one, other) == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert content({**one, "type": "output_text"}, {**other, "type": "output_text"}, role="assistant") == "ab"


def test_images_are_shown_with_their_detail() -> None:
    image = {"type": "input_image", "image_url": "https://x.example/a.png", "detail": "low"}
    assert content(image) == [{"type": "image_url", "image_url": {"url": "https://x.example/a.png", "detail": "low"}}]
    assert content({**image, "detail": "original"})[0]["image_url"]["detail"] == "high"


def test_an_image_that_openai_keeps_is_refused() -> None:
    with pytest.raises(UnsupportedFeature) as caught:
        content({"type": "input_image", "file_id": "file_1"})
    assert caught.value.metadata["field"] == "input[0].content[0].file_id"


@pytest.mark.parametrize(
    ("there", "here"),
    (
        ({"file_data": "data:application/pdf;base64,AA==", "filename": "a.pdf"},
         {"file_data": "data:application/pdf;base64,AA==", "filename": "a.pdf"}),
        ({"file_url": "https://x.example/a.pdf"}, {"file_data": "https://x.example/a.pdf"}),
        ({"file_id": "file_1"}, {"file_id": "file_1"}),
    ),
)  # fmt: skip
def test_documents_are_files(there: Json, here: Json) -> None:
    assert content({"type": "input_file", **there}) == [{"type": "file", "file": here}]


def test_sound_and_refusals_stay_what_they_are() -> None:
    sound = {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}
    assert content(sound) == [sound]
    refusal = {"type": "refusal", "refusal": "No."}
    assert content(refusal, role="assistant") == [refusal]


def test_a_wish_for_caching_stays_with_its_part() -> None:
    part = {"type": "input_text", "text": "a", "cache_control": {"type": "ephemeral"}}
    assert content(part) == [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]


def test_text_and_calls_of_one_turn_are_one_message() -> None:
    other = {**CALL, "call_id": "c2"}
    found = messages({"role": "user", "content": "x"}, said("Let me add."), CALL, other, OUTPUT)
    assert [message["role"] for message in found] == ["user", "assistant", "tool"]
    assert found[1] == {
        "role": "assistant", "content": "Let me add.", "tool_calls": [TOOL_CALL, {**TOOL_CALL, "id": "c2"}],
    }  # fmt: skip
    assert found[2] == {"role": "tool", "tool_call_id": "c1", "content": "2"}


def test_text_behind_the_calls_does_not_come_between_them_and_their_results() -> None:
    assert messages(CALL, said("Adding."), OUTPUT)[0] == {
        "role": "assistant", "content": "Adding.", "tool_calls": [TOOL_CALL],
    }  # fmt: skip


def test_two_messages_in_a_row_stay_two() -> None:
    assert [message["content"] for message in messages(said("a"), said("b"))] == ["a", "b"]


def test_custom_tools_have_a_text_in_place_of_arguments() -> None:
    call = {"type": "custom_tool_call", "call_id": "c1", "name": "sql", "input": "SELECT 1"}
    output = {"type": "custom_tool_call_output", "call_id": "c1", "output": "1"}
    assistant, tool = messages(call, output)
    assert assistant["tool_calls"] == [{"id": "c1", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}}]
    assert tool["content"] == "1"


def test_a_result_of_several_texts_is_one_and_media_stay_parts() -> None:
    text = {"type": "input_text", "text": "a"}
    assert messages({**OUTPUT, "output": [text, text]})[0]["content"] == "aa"
    image = {"type": "input_image", "image_url": "data:image/png;base64,AA=="}
    assert [part["type"] for part in messages({**OUTPUT, "output": [text, image]})[0]["content"]] == [
        "text",
        "image_url",
    ]


def test_reasoning_goes_with_the_turn_it_began() -> None:
    summary = [{"type": "summary_text", "text": "Hm."}]
    texts = [{"type": "reasoning_text", "text": "Hmm."}]
    (message,) = messages(thought(summary=summary, content=texts, encrypted_content="gAAAA"), CALL)
    assert message["reasoning_details"] == [
        {"type": "reasoning.summary", "summary": "Hm."},
        {"type": "reasoning.text", "text": "Hmm."},
        {"type": "reasoning.encrypted", "data": "gAAAA", "format": "openai-responses-v1"},
    ]
    assert message["tool_calls"] == [TOOL_CALL]


def test_reasoning_behind_a_text_begins_another_turn() -> None:
    found = messages(said("a"), thought(encrypted_content="gAAAA"), said("b"))
    assert [("reasoning_details" in message, message["content"]) for message in found] == [(False, "a"), (True, "b")]


def test_reasoning_alone_is_kept_only_where_somebody_may_want_it_back() -> None:
    (message,) = messages(thought(encrypted_content="gAAAA"))
    assert message["content"] == ""
    assert messages(thought(summary=[{"type": "summary_text", "text": "Hm."}])) == []


def test_reasoning_that_is_kept_at_openai_says_nothing() -> None:
    assert messages(thought(), said("a")) == [{"role": "assistant", "content": "a"}]
