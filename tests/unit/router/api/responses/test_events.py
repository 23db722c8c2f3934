"""The chunks of an answer in the common shape as the events of a response."""

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from tests.unit.router.api.responses.answers import Json, chunk, streamed, whole

_any_event: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def types(events: Sequence[Json]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


def test_a_text_is_told_step_by_step() -> None:
    events = streamed(
        [chunk({"role": "assistant", "content": ""}), chunk({"content": "Hel"}), chunk({"content": "lo"})]
    )
    assert types(events) == [
        "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta", "output_text.delta",
        "output_text.done", "content_part.done", "output_item.done", "completed",
    ]  # fmt: skip
    assert [event["delta"] for event in events if event["type"].endswith("delta")] == ["Hel", "lo"]
    assert events[-1]["response"]["output"] == [events[-2]["item"]]


def test_reasoning_is_done_before_the_text_begins() -> None:
    events = streamed([chunk({"reasoning": "Hm"}), chunk({"reasoning": "m."}), chunk({"content": "42"})])
    assert types(events)[2:10] == [
        "output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta",
        "reasoning_summary_text.delta", "reasoning_summary_text.done", "reasoning_summary_part.done",
        "output_item.done", "output_item.added",
    ]  # fmt: skip
    assert [item["type"] for item in events[-1]["response"]["output"]] == ["reasoning", "message"]


def test_calls_grow_side_by_side_and_are_done_at_the_end() -> None:
    first = {"index": 0, "id": "c1", "function": {"name": "add", "arguments": ""}}
    second = {"index": 1, "id": "c2", "function": {"name": "sub", "arguments": '{"b"'}}
    pieces = [{"index": 0, "function": {"arguments": '{"a":1}'}}, {"index": 1, "function": {"arguments": ":2}"}}]
    events = streamed([chunk({"tool_calls": [one]}) for one in (first, second, *pieces)])
    assert types(events)[-5:] == [
        "function_call_arguments.done", "output_item.done", "function_call_arguments.done", "output_item.done",
        "completed",
    ]  # fmt: skip
    calls = events[-1]["response"]["output"]
    assert [(call["call_id"], call["arguments"]) for call in calls] == [("c1", '{"a":1}'), ("c2", '{"b":2}')]


def test_calls_without_an_index_or_an_id_are_told_apart() -> None:
    pieces: list[Json] = [
        {"function": {"name": "a", "arguments": "{"}},
        {"function": {"arguments": "}"}},
        {"function": {"name": "b"}},
    ]
    output = streamed([chunk({"tool_calls": [one]}) for one in pieces])[-1]["response"]["output"]
    assert [(call["name"], call["arguments"]) for call in output] == [("a", "{}"), ("b", "{}")]
    pieces = [{"index": 0, "id": name, "function": {"name": name, "arguments": "1"}} for name in ("a", "b")]
    output = streamed([chunk({"tool_calls": [one]}) for one in pieces])[-1]["response"]["output"]
    assert [call["call_id"] for call in output] == ["a", "b"]


def test_a_call_begins_when_its_name_is_known() -> None:
    pieces = [{"index": 0, "id": "c", "function": {"arguments": '{"a"'}}, {"index": 0, "function": {"name": "add"}}]
    events = streamed([chunk({"tool_calls": [one]}) for one in pieces])
    added = next(event for event in events if event["type"] == "response.output_item.added")
    assert (added["item"]["name"], added["item"]["arguments"]) == ("add", "")
    assert events[-1]["response"]["output"][0]["arguments"] == '{"a"'


def test_an_answer_that_was_cut_off_ends_as_incomplete() -> None:
    last = streamed([chunk({"content": "Hel"}), chunk(finish="length")])[-1]
    assert (last["type"], last["response"]["status"]) == ("response.incomplete", "incomplete")
    assert last["response"]["output"][0]["status"] == "incomplete"


def test_the_last_event_tells_usage_model_and_cost() -> None:
    response = streamed([chunk({"content": "x"}), chunk(finish="stop")])[-1]["response"]
    assert response["usage"]["total_tokens"] == 29
    assert response["model"] == "m-2025"
    assert response["pantheon"]["model"] == "acme/m"
    assert response["pantheon"]["cost"] is None


def test_an_answer_of_nothing_is_a_response_of_nothing() -> None:
    assert types(streamed([])) == ["created", "in_progress", "completed"]


def test_text_and_refusal_are_parts_of_one_message() -> None:
    events = streamed([chunk({"content": "Well"}), chunk({"refusal": "No."})])
    (message,) = events[-1]["response"]["output"]
    assert [part["type"] for part in message["content"]] == ["output_text", "refusal"]


def test_citations_are_told_when_they_come() -> None:
    citation = {"type": "url_citation", "url_citation": {"url": "https://x.example", "title": None}}
    events = streamed([chunk({"content": "x"}), chunk({"annotations": [citation]})])
    assert "output_text.annotation.added" in types(events)
    assert events[-1]["response"]["output"][0]["content"][0]["annotations"][0]["url"] == "https://x.example"


def test_a_character_cut_in_two_is_whole_again() -> None:
    halves = [json.loads(f'{{"content":"{half}"}}') for half in ("a\\ud83d", "\\ude00b")]
    events = streamed(map(chunk, halves))
    assert [event["delta"] for event in events if event["type"].endswith("delta")] == ["a", "😀b"]
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == "a😀b"


TEXTS = st.text(min_size=1, max_size=5)
PIECES = st.one_of(
    TEXTS.map(lambda text: {"content": text}),
    TEXTS.map(lambda text: {"reasoning": text}),
    TEXTS.map(lambda text: {"refusal": text}),
    st.tuples(st.integers(0, 2), TEXTS).map(
        lambda piece: {"tool_calls": [{"index": piece[0], "function": {"arguments": piece[1]}}]}
    ),
    st.tuples(st.integers(0, 2)).map(
        lambda piece: {"tool_calls": [{"index": piece[0], "id": f"c{piece[0]}", "function": {"name": f"f{piece[0]}"}}]}
    ),
    st.just({}),
)


def said(response: Json) -> Json:
    """What a response says, whatever items it says it in."""
    items = response["output"]
    parts = [part for item in items if item["type"] == "message" for part in item["content"]]
    return {
        "text": "".join(part.get("text", "") for part in parts),
        "refusal": "".join(part.get("refusal", "") for part in parts),
        "reasoning": "".join(part["text"] for item in items if item["type"] == "reasoning" for part in item["summary"]),
        "calls": sorted((item["call_id"], item["arguments"]) for item in items if item["type"] == "function_call"),
    }


def as_one(pieces: list[Json]) -> Json:
    """The message that the pieces are of."""
    message: Json = {"content": "", "reasoning": "", "refusal": ""}
    calls: dict[int, Json] = {}
    for piece in pieces:
        for name in ("content", "reasoning", "refusal"):
            message[name] += piece.get(name, "")
        for one in piece.get("tool_calls", ()):
            index = one["index"]
            function = calls.setdefault(index, {"id": f"c{index}", "function": {"name": f"f{index}", "arguments": ""}})
            function["function"]["arguments"] += one["function"].get("arguments", "")
    return {**message, "tool_calls": list(calls.values())}


def named_first(pieces: list[Json]) -> list[Json]:
    """The pieces, with each call's id and name before its arguments, as every provider sends them."""
    known: set[int] = set()
    found: list[Json] = []
    for piece in pieces:
        for one in piece.get("tool_calls", ()):
            index = one["index"]
            if index not in known and "id" not in one:
                begin = {"index": index, "id": f"c{index}", "function": {"name": f"f{index}"}}
                found.append({"tool_calls": [begin]})
            known.add(index)
        found.append(piece)
    return found


@given(st.lists(PIECES, max_size=12).map(named_first))
def test_however_an_answer_is_cut_its_events_come_to_the_whole(pieces: list[Json]) -> None:
    events = streamed(map(chunk, pieces))
    well_formed(events)
    assert said(events[-1]["response"]) == said(whole(as_one(pieces)))


@given(st.lists(PIECES, max_size=12).map(named_first))
def test_the_sdk_puts_the_events_together_to_what_the_last_one_says(pieces: list[Json]) -> None:
    events = streamed(map(chunk, pieces))
    state: ResponseStreamState[Any] = ResponseStreamState(input_tools=omit, text_format=omit)
    for event in events[:-2]:
        state.handle_event(_any_event.validate_python(event))
    grown = state.accumulate_event(_any_event.validate_python(events[-2]))
    found, told = said(grown.to_dict(warnings=False)), said(events[-1]["response"])
    # Reasoning and refusals it leaves to whoever reads the events.
    assert (found["text"], found["calls"]) == (told["text"], told["calls"])


def well_formed(events: Sequence[Json]) -> None:
    """Items and parts begin once and end once; nothing is said of one outside of that; each ends as it grew."""
    grown: dict[tuple[Any, ...], str] = {}
    open_items: set[int] = set()
    for event in events:
        kind, place = event["type"], event.get("output_index", -1)
        if kind == "response.output_item.added":
            assert place not in open_items
            open_items.add(place)
        elif kind == "response.output_item.done":
            open_items.remove(place)
        elif place >= 0:
            assert place in open_items
            part = (place, event.get("content_index", event.get("summary_index")))
            if kind.endswith(".delta"):
                grown[part] = grown.get(part, "") + event["delta"]
            elif kind.endswith(("text.done", "refusal.done", "arguments.done")):
                ended = event.get("text", event.get("refusal", event.get("arguments")))
                assert ended == grown.get(part, "")
    assert not open_items
    assert [event["output_index"] for event in events if event["type"].endswith("item.added")] == list(
        range(len(events[-1]["response"]["output"]))
    )
