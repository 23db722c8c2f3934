"""Streamed answers."""

import json

import pytest

from services.rating import Tokens
from services.router.chat import Frame
from services.router.sse import Event
from services.runtime.errors import ProviderBroken, ProviderFailed, ProviderOverloaded
from tests.unit.router.wire.gemini.samples import chunks, deltas, parsed, response

CALL = {"functionCall": {"name": "add", "args": {"a": 1}}}


def test_pieces_come_as_they_are() -> None:
    found, parser = chunks(response({"text": "a"}, finish=None), response({"text": "b"}))
    assert [chunk["choices"] for chunk in found] == [
        [{"index": 0, "delta": {"role": "assistant", "content": "a"}, "finish_reason": None}],
        [{"index": 0, "delta": {"content": "b"}, "finish_reason": "stop", "native_finish_reason": "STOP"}],
    ]
    assert found[0]["object"] == "chat.completion.chunk"
    assert (parser.facts.characters, parser.facts.response_id) == (2, "r-1")


def test_it_may_end_after_the_finish_reason_only() -> None:
    _, parser = chunks(response({"text": "a"}, finish=None))
    assert (parser.may_end, parser.done) == (False, False)
    _, parser = chunks(response({"text": "a"}, finish=None), response())
    assert (parser.may_end, parser.done) == (True, False)


def test_calls_are_numbered_over_chunks_and_told_at_the_end() -> None:
    found, _ = chunks(response(CALL, CALL, finish=None), response(CALL, finish=None), response({"text": ""}))
    calls = [call for chunk in found for call in chunk["choices"][0]["delta"].get("tool_calls", [])]
    assert [call["index"] for call in calls] == [0, 1, 2]
    assert len({call["id"] for call in calls}) == 3
    assert found[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_thoughts_and_signatures_stream_too() -> None:
    found = deltas(
        response({"text": "Hm", "thought": True}, finish=None), response({"text": "", "thoughtSignature": "c2ln"})
    )
    assert found[0]["reasoning"] == "Hm"
    assert found[1] == {"extra_content": {"google": {"thought_signature": "c2ln"}}}


def test_usage_is_shown_at_the_end_and_known_before() -> None:
    early = {"promptTokenCount": 4, "thoughtsTokenCount": 9}
    found, parser = chunks(response({"text": "a"}, finish=None, usageMetadata=early))
    assert "usage" not in found[0]
    assert parser.facts.tokens == Tokens(prompt_tokens=4, completion_tokens=9, reasoning_tokens=9)


def test_figures_that_later_chunks_leave_out_are_kept() -> None:
    found, parser = chunks(
        response({"text": "a"}, finish=None, usageMetadata={"promptTokenCount": 4, "thoughtsTokenCount": 9}),
        response({"text": "b"}, usageMetadata={"promptTokenCount": 4, "candidatesTokenCount": 2}),
    )
    assert found[1]["usage"]["completion_tokens"] == 11
    assert parser.facts.tokens is not None
    assert parser.facts.tokens.completion_tokens == 11


def test_usage_told_before_the_end_only_is_shown_at_the_end() -> None:
    found, _ = chunks(response({"text": "a"}, finish=None, usageMetadata={"promptTokenCount": 4}), response())
    assert found[1]["usage"] == {"prompt_tokens": 4, "total_tokens": 4}


def test_usage_that_comes_alone_makes_a_chunk_of_its_own() -> None:
    parser = chunks(response({"text": "a"}))[1]
    frame = parser.parse(Event(json.dumps({"usageMetadata": {"promptTokenCount": 4}}).encode()))
    assert frame is not None
    assert (frame.usage, frame.usage_only) == (True, True)
    assert json.loads(frame.data)["choices"] == []


def test_usage_alone_amid_the_answer_makes_no_chunk() -> None:
    assert chunks({"usageMetadata": {"promptTokenCount": 4}})[0] == []


def test_a_blocked_prompt_ends_the_stream() -> None:
    found, parser = chunks({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})
    assert found[0]["choices"][0]["finish_reason"] == "content_filter"
    assert parser.may_end


def test_places_of_sources_count_from_the_start_of_all_text_and_come_once() -> None:
    support = {"segment": {"startIndex": 3, "endIndex": 6}, "groundingChunkIndices": [0]}
    grounding = {"groundingChunks": [{"web": {"uri": "https://a.example"}}], "groundingSupports": [support]}
    found = deltas(
        response({"text": "é a"}, finish=None),
        response({"text": "bc"}, finish=None, groundingMetadata=grounding),
        response({"text": ""}, groundingMetadata=grounding),
    )
    place = found[1]["annotations"][0]["url_citation"]
    assert (place["start_index"], place["end_index"]) == (2, 5)
    assert "annotations" not in found[2]


def test_each_candidate_ends_for_itself() -> None:
    first, second = response({"text": "a"}), response({"text": "b"}, finish=None)
    second["candidates"][0]["index"] = 1
    _, parser = chunks(first, second)
    assert not parser.may_end
    second["candidates"][0]["finishReason"] = "STOP"
    _, parser = chunks(first, second)
    assert parser.may_end


@pytest.mark.parametrize("bare", (False, True))
def test_an_error_in_mid_stream_is_raised_framed_or_not(bare: bool) -> None:
    error = b'{"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}'
    parser = chunks(response({"text": "a"}, finish=None))[1]
    with pytest.raises(ProviderOverloaded) as raised:
        parser.parse(Event(bare=error) if bare else Event(error))
    assert json.loads(raised.value.original)["error"]["message"] == "Overloaded"


def test_a_cancelled_answer_is_the_providers_failure() -> None:
    parser = chunks()[1]
    with pytest.raises(ProviderFailed):
        parser.parse(Event(b'{"error": {"code": 499, "status": "CANCELLED"}}'))


def test_a_list_in_place_of_a_stream_is_taken() -> None:
    events = [Event(bare=json.dumps(body).encode()) for body in (response({"text": "a"}, finish=None), response())]
    found, parser = parsed(events)
    assert len(found) == 2
    assert parser.may_end


def test_comments_pass_and_empty_events_do_not() -> None:
    parser = chunks()[1]
    assert parser.parse(Event(comment=b"keep-alive")) == Frame(comment=b"keep-alive")
    assert parser.parse(Event(b" ")) is None


def test_what_is_no_chunk_is_broken() -> None:
    with pytest.raises(ProviderBroken):
        chunks()[1].parse(Event(b"nonsense"))


def test_half_an_emoji_streams_in_two_chunks() -> None:
    found, _ = chunks(response({"text": "\ud83d"}, finish=None), response({"text": "\ude00"}))
    halves = "".join(chunk["choices"][0]["delta"]["content"] for chunk in found)
    assert halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le") == "😀"


def test_counts_are_the_last_word_only_with_the_finish_reason() -> None:
    _, parser = chunks(response({"text": "a"}, finish=None))
    assert parser.facts.counts_so_far
    _, parser = chunks(response({"text": "a"}, finish=None), response({"text": "b"}))
    assert not parser.facts.counts_so_far
