"""Recorded exchanges with Anthropic: what a chat client ends with, and what passes through."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from gzip import open as unzip
from typing import Any

import pytest

from services.router.chat import Facts, Format
from services.router.sse import Event, SseReader
from services.router.wire.anthropic_messages import AnthropicCountTokens
from services.runtime.errors import ProviderError
from tests.fixtures.references import TRAFFIC, needs
from tests.integration.router.recorded import EXPECTED, Answer, recorded_calls
from tests.unit.router.wire.anthropic_messages.samples import WIRE, Json

pytestmark = [needs(TRAFFIC), needs(EXPECTED)]
PAUSED = "pause_turn"
"""Has no word in chat completions, so none is expected; `stop` is what a chat client gets."""


@dataclass
class Recorded:
    """An exchange, and what a client ends with."""

    status: int
    body: bytes
    is_stream: bool
    is_count: bool
    expected: Json


@pytest.fixture(scope="module")
def exchanges() -> list[Recorded]:
    expected = {one["id"]: one for one in lines(EXPECTED)}
    return [
        Recorded(
            one["response"]["status"],
            one["response"]["body"].encode(),
            one["response"]["is_sse"],
            one["endpoint"] == "count_tokens",
            expected[one["id"]],
        )
        for one in lines(TRAFFIC)
        if one["wire"] == "messages"
    ]


def lines(path: Any) -> Iterator[Json]:
    with unzip(path) as found:
        yield from map(json.loads, found)


def events_of(body: bytes) -> list[Event]:
    reader = SseReader()
    return [one for one in reader.feed(body) + reader.finish() if one.comment is None]


def as_chat(one: Recorded) -> tuple[Answer, Facts]:
    """What a chat client ends with. Raises ProviderError."""
    if one.status != 200:
        raise WIRE.parse_error(one.status, {}, one.body)
    if not one.is_stream:
        answer = WIRE.parse_response(one.body, Format.CHAT)
        return Answer.whole(json.loads(answer.body)), answer.facts
    parser = WIRE.parse_stream(Format.CHAT)
    frames = [frame for frame in map(parser.parse, events_of(one.body)) if frame is not None]
    assert parser.done
    return Answer.streamed([frame.data.decode() for frame in frames if frame.data]), parser.facts


def test_a_chat_client_ends_with_what_was_recorded(exchanges: list[Recorded]) -> None:
    for one in exchanges:
        expected = one.expected
        if one.is_count:
            continue
        if expected["error"]:
            with pytest.raises(ProviderError) as raised:
                as_chat(one)
            assert raised.value.is_about_us or raised.value.message == expected["error"]["message"]
            continue
        answer, facts = as_chat(one)
        finish = "stop" if expected["finish_raw"] == PAUSED else expected["finish_openai"]
        assert (answer.text, answer.finish_reason) == (expected["text"], finish), expected["id"]
        assert answer.tool_calls == recorded_calls(expected), expected["id"]
        assert facts.tokens is not None
        counts = (facts.tokens.prompt_tokens, facts.tokens.completion_tokens)
        norm, usage = expected["usage_norm"], expected["usage"]
        assert counts == (norm["prompt_total"], norm["completion_total"]), expected["id"]
        parts = (facts.tokens.cached_tokens, facts.tokens.cache_write_tokens, facts.tokens.reasoning_tokens)
        assert parts == (usage["cached"], usage["cache_write"], usage["reasoning"]), expected["id"]


def test_a_client_of_the_same_format_gets_every_byte(exchanges: list[Recorded]) -> None:
    for one in exchanges:
        if one.status != 200 or one.expected["error"]:
            continue
        if one.is_count:
            assert AnthropicCountTokens().parse_response(one.body, Format.COUNT_TOKENS).body == one.body
        elif one.is_stream:
            parser = WIRE.parse_stream(Format.MESSAGES)
            events = events_of(one.body)
            frames = [parser.parse(event) for event in events]
            assert [(frame.name, frame.data) for frame in frames if frame] == [
                (event.name, event.data) for event in events
            ]
        else:
            assert WIRE.parse_response(one.body, Format.MESSAGES).body == one.body
