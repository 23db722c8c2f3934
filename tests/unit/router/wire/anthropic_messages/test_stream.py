"""Streamed answers: the chunks that their events make, and those events passed through."""

import json

import pytest

from services.rating import Tokens
from services.router.chat import Format, Frame
from services.router.sse import Event
from services.runtime.errors import ProviderBroken, ProviderFailed, ProviderOverloaded
from tests.unit.router.wire.anthropic_messages.samples import (
    START,
    STOP,
    WIRE,
    begun,
    chunks,
    deltas,
    ended,
    event,
    grown,
    last,
)

TEXT = (begun(0, type="text", text=""), grown(0, "text", text="Hi"), ended(0))
PING = event(type="ping")


def test_a_stream_becomes_chunks_of_one_completion() -> None:
    found, parser = chunks((START, *TEXT, last(), STOP))
    assert [chunk["choices"][0]["delta"] for chunk in found] == [
        {"role": "assistant", "content": ""},
        {"content": "Hi"},
        {},
    ]
    assert [chunk["choices"][0]["finish_reason"] for chunk in found] == [None, None, "stop"]
    for chunk in found:
        assert (chunk["id"], chunk["object"], chunk["model"]) == ("msg_1", "chat.completion.chunk", "claude-opus-5")
    assert parser.done


def test_the_usage_stands_on_the_last_chunk() -> None:
    parser = WIRE.parse_stream(Format.CHAT)
    frames = [parser.parse(one) for one in (START, *TEXT, last())]
    assert [frame.usage for frame in frames if frame is not None] == [False, False, True]
    final = frames[-1]
    assert final is not None
    assert not final.usage_only
    assert json.loads(final.data)["usage"] == {
        "prompt_tokens": 28, "completion_tokens": 9, "total_tokens": 37,
        "prompt_tokens_details": {"cached_tokens": 20, "cache_write_tokens": 3},
    }  # fmt: skip


def test_the_last_count_holds_and_what_is_not_told_again_stays() -> None:
    _, parser = chunks((START, last(input_tokens=7, cache_read_input_tokens=0), STOP))
    assert parser.facts.tokens == Tokens(10, 9, cached_tokens=0, cache_write_tokens=3)


def test_the_length_of_the_answer_is_not_known_at_its_start() -> None:
    _, parser = chunks((START,))
    assert parser.facts.tokens == Tokens(28, None, cached_tokens=20, cache_write_tokens=3)


def test_thinking_becomes_reasoning_that_can_be_carried_back() -> None:
    assert deltas(
        begun(0, type="thinking", thinking="", signature=""),
        grown(0, "thinking", thinking="Hm"),
        grown(0, "signature", signature="s"),
        ended(0),
        begun(1, type="redacted_thinking", data="sealed"),
        ended(1),
    ) == [
        {
            "reasoning": "Hm",
            "reasoning_details": [
                {"type": "reasoning.text", "text": "Hm", "format": "anthropic-claude-v1", "index": 0}
            ],
        },
        {
            "reasoning_details": [
                {"type": "reasoning.text", "signature": "s", "format": "anthropic-claude-v1", "index": 0}
            ]
        },
        {
            "reasoning_details": [
                {"type": "reasoning.encrypted", "data": "sealed", "format": "anthropic-claude-v1", "index": 1}
            ]
        },
    ]


def test_calls_of_tools_are_numbered_and_filled_bit_by_bit() -> None:
    found = deltas(
        begun(0, type="server_tool_use", id="srv", name="web_search", input={}),
        grown(0, "input_json", partial_json='{"query":"x"}'),
        ended(0),
        begun(1, type="web_search_tool_result", tool_use_id="srv", content=[]),
        ended(1),
        begun(2, type="tool_use", id="t1", name="add", input={}),
        grown(2, "input_json", partial_json=""),
        grown(2, "input_json", partial_json='{"a":'),
        grown(2, "input_json", partial_json="1}"),
        ended(2),
        begun(3, type="tool_use", id="t2", name="now", input={}),
        ended(3),
    )
    first = {"index": 0, "id": "t1", "type": "function", "function": {"name": "add", "arguments": ""}}
    second = {"index": 1, "id": "t2", "type": "function", "function": {"name": "now", "arguments": ""}}
    assert [delta["tool_calls"] for delta in found] == [
        [first],
        [{"index": 0, "function": {"arguments": '{"a":'}}],
        [{"index": 0, "function": {"arguments": "1}"}}],
        [second],
        [{"index": 1, "function": {"arguments": "{}"}}],
    ]


def test_an_input_that_comes_with_its_block_is_told_at_once() -> None:
    found = deltas(begun(0, type="tool_use", id="t", name="add", input={"a": 1}), ended(0))
    assert [json.loads(delta["tool_calls"][0]["function"]["arguments"]) for delta in found] == [{"a": 1}]


def test_citations_are_told_when_their_text_is_complete() -> None:
    citation = {"type": "web_search_result_location", "url": "https://a.example", "title": "A", "cited_text": "c"}
    document = {"type": "page_location", "cited_text": "p"}
    found = deltas(
        *TEXT,
        begun(1, type="text", text="", citations=[]),
        grown(1, "citations", citation=citation),
        grown(1, "text", text="there"),
        ended(1),
        begun(2, type="text", text=""),
        grown(2, "citations", citation=document),
        ended(2),
    )
    cited = {"url": "https://a.example", "title": "A", "start_index": 2, "end_index": 7, "content": "c"}
    assert found[2:] == [{"annotations": [{"url_citation": cited, "type": "url_citation"}]}]


def test_a_refusal_says_why() -> None:
    found, parser = chunks((START, last("refusal", details={"explanation": "Not this"}), STOP))
    choice = found[-1]["choices"][0]
    assert (choice["delta"], choice["finish_reason"]) == ({"refusal": "Not this"}, "content_filter")
    assert parser.facts.finish_reason == "content_filter"


def test_what_chat_has_no_form_for_makes_no_chunk() -> None:
    assert deltas(
        begun(0, type="compaction", content=None), grown(0, "compaction", content="Summary"), ended(0),
        event(type="heard_of_tomorrow"), Event(b" "),
    ) == []  # fmt: skip


def test_pings_and_comments_keep_the_connection_alive() -> None:
    parser = WIRE.parse_stream(Format.CHAT)
    assert parser.parse(PING) == Frame(comment=b"ping")
    assert parser.parse(Event(comment=b"")) == Frame(comment=b"")


def test_only_message_stop_ends_a_stream() -> None:
    _, parser = chunks((START, *TEXT, last()))
    assert parser.facts.ended
    assert not parser.done
    assert not parser.may_end


def test_what_the_model_wrote_is_counted() -> None:
    _, parser = chunks(
        (
            START,
            begun(0, type="thinking", thinking=""),
            grown(0, "thinking", thinking="123"),
            begun(1, type="server_tool_use", name="find", input={}),
            grown(1, "input_json", partial_json="4567"),
            begun(2, type="compaction"),
            grown(2, "compaction", content="89"),
        )
    )
    assert parser.facts.characters == len("123" + "find" + "4567" + "89")
    assert parser.facts.open_choices == {0}


def test_half_an_emoji_stays_the_escape_it_came_as() -> None:
    parser = WIRE.parse_stream(Format.CHAT)
    half = b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\\ud83d"}}'
    frame = parser.parse(Event(half))
    assert frame is not None
    assert b'{"content":"\\ud83d"}' in frame.data


def test_every_event_passes_through_under_its_name_and_message_stop_is_the_last() -> None:
    parser = WIRE.parse_stream(Format.MESSAGES)
    events = (START, PING, *TEXT, last(), STOP)
    frames = []
    for one in events:
        assert not parser.done
        frames.append(parser.parse(one))
    assert parser.done
    assert [(frame.name, frame.data) for frame in frames if frame] == [(one.name, one.data) for one in events]
    assert parser.format is Format.MESSAGES
    assert parser.facts.tokens == Tokens(28, 9, cached_tokens=20, cache_write_tokens=3)
    assert (parser.facts.finish_reason, parser.facts.characters) == ("stop", 2)


def test_an_event_without_a_name_is_named_by_its_type() -> None:
    frame = WIRE.parse_stream(Format.MESSAGES).parse(Event(b'{"type": "ping"}'))
    assert frame == Frame(b'{"type": "ping"}', b"ping")


@pytest.mark.parametrize("target", (Format.MESSAGES, Format.CHAT))
def test_an_error_amid_a_stream_is_an_error(target: Format) -> None:
    parser = WIRE.parse_stream(target)
    parser.parse(START)
    data = b'{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}'
    with pytest.raises(ProviderOverloaded, match="Overloaded") as raised:
        parser.parse(Event(data, b"error"))
    assert raised.value.original == data
    with pytest.raises(ProviderFailed):
        parser.parse(Event(b'{"type": "error", "error": null}'))


@pytest.mark.parametrize("data", (b"{", b"[]", b'"text"'))
def test_an_event_that_is_no_object_is_broken(data: bytes) -> None:
    with pytest.raises(ProviderBroken):
        WIRE.parse_stream(Format.CHAT).parse(Event(data))


@pytest.mark.parametrize("target", (Format.MESSAGES, Format.CHAT))
def test_bare_json_is_no_event_unless_it_is_an_error(target: Format) -> None:
    parser = WIRE.parse_stream(target)
    assert parser.parse(Event(bare=b'{"type":"message","content":[]}')) is None
    with pytest.raises(ProviderOverloaded, match="Overloaded"):
        parser.parse(Event(bare=b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'))
