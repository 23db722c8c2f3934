"""Chunks of a chat stream as the events of an Anthropic one."""

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rating import Tokens
from services.router.api.anthropic.answer import message
from services.router.api.anthropic.events import Events
from services.router.api.carrier import sealed, unsealed
from services.runtime.errors import ProviderBroken
from tests.unit.router.api.anthropic.reading import Json, accumulated, events_of

TOKENS = Tokens(prompt_tokens=5, completion_tokens=2, cached_tokens=1)
STOP: Json = {"index": 0, "delta": {}, "finish_reason": "stop"}


def chunk(*choices: Json, **members: Any) -> bytes:
    return json.dumps({"id": "chatcmpl-1", "model": "served", "choices": list(choices), **members}).encode()


def deltas(*pieces: Json) -> list[bytes]:
    return [*(chunk({"index": 0, "delta": piece, "finish_reason": None}) for piece in pieces), chunk(STOP)]


def written(chunks: Sequence[bytes], stops: Sequence[str] = ()) -> bytes:
    events = Events("r1", "asked", stops)
    return b"".join([*(events.take(one) for one in chunks), events.end(TOKENS)])


def call(index: int | None, arguments: str = "", name: str | None = None, call_id: str | None = None) -> Json:
    return {"tool_calls": [{"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}]}


def kinds(stream: bytes) -> list[Any]:
    """The events in short: a type and what it is about."""
    found: list[Any] = []
    for event in events_of(stream):
        about = (event.get("content_block") or event.get("delta") or {}).get("type")
        found.append((event["type"].removeprefix("content_block_"), event.get("index"), about))
    return found


def test_a_text_streams() -> None:
    stream = written(deltas({"role": "assistant", "content": ""}, {"content": "Bees "}, {"content": "fly."}))
    assert kinds(stream) == [
        ("message_start", None, None),
        ("start", 0, "text"),
        ("delta", 0, "text_delta"),
        ("delta", 0, "text_delta"),
        ("stop", 0, None),
        ("message_delta", None, None),
        ("message_stop", None, None),
    ]
    found = accumulated(stream)
    assert (found["id"], found["model"], found["stop_reason"]) == ("chatcmpl-1", "served", "end_turn")
    assert found["content"] == [{"type": "text", "text": "Bees fly."}]
    assert found["usage"] == {"input_tokens": 4, "output_tokens": 2, "cache_read_input_tokens": 1}


def test_each_chunk_makes_its_events_at_once() -> None:
    events = Events("r1", "asked", ())
    said = [events.take(one) for one in deltas({"content": "Bees"}, {"content": " fly"})]
    assert [b"text_delta" in piece for piece in said] == [True, True, False]
    assert b"message_delta" not in b"".join(said)


def test_a_stream_of_nothing_is_a_message_too() -> None:
    assert accumulated(written([])) == accumulated(written([chunk()])) | {"id": "r1", "model": "asked"}


def test_a_stop_sequence_that_the_provider_names_is_told() -> None:
    last = chunk({**STOP, "stop_reason": "END"})
    found = accumulated(written([chunk({"delta": {"content": "a"}}), last], stops=["END"]))
    assert (found["stop_reason"], found["stop_sequence"]) == ("stop_sequence", "END")


def test_thinking_ends_with_its_signature() -> None:
    details = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
    stream = written(
        deltas(
            {"reasoning": "H", "reasoning_details": [{**details, "text": "H"}]},
            {"reasoning": "m.", "reasoning_details": [{**details, "text": "m."}]},
            {"reasoning_details": [{**details, "signature": "c2ln"}]},
            {"content": "Yes"},
        )
    )
    assert kinds(stream)[1:7] == [
        ("start", 0, "thinking"),
        ("delta", 0, "thinking_delta"),
        ("delta", 0, "thinking_delta"),
        ("delta", 0, "signature_delta"),
        ("stop", 0, None),
        ("start", 1, "text"),
    ]
    assert accumulated(stream)["content"][0] == {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}


def test_redacted_thinking_comes_whole() -> None:
    detail = {"type": "reasoning.encrypted", "format": "openai-responses-v1", "id": "rs_1", "index": 0}
    pieces = ({"reasoning_details": [{**detail, "data": data}]} for data in ("ab", "cd"))
    (block,) = accumulated(written(deltas(*pieces)))["content"]
    assert unsealed(block["data"]) == {**detail, "data": "abcd"}


def test_a_signature_of_google_s_comes_before_its_call() -> None:
    google = {"google": {"thought_signature": "s"}}
    piece = call(0, "{}", "look", "t1")
    piece["tool_calls"][0]["extra_content"] = google
    carried, use = accumulated(written(deltas(piece)))["content"]
    assert unsealed(carried["data"]) == {"id": "t1", "extra_content": google}
    assert use == {"type": "tool_use", "id": "t1", "name": "look", "input": {}}


def test_calls_that_mix_come_one_after_the_other() -> None:
    stream = written(
        deltas(
            call(0, '{"city":', "look", "t1"),
            call(1, '{"city":', "look", "t2"),
            call(0, '"Rome"}'),
            {"content": "Wait."},
            call(1, '"Oslo"}'),
        )
    )
    assert accumulated(stream)["content"] == [
        {"type": "tool_use", "id": "t1", "name": "look", "input": {"city": "Rome"}},
        {"type": "tool_use", "id": "t2", "name": "look", "input": {"city": "Oslo"}},
        {"type": "text", "text": "Wait."},
    ]


def test_a_call_behind_one_that_is_complete_streams() -> None:
    events = Events("r1", "asked", ())
    events.take(deltas(call(0, '{"a":1}', "look", "t1"))[0])
    assert b'"partial_json":"{\\"b"' in events.take(deltas(call(1, '{"b', "look", "t2"))[0])


@pytest.mark.parametrize(
    ("pieces", "arguments"),
    (
        ([call(0, "{}", "look", "t1"), call(0, "{}", "look", "t2")], [{}, {}]),
        ([call(None, "{}", "look"), call(None, "{}", "look")], [{}, {}]),
        ([call(None, '{"a"', "look", "t1"), call(None, ":1}")], [{"a": 1}]),
        ([call(0, "", "look", "t1"), call(0, " "), call(0, '{"a":1}')], [{"a": 1}]),
        ([call(0, '{"a"', "look", "t1"), call(0, ":1}", "look", "t1")], [{"a": 1}]),
    ),
)
def test_pieces_find_their_call_however_a_provider_numbers_them(pieces: list[Json], arguments: list[Json]) -> None:
    content = accumulated(written(deltas(*pieces)))["content"]
    assert [block["input"] for block in content] == arguments
    assert len({block["id"] for block in content}) == len(content)


def test_a_call_waits_for_its_name() -> None:
    (block,) = accumulated(written(deltas(call(0, '{"a":', None, "t1"), call(0, "1}", "look"))))["content"]
    assert (block["name"], block["input"]) == ("look", {"a": 1})


def test_citations_belong_to_the_text() -> None:
    cited = {"annotations": [{"type": "url_citation", "url_citation": {"url": "https://a.example", "title": "A"}}]}
    (block,) = accumulated(written(deltas({"content": "Yes"}, cited)))["content"]
    assert block["citations"][0]["url"] == "https://a.example"


def test_a_refusal_is_told_as_one() -> None:
    found = accumulated(written(deltas({"refusal": "N"}, {"refusal": "o."})))
    assert (found["stop_reason"], found["content"][0]["text"]) == ("refusal", "No.")


def test_other_choices_are_not_shown() -> None:
    first, second = {"index": 0, "delta": {"content": "a"}}, {"index": 1, "delta": {"content": "b"}}
    assert accumulated(written([chunk(first, second)]))["content"] == [{"type": "text", "text": "a"}]


def test_a_chunk_that_can_t_be_read_is_the_provider_s_fault() -> None:
    with pytest.raises(ProviderBroken):
        Events("r1", "m", ()).take(b"[]")


TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
ARGUMENTS = st.dictionaries(TEXTS, st.none() | st.booleans() | st.integers() | TEXTS, max_size=3).map(json.dumps)


@st.composite
def answers(draw: st.DrawFn) -> tuple[Json, list[Json]]:
    """A whole message, and its pieces in any order that keeps each member's own."""
    arguments = draw(st.lists(ARGUMENTS, max_size=3))
    said = {"reasoning": draw(st.none() | TEXTS), "content": draw(st.none() | TEXTS)}
    calls = [
        {"id": f"t{place}", "type": "function", "function": {"name": "look", "arguments": one}}
        for place, one in enumerate(arguments)
    ]
    sources = [[{name: piece} for piece in _cut(draw, whole)] for name, whole in said.items() if whole]
    for place, one in enumerate(arguments):
        first, *others = _cut(draw, one)
        sources.append([call(place, first, "look", f"t{place}"), *(call(place, piece) for piece in others)])
    pieces = []
    while any(sources):
        source = draw(st.sampled_from([source for source in sources if source]))
        pieces.append(source.pop(0))
    return {**said, "tool_calls": calls or None}, pieces


def _cut(draw: st.DrawFn, whole: str) -> list[str]:
    places = sorted(draw(st.sets(st.integers(1, max(1, len(whole) - 1)), max_size=3)))
    cuts = [0, *places, len(whole)]
    return [whole[start:end] for start, end in pairwise(cuts)]


@given(answers())
def test_any_mixture_of_pieces_adds_up_to_the_whole_answer(answer: tuple[Json, list[Json]]) -> None:
    said, pieces = answer
    body = chunk({"index": 0, "message": said, "finish_reason": "stop"})
    whole = json.loads(message(body, "r1", "asked", (), TOKENS))
    streamed = accumulated(written(deltas(*pieces)))
    assert _meaning(streamed) == _meaning(whole)
    assert {name: streamed[name] for name in ("stop_reason", "usage", "id", "model")} == {
        name: whole[name] for name in ("stop_reason", "usage", "id", "model")
    }


def _meaning(answer: Json) -> Json:
    """Texts and thinking joined, for an answer may come back to them; calls by their id."""
    blocks = answer["content"]
    return {
        "text": "".join(block["text"] for block in blocks if block["type"] == "text"),
        "thinking": "".join(block["thinking"] for block in blocks if block["type"] == "thinking"),
        "signatures": {block["signature"] for block in blocks if block["type"] == "thinking"} <= {sealed({})},
        "calls": {block["id"]: block["input"] for block in blocks if block["type"] == "tool_use"},
    }
