"""Whole chat answers as Anthropic's messages."""

import json
from typing import Any

import pytest

from services.rating import Tokens
from services.router.api.anthropic.answer import message
from services.router.api.carrier import sealed, unsealed
from services.runtime.errors import ProviderBroken
from tests.unit.router.api.anthropic.reading import Json, checked

TOKENS = Tokens(prompt_tokens=100, completion_tokens=7)


def answered(said: Json, tokens: Tokens | None = TOKENS, **choice: Any) -> Json:
    body = {
        "id": "chatcmpl-1",
        "model": "served",
        "choices": [{"index": 0, "message": {"role": "assistant", **said}, "finish_reason": "stop", **choice}],
    }
    return checked(message(json.dumps(body).encode(), "r1", "asked", ("END",), tokens))


def content(**said: Any) -> Any:
    return answered(said)["content"]


def call(arguments: str = '{"city":"Rome"}', **more: Any) -> Json:
    return {"id": "t1", "type": "function", "function": {"name": "look", "arguments": arguments}, **more}


def test_a_text_is_a_block() -> None:
    assert answered({"content": "Bees fly."}) == {
        "id": "chatcmpl-1",
        "type": "message",
        "role": "assistant",
        "model": "served",
        "content": [{"type": "text", "text": "Bees fly."}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 100, "output_tokens": 7},
    }


def test_what_an_answer_does_not_tell_is_the_request_s() -> None:
    found = checked(message(b'{"choices":[]}', "r1", "asked", (), None))
    assert (found["id"], found["model"], found["content"], found["stop_reason"]) == ("r1", "asked", [], "end_turn")
    assert found["usage"] == {"input_tokens": 0, "output_tokens": 0}


@pytest.mark.parametrize("body", (b"", b"[]", b"null", b'{"choices":'))
def test_what_is_no_answer_is_the_provider_s_fault(body: bytes) -> None:
    with pytest.raises(ProviderBroken):
        message(body, "r1", "asked", (), None)


def test_thinking_comes_first_then_text_then_calls() -> None:
    found = content(reasoning="Hm.", content="Let me look.", tool_calls=[call(), call(id="t2")])
    assert found == [
        {"type": "thinking", "thinking": "Hm.", "signature": sealed({})},
        {"type": "text", "text": "Let me look."},
        {"type": "tool_use", "id": "t1", "name": "look", "input": {"city": "Rome"}},
        {"type": "tool_use", "id": "t2", "name": "look", "input": {"city": "Rome"}},
    ]


@pytest.mark.parametrize(
    "said",
    (
        {"reasoning_content": "Hm.", "content": "Yes"},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"text": "Yes"}]},
    ),
)
def test_thinking_is_found_wherever_a_provider_puts_it(said: Json) -> None:
    thinking, text = content(**said)
    assert (thinking["thinking"], text["text"]) == ("Hm.", "Yes")


def test_anthropic_s_own_signatures_are_its_own() -> None:
    details = [
        {"type": "reasoning.text", "text": "Hm.", "signature": "c2ln", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "b3BhcXVl", "format": "anthropic-claude-v1", "index": 1},
    ]
    assert content(reasoning="Hm.", reasoning_details=details, content="Yes")[:2] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "b3BhcXVl"},
    ]


def test_what_others_want_back_is_sealed() -> None:
    details = [
        {"type": "reasoning.summary", "summary": "Sum.", "format": "openai-responses-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "x", "id": "rs_1", "format": "openai-responses-v1", "index": 0},
    ]
    google = {"google": {"thought_signature": "s"}}
    thinking, redacted, carried, use, last = (
        content(
            reasoning="Sum.", reasoning_details=details, tool_calls=[call(extra_content=google)], extra_content=google
        )[:2]
        + content(tool_calls=[call(extra_content=google)])
        + content(extra_content=google)
    )
    assert (thinking["thinking"], unsealed(thinking["signature"])) == (
        "Sum.", {"type": "reasoning.summary", "format": "openai-responses-v1", "index": 0},
    )  # fmt: skip
    assert unsealed(redacted["data"]) == details[1]
    assert unsealed(carried["data"]) == {"id": "t1", "extra_content": google}
    assert use["type"] == "tool_use"
    assert unsealed(last["data"]) == {"extra_content": google}


def test_pages_of_the_web_are_cited() -> None:
    cited = {"url": "https://a.example", "title": "A", "content": "Bees fly.", "start_index": 0, "end_index": 4}
    (text,) = content(content="They do.", annotations=[{"type": "url_citation", "url_citation": cited}, {"type": "x"}])
    assert text["citations"] == [
        {
            "type": "web_search_result_location",
            "url": "https://a.example",
            "title": "A",
            "cited_text": "Bees fly.",
            "encrypted_index": "pantheon.",
        }
    ]


@pytest.mark.parametrize(
    ("arguments", "found"),
    (
        ('{"a": 1.50}', {"a": 1.5}),
        ("", {}),
        (" ", {}),
        ('{"a":', {"INVALID_JSON": '{"a":'}),
        ("[1]", {"INVALID_JSON": "[1]"}),
        ("\ud83d", {"INVALID_JSON": "\ud83d"}),
    ),
)
def test_arguments_that_are_no_object_are_wrapped_into_one(arguments: str, found: Json) -> None:
    (use,) = content(tool_calls=[call(arguments)])
    assert use["input"] == found


def test_a_call_without_an_id_gets_one() -> None:
    nameless = {"type": "function", "function": {"name": "look", "arguments": "{}"}}
    first, second = content(tool_calls=[nameless, nameless])
    assert first["id"] != second["id"]
    (old,) = content(function_call={"name": "look", "arguments": "{}"})
    assert (old["name"], bool(old["id"])) == ("look", True)


def test_what_was_said_aloud_is_told() -> None:
    assert content(audio={"id": "a", "data": "AAAA", "transcript": "Hello"}) == [{"type": "text", "text": "Hello"}]


def test_half_an_emoji_stays_half_an_emoji() -> None:
    body = b'{"choices":[{"message":{"content":"\\ud83d","reasoning":"\\ude00"}}]}'
    thinking, text = json.loads(message(body, "r1", "m", (), None))["content"]
    assert (text["text"], thinking["thinking"]) == ("\ud83d", "\ude00")


@pytest.mark.parametrize(
    ("choice", "said", "stop"),
    (
        ({"finish_reason": "stop"}, {}, ("end_turn", None)),
        ({"finish_reason": None}, {}, ("end_turn", None)),
        ({"finish_reason": "length"}, {}, ("max_tokens", None)),
        ({"finish_reason": "length"}, {"tool_calls": [call()]}, ("max_tokens", None)),
        ({"finish_reason": "tool_calls"}, {"tool_calls": [call()]}, ("tool_use", None)),
        ({"finish_reason": "stop"}, {"tool_calls": [call()]}, ("tool_use", None)),
        ({"finish_reason": "content_filter"}, {}, ("refusal", None)),
        ({"finish_reason": "stop"}, {"refusal": "No."}, ("refusal", None)),
        ({"finish_reason": "stop", "stop_reason": "END"}, {}, ("stop_sequence", "END")),
        ({"finish_reason": "stop", "stop_reason": 128001}, {}, ("end_turn", None)),
        ({"finish_reason": "stop", "native_finish_reason": "stop_sequence"}, {}, ("stop_sequence", None)),
    ),
)
def test_why_it_ended_is_said_in_anthropic_s_words(choice: Json, said: Json, stop: tuple[str, str | None]) -> None:
    found = answered({"content": "Yes", **said}, **choice)
    assert (found["stop_reason"], found["stop_sequence"]) == stop


@pytest.mark.parametrize(
    ("tokens", "usage"),
    (
        (Tokens(prompt_tokens=10, completion_tokens=2, cached_tokens=0),
         {"input_tokens": 10, "output_tokens": 2, "cache_read_input_tokens": 0}),
        (Tokens(prompt_tokens=10, completion_tokens=2, cached_tokens=4, cache_write_tokens=5, reasoning_tokens=1),
         {"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 5,
          "output_tokens_details": {"thinking_tokens": 1}}),
        (Tokens(prompt_tokens=3, completion_tokens=2, cached_tokens=4),
         {"input_tokens": 0, "output_tokens": 2, "cache_read_input_tokens": 4}),
        (Tokens(completion_tokens=2), {"input_tokens": 0, "output_tokens": 2}),
    ),
)  # fmt: skip
def test_usage_is_counted_as_anthropic_counts(tokens: Tokens, usage: Json) -> None:
    assert answered({"content": "Yes"}, tokens)["usage"] == usage
