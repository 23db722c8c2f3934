"""Messages as turns."""

import base64
from typing import Any

import pytest

from services.runtime.errors import InvalidField, UnsupportedFeature
from tests.unit.router.wire.gemini.samples import BUDGETED, LEVELLED, Json, rendered, turns

CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
ASKED = {"role": "user", "content": "Add"}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
PNG = "data:image/png;base64,aGk="
IMAGE = {"type": "image_url", "image_url": {"url": PNG}}
BLOB = {"inlineData": {"mimeType": "image/png", "data": "aGk="}}


def test_system_messages_are_the_system_instruction_wherever_they_stand() -> None:
    found = rendered(
        messages=[
            {"role": "system", "content": "Be kind."},
            ASKED,
            {"role": "developer", "content": [{"type": "text", "text": "And short."}]},
        ]
    )
    assert found == {
        "systemInstruction": {"parts": [{"text": "Be kind."}, {"text": "And short."}]},
        "contents": [{"role": "user", "parts": [{"text": "Add"}]}],
    }


def test_an_image_in_a_system_message_is_refused() -> None:
    with pytest.raises(UnsupportedFeature) as raised:
        turns({"role": "system", "content": [IMAGE]})
    assert raised.value.metadata["field"] == "messages[0].content"


def test_consecutive_messages_of_a_role_are_one_turn() -> None:
    assert turns(ASKED, {"role": "user", "content": "Please"}, {"role": "assistant", "content": "Yes"}) == [
        {"role": "user", "parts": [{"text": "Add"}, {"text": "Please"}]},
        {"role": "model", "parts": [{"text": "Yes"}]},
    ]


def test_an_empty_answer_makes_no_turn_and_an_empty_question_does() -> None:
    assert turns({"role": "user", "content": ""}, {"role": "assistant", "content": ""}) == [
        {"role": "user", "parts": [{"text": ""}]}
    ]


def test_calls_and_their_results_find_each_other() -> None:
    found = turns(ASKED, CALLED, {"role": "tool", "tool_call_id": "c1", "content": "2"})
    assert found[1:] == [
        {"role": "model", "parts": [{"functionCall": {"name": "add", "args": {"a": 1}, "id": "c1"}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "add", "response": {"result": "2"}, "id": "c1"}}]},
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    (
        ('{"sum": 2}', {"sum": 2}),
        ("[2]", {"result": "[2]"}),
        ("{broken", {"result": "{broken"}),
        ("", {"result": ""}),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], {"result": "ab"}),
    ),
)
def test_a_result_is_an_object_or_wrapped_in_one(content: Any, expected: Json) -> None:
    found = turns(ASKED, CALLED, {"role": "tool", "tool_call_id": "c1", "content": content})
    assert found[2]["parts"][0]["functionResponse"]["response"] == expected


def test_an_image_in_a_result_stands_inside_or_beside_it() -> None:
    result = {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "See"}, IMAGE]}
    response = {"name": "add", "response": {"result": "See"}, "id": "c1"}
    assert turns(ASKED, CALLED, result, model=LEVELLED)[2]["parts"] == [
        {"functionResponse": {**response, "parts": [BLOB]}}
    ]
    assert turns(ASKED, CALLED, result, model=BUDGETED)[2]["parts"] == [{"functionResponse": response}, BLOB]


def test_a_result_without_a_call_needs_a_name() -> None:
    result = {"role": "tool", "tool_call_id": "c9", "content": "2"}
    assert turns({**result, "name": "add"})[0]["parts"][0]["functionResponse"]["name"] == "add"
    with pytest.raises(InvalidField) as raised:
        turns(result)
    assert raised.value.metadata["field"] == "messages[0].tool_call_id"


@pytest.mark.parametrize("arguments", ("[1]", "{", "1", '"x"'))
def test_arguments_that_are_no_object_are_named(arguments: str) -> None:
    call = {**CALL, "function": {"name": "add", "arguments": arguments}}
    with pytest.raises(InvalidField) as raised:
        turns({"role": "assistant", "tool_calls": [call]})
    assert raised.value.metadata["field"] == "messages[0].tool_calls[0].function.arguments"


def test_no_arguments_are_an_empty_object() -> None:
    call = {**CALL, "function": {"name": "now", "arguments": ""}}
    assert turns({"role": "assistant", "tool_calls": [call]})[0]["parts"][0]["functionCall"]["args"] == {}


def test_signatures_go_back_where_they_came_from() -> None:
    signed = {**CALL, "extra_content": {"google": {"thought_signature": "c2ln"}}}
    found = turns(
        {"role": "assistant", "content": "Yes", "extra_content": {"google": {"thought_signature": "dGV4dA=="}}},
        {"role": "assistant", "tool_calls": [signed, CALL]},
        model=LEVELLED,
    )
    assert [part.get("thoughtSignature") for part in found[0]["parts"]] == ["dGV4dA==", "c2ln", None]


def test_a_signature_without_text_stands_on_an_empty_one() -> None:
    extra = {"google": {"thought_signature": "c2ln"}}
    found = turns({"role": "assistant", "content": None, "extra_content": extra})
    assert found == [{"role": "model", "parts": [{"text": "", "thoughtSignature": "c2ln"}]}]


def test_a_signature_in_the_details_of_reasoning_finds_its_call() -> None:
    detail = {"type": "reasoning.encrypted", "data": "c2ln", "id": "c1", "format": "google-gemini-v1"}
    found = turns({**CALLED, "reasoning_details": [detail]}, model=LEVELLED)
    assert found[0]["parts"][0]["thoughtSignature"] == "c2ln"


def test_only_models_that_want_signatures_are_told_that_one_is_missing() -> None:
    found = turns({"role": "assistant", "tool_calls": [CALL, CALL]}, model=LEVELLED)
    signatures = [part.get("thoughtSignature") for part in found[0]["parts"]]
    assert signatures == [base64.b64encode(b"skip_thought_signature_validator").decode(), None]
    assert "thoughtSignature" not in turns(CALLED, model=BUDGETED)[0]["parts"][0]


def test_only_its_own_thoughts_go_back() -> None:
    def said(form: str) -> list[Json]:
        detail = {"type": "reasoning.text", "text": "Hm", "signature": "s", "format": form}
        found: list[Json] = turns({"role": "assistant", "content": "Yes", "reasoning_details": [detail]})[0]["parts"]
        return found

    assert said("google-gemini-v1") == [{"text": "Hm", "thought": True, "thoughtSignature": "s"}, {"text": "Yes"}]
    assert said("anthropic-claude-v1") == [{"text": "Yes"}]


def test_acts_of_googles_own_tools_go_back_as_they_came() -> None:
    parts = [{"executableCode": {"language": "PYTHON", "code": "1+1"}, "thoughtSignature": "s"}]
    found = turns({"role": "assistant", "content": "2", "extra_content": {"google": {"parts": parts}}})
    assert found[0]["parts"] == [*parts, {"text": "2"}]


def test_images_the_model_made_go_back() -> None:
    assert turns({"role": "assistant", "content": "", "images": [IMAGE]})[0] == {"role": "model", "parts": [BLOB]}


def test_a_refusal_is_said_where_nothing_else_is() -> None:
    assert turns({"role": "assistant", "refusal": "No."})[0]["parts"] == [{"text": "No."}]


@pytest.mark.parametrize(
    ("message", "field"),
    (
        ({"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}, "messages[0].function_call"),
        ({"role": "assistant", "audio": {"id": "a"}}, "messages[0].audio"),
        ({"role": "assistant", "tool_calls": [{"id": "c", "type": "custom"}]}, "messages[0].tool_calls[0].type"),
    ),
)
def test_what_gemini_can_not_say_is_refused_by_name(message: Json, field: str) -> None:
    with pytest.raises(UnsupportedFeature) as raised:
        turns(message)
    assert raised.value.metadata["field"] == field


@pytest.mark.parametrize(
    ("messages", "field"),
    (
        ([{"role": "robot", "content": "x"}], "messages[0].role"),
        ([{"role": "user", "content": 7}], "messages[0].content"),
        ("Hi", "messages"),
    ),
)
def test_what_is_no_message_is_named_without_its_content(messages: Any, field: str) -> None:
    with pytest.raises(InvalidField) as raised:
        rendered(messages=messages)
    assert raised.value.metadata["field"] == field
