"""A whole answer in the common shape as a response object."""

import json
from typing import Any

import msgspec
import pytest

from services.rating import Tokens
from tests.unit.router.api.responses.answers import call, whole


def only_message(response: dict[str, Any]) -> dict[str, Any]:
    (message,) = [item for item in response["output"] if item["type"] == "message"]
    found: dict[str, Any] = message
    return found


def test_a_text_is_a_message_of_one_part() -> None:
    response = whole({"role": "assistant", "content": "Hello"})
    (part,) = only_message(response)["content"]
    assert part == {"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}
    assert (response["status"], response["incomplete_details"], response["model"]) == ("completed", None, "m-2025")
    assert response["id"] == "resp_0190c0de00007000800000000000000a"


@pytest.mark.parametrize(
    ("finish", "status", "reason"),
    (
        ("stop", "completed", None),
        ("tool_calls", "completed", None),
        ("length", "incomplete", "max_output_tokens"),
        ("content_filter", "incomplete", "content_filter"),
    ),
)
def test_a_finish_reason_is_told_as_a_status(finish: str, status: str, reason: str | None) -> None:
    response = whole({"content": "Hel"}, finish=finish)
    assert response["status"] == only_message(response)["status"] == status
    assert response["incomplete_details"] == (None if reason is None else {"reason": reason})
    assert (response["completed_at"] is None) is (reason is not None)


def test_calls_of_tools_are_items_with_their_arguments_to_the_letter() -> None:
    calls = [
        {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}},
        {"id": "call_2", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}},
    ]
    first, second = whole({"content": None, "tool_calls": calls}, finish="tool_calls")["output"]
    assert (first["type"], first["call_id"], first["name"], first["arguments"]) == (
        "function_call", "call_1", "add", '{"a": 1}',
    )  # fmt: skip
    assert (second["type"], second["call_id"], second["input"]) == ("custom_tool_call", "call_2", "SELECT 1")


def test_a_call_of_a_namespace_s_tool_has_both_names_again() -> None:
    tools = [{"type": "namespace", "name": "crm", "description": "", "tools": [{"type": "function", "name": "add"}]}]
    calls = [
        {"id": "call_1", "type": "function", "function": {"name": "crm__add", "arguments": "{}"}},
        {"id": "call_2", "type": "function", "function": {"name": "crm__other", "arguments": "{}"}},
    ]
    first, second = whole({"content": None, "tool_calls": calls}, asked=call(tools=tools))["output"]
    assert (first["name"], first["namespace"]) == ("add", "crm")
    assert second["name"] == "crm__other"
    assert "namespace" not in second


def test_a_function_without_arguments_has_an_empty_object() -> None:
    (item,) = whole({"tool_calls": [{"id": "c", "function": {"name": "now", "arguments": ""}}]})["output"]
    assert item["arguments"] == "{}"


def test_a_call_without_an_id_gets_one() -> None:
    first, second = whole({"tool_calls": [{"function": {"name": "a"}}, {"function": {"name": "b"}}]})["output"]
    assert first["call_id"]
    assert second["call_id"]
    assert first["call_id"] != second["call_id"]


def test_reasoning_comes_first_as_a_summary() -> None:
    reasoning, message = whole({"reasoning_content": "Let me see.", "content": "42"})["output"]
    assert reasoning["type"] == "reasoning"
    assert reasoning["summary"] == [{"type": "summary_text", "text": "Let me see."}]
    assert reasoning["encrypted_content"] is None
    assert message["content"][0]["text"] == "42"


def test_a_refusal_is_a_part_of_its_own() -> None:
    assert only_message(whole({"content": None, "refusal": "No."}))["content"] == [
        {"type": "refusal", "refusal": "No."}
    ]


def test_citations_and_log_probabilities_stand_with_the_text() -> None:
    citation = {"url": "https://x.example", "title": "X", "start_index": 0, "end_index": 5}
    token = {"token": "Hello", "logprob": -0.1, "bytes": [72], "top_logprobs": [{"token": "Hi", "logprob": -2.5}]}
    message = {"content": "Hello", "annotations": [{"type": "url_citation", "url_citation": citation}]}
    (part,) = only_message(whole(message, logprobs={"content": [token]}))["content"]
    assert part["annotations"] == [{"type": "url_citation", **citation}]
    assert part["logprobs"] == [{**token, "top_logprobs": [{"token": "Hi", "logprob": -2.5, "bytes": []}]}]


def test_an_image_in_the_answer_is_an_item() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    (item,) = whole({"content": "", "images": [image]})["output"]
    assert (item["type"], item["result"]) == ("image_generation_call", "AAAA")


def test_speech_is_shown_as_what_was_said() -> None:
    message = only_message(whole({"content": None, "audio": {"id": "a", "data": "AAAA", "transcript": "Hi"}}))
    assert message["content"][0]["text"] == "Hi"


def test_an_empty_answer_has_no_items() -> None:
    assert whole({"content": ""})["output"] == []


def test_the_usage_has_all_the_figures_that_the_format_demands() -> None:
    assert whole({"content": "x"})["usage"] == {
        "input_tokens": 20,
        "input_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 0},
        "output_tokens": 9,
        "output_tokens_details": {"reasoning_tokens": 4},
        "total_tokens": 29,
    }


@pytest.mark.parametrize("tokens", (None, Tokens(prompt_tokens=7), Tokens(completion_tokens=7)))
def test_a_usage_that_nobody_told_is_null(tokens: Tokens | None) -> None:
    assert whole({"content": "x"}, tokens=tokens)["usage"] is None


def test_what_was_asked_for_is_repeated() -> None:
    tool = {"type": "function", "name": "add", "parameters": {"type": "object"}, "strict": True}
    asked: dict[str, Any] = {
        "instructions": "Be brief.", "max_output_tokens": 9, "metadata": {"a": "b"}, "temperature": 0.5,
        "parallel_tool_calls": False, "tools": [tool], "tool_choice": "required", "text": {"verbosity": "low"},
        "reasoning": {"effort": "low"}, "user": "u", "top_logprobs": 3,
    }  # fmt: skip
    response = whole({"content": "x"}, asked=call(**asked))
    assert {name: response[name] for name in asked} == asked
    assert (response["store"], response["truncation"], response["previous_response_id"]) == (False, "disabled", None)


def test_what_was_not_asked_for_has_the_value_that_means_so() -> None:
    response = whole({"content": "x"}, asked=call(tools=None, temperature=None))
    assert (response["tools"], response["tool_choice"], response["parallel_tool_calls"]) == ([], "auto", True)
    assert (response["temperature"], response["metadata"], response["text"]) == (None, {}, {"format": {"type": "text"}})


def test_parameters_that_were_filled_in_are_shown() -> None:
    fill = {"temperature": msgspec.Raw(b"0.3"), "max_tokens": msgspec.Raw(b"50"), "top_p": msgspec.Raw(b"1")}
    response = whole({"content": "x"}, asked=call(fill, top_p=0.5))
    assert (response["temperature"], response["max_output_tokens"], response["top_p"]) == (0.3, 50, 0.5)


def test_half_a_character_is_replaced() -> None:
    message = json.loads('{"content":"a\\ud83d"}')
    assert only_message(whole(message))["content"][0]["text"] == "a\ufffd"


def test_only_the_first_answer_counts() -> None:
    response = whole({"content": "x"}, index=1)
    assert response["output"] == []
