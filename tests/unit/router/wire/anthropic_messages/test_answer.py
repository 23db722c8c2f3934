"""Whole answers as chat completions, and what they come to."""

import json
from typing import Any

import pytest

from services.rating import Tokens
from services.router.chat import Facts, Format
from services.runtime.errors import ProviderBroken, ProviderOverloaded
from tests.unit.router.wire.anthropic_messages.samples import WIRE, Json

CITATION = {"type": "web_search_result_location", "url": "https://a.example", "title": "A", "cited_text": "cited"}


def answered(*content: Json, **members: Any) -> tuple[Json, Facts]:
    message = {
        "type": "message", "id": "msg_1", "model": "claude-opus-5", "role": "assistant", "content": content,
        "stop_reason": "end_turn", "usage": {"input_tokens": 5, "output_tokens": 9}, **members,
    }  # fmt: skip
    answer = WIRE.parse_response(json.dumps(message).encode(), Format.CHAT)
    assert answer.format is Format.CHAT
    return json.loads(answer.body), answer.facts


def said(*content: Json, **members: Any) -> Json:
    found: Json = answered(*content, **members)[0]["choices"][0]["message"]
    return found


def counted(**usage: Any) -> Tokens | None:
    return answered(usage=usage)[1].tokens


def test_an_answer_becomes_a_completion() -> None:
    body, facts = answered({"type": "text", "text": "Hi"})
    assert body.pop("created") > 0
    assert body == {
        "id": "msg_1",
        "object": "chat.completion",
        "model": "claude-opus-5",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hi", "refusal": None},
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
        "usage": {"prompt_tokens": 5, "completion_tokens": 9, "total_tokens": 14},
    }
    assert facts == Facts("msg_1", "claude-opus-5", "stop", 2, Tokens(prompt_tokens=5, completion_tokens=9))
    assert facts.ended


def test_texts_in_several_blocks_are_one_text_with_its_citations() -> None:
    message = said(
        {"type": "text", "text": "One "},
        {"type": "text", "text": "two", "citations": [CITATION, {"type": "char_location", "cited_text": "x"}]},
    )
    assert message["content"] == "One two"
    cited = {"url": "https://a.example", "title": "A", "start_index": 4, "end_index": 7, "content": "cited"}
    assert message["annotations"] == [{"url_citation": cited, "type": "url_citation"}]


def test_thinking_becomes_reasoning_that_can_be_carried_back() -> None:
    message = said(
        {"type": "thinking", "thinking": "Hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "sealed"},
        {"type": "text", "text": "Yes"},
    )
    assert (message["content"], message["reasoning"]) == ("Yes", "Hm")
    assert message["reasoning_details"] == [
        {"type": "reasoning.text", "text": "Hm", "signature": "s", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "sealed", "format": "anthropic-claude-v1", "index": 1},
    ]


def test_tools_of_the_client_are_called_and_those_of_the_provider_are_not_shown() -> None:
    message = said(
        {"type": "server_tool_use", "id": "srv", "name": "web_search", "input": {"query": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "srv", "content": [{"type": "web_search_result"}]},
        {"type": "tool_use", "id": "t1", "name": "add", "input": {"a": "é"}},
        {"type": "tool_use", "id": "t2", "name": "now", "input": {}},
        stop_reason="tool_use",
    )
    assert message["content"] is None
    calls = [(call["id"], call["type"], call["function"]) for call in message["tool_calls"]]
    assert calls[1] == ("t2", "function", {"name": "now", "arguments": "{}"})
    assert (calls[0][0], json.loads(calls[0][2]["arguments"])) == ("t1", {"a": "é"})


def test_what_the_model_wrote_is_counted_whoever_carries_it_out() -> None:
    _, facts = answered(
        {"type": "thinking", "thinking": "1234", "signature": "sssss"},
        {"type": "text", "text": "56"},
        {"type": "server_tool_use", "id": "srv", "name": "find", "input": {"q": 1}},
    )
    assert facts.characters == 4 + 2 + len("find") + len('{"q": 1}')


@pytest.mark.parametrize(
    ("stop_reason", "finish_reason"),
    (
        ("end_turn", "stop"), ("stop_sequence", "stop"), ("pause_turn", "stop"), ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"), ("tool_use", "tool_calls"), ("refusal", "content_filter"),
        ("something_new", "something_new"),
    ),
)  # fmt: skip
def test_stop_reasons_in_the_words_of_chat(stop_reason: str, finish_reason: str) -> None:
    body, facts = answered(stop_reason=stop_reason)
    assert (body["choices"][0]["finish_reason"], facts.finish_reason) == (finish_reason, finish_reason)


def test_a_refusal_says_why() -> None:
    details = {"type": "refusal", "explanation": "Not this"}
    message = said(stop_reason="refusal", stop_details=details)
    assert (message["content"], message["refusal"]) == ("", "Not this")


def test_the_prompt_includes_what_came_from_the_cache_and_what_went_into_it() -> None:
    usage = {
        "input_tokens": 5, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 3, "output_tokens": 9,
        "output_tokens_details": {"thinking_tokens": 4},
    }  # fmt: skip
    body, facts = answered(usage=usage)
    assert facts.tokens == Tokens(28, 9, cached_tokens=20, cache_write_tokens=3, reasoning_tokens=4)
    assert body["usage"] == {
        "prompt_tokens": 28, "completion_tokens": 9, "total_tokens": 37,
        "prompt_tokens_details": {"cached_tokens": 20, "cache_write_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 4},
    }  # fmt: skip


def test_an_absent_count_is_absent_and_a_zero_is_a_zero() -> None:
    assert counted(input_tokens=0, output_tokens=0) == Tokens(0, 0)
    assert counted(output_tokens=1) == Tokens(None, 1)
    assert counted(input_tokens=1, cache_read_input_tokens=0) == Tokens(1, None, cached_tokens=0)
    assert "usage" not in answered(usage=None)[0]


def test_a_cache_write_told_by_its_parts_alone_is_their_sum() -> None:
    parts = {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3}
    assert counted(input_tokens=1, cache_creation=parts) == Tokens(
        6, None, cache_write_tokens=5, cache_write_1h_tokens=3
    )


def test_web_searches_and_what_the_cache_keeps_for_an_hour_are_counted() -> None:
    parts = {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3}
    found = counted(
        input_tokens=1,
        output_tokens=7,
        cache_creation_input_tokens=5,
        cache_creation=parts,
        server_tool_use={"web_search_requests": 2, "web_fetch_requests": 1},
    )

    assert found == Tokens(6, 7, cache_write_tokens=5, cache_write_1h_tokens=3, web_searches=2)


def test_half_an_emoji_stays_the_escape_it_came_as() -> None:
    body = b'{"type":"message","content":[{"type":"text","text":"a\\ud83d"}],"stop_reason":"end_turn"}'
    assert b'"a\\ud83d"' in WIRE.parse_response(body, Format.CHAT).body


def test_members_of_surprising_types_count_as_absent() -> None:
    body, facts = answered({"type": "text", "text": 5}, usage={"input_tokens": [], "output_tokens": -1}, id=7)
    assert (body["choices"][0]["message"]["content"], facts.tokens) == ("", Tokens())


@pytest.mark.parametrize("body", (b"", b"[]", b"<html>", b'{"type":"message"}', b"{}"))
def test_what_is_no_answer_is_broken(body: bytes) -> None:
    with pytest.raises(ProviderBroken):
        WIRE.parse_response(body, Format.CHAT)


def test_an_error_where_an_answer_should_be_is_an_error() -> None:
    body = b'{"type":"error","error":{"type":"overloaded_error","message":"Busy"}}'
    with pytest.raises(ProviderOverloaded, match="Busy") as raised:
        WIRE.parse_response(body, Format.MESSAGES)
    assert raised.value.original == body
