"""Recorded exchanges with Gemini and Vertex AI: what a chat client ends with, and what recorded requests become."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from gzip import open as unzip
from typing import Any

import pytest

from services.router.chat import Facts, Format
from services.router.sse import SseReader
from services.router.wire.gemini import GeminiCountTokens
from services.runtime.errors import ProviderError
from tests.fixtures.references import TRAFFIC, needs
from tests.integration.router.recorded import EXPECTED, REQUESTS
from tests.unit.router.wire.gemini.samples import WIRE, Json, rendered

pytestmark = [pytest.mark.corpus, needs(TRAFFIC), needs(EXPECTED), needs(REQUESTS)]

_METHODS = ("generateContent", "streamGenerateContent")
_CUT_OFF = "sse-unterminated-last-event"
"""The last event lacks its empty line: the standard discards it."""
_IN_PIECES = "partial-function-args"
"""Arguments in pieces, which come only where asked for, as Pantheon never does."""


@dataclass
class Recorded:
    """An exchange, and what a client ends with."""

    status: int
    body: bytes
    is_stream: bool
    expected: Json


@dataclass
class Ending:
    """What a chat client ends with."""

    text: str = ""
    reasoning: str = ""
    finish: str | None = None
    calls: Any = ()
    usage: Any = None


@pytest.fixture(scope="module")
def exchanges() -> list[Recorded]:
    expected = {one["id"]: one for one in lines(EXPECTED)}
    found = [
        Recorded(one["response"]["status"], one["response"]["body"].encode(), bool(one["stream"]), expected[one["id"]])
        for one in lines(TRAFFIC)
        if one["wire"] == "gemini" and one["endpoint"] in _METHODS
    ]
    return [one for one in found if not {_CUT_OFF, _IN_PIECES} & set(one.expected["flags"])]


def lines(path: Any) -> Iterator[Json]:
    with unzip(path) as found:
        yield from map(json.loads, found)


def ending(one: Recorded) -> tuple[Ending, Facts]:
    """Raises ProviderError."""
    if one.status != 200:
        raise WIRE.parse_error(one.status, {}, one.body)
    found = Ending(calls=[])
    if not one.is_stream:
        answer = WIRE.parse_response(one.body, Format.CHAT)
        add(found, json.loads(answer.body), "message")
        return found, answer.facts
    reader, parser = SseReader(), WIRE.parse_stream(Format.CHAT)
    for event in reader.feed(one.body) + reader.finish():
        frame = parser.parse(event)
        if frame is not None and frame.data:
            add(found, json.loads(frame.data), "delta")
    assert parser.may_end
    return found, parser.facts


def add(found: Ending, body: Json, said: str) -> None:
    found.usage = body.get("usage") or found.usage
    for choice in body["choices"]:
        if choice["index"] == 0:
            found.text += choice[said].get("content") or ""
            found.reasoning += choice[said].get("reasoning") or ""
            found.calls += choice[said].get("tool_calls") or []
            found.finish = choice["finish_reason"] or found.finish


def test_a_chat_client_ends_with_what_was_recorded(exchanges: list[Recorded]) -> None:
    assert len(exchanges) > 800
    for one in exchanges:
        expected = one.expected
        if expected["error"]:
            with pytest.raises(ProviderError) as raised:
                ending(one)
            assert raised.value.is_about_us or raised.value.message == expected["error"]["message"]
            continue
        found, facts = ending(one)
        said = (found.text, found.reasoning)
        assert said == (expected["text"], expected["reasoning"] or ""), expected["id"]
        # Numbers for names, new names and calls of undeclared functions have no word in chat, so none is expected.
        assert expected["finish_openai"] in (found.finish, None), expected["id"]
        assert identity(facts) == (expected["response_id"] or "", expected["model"] or ""), expected["id"]
        assert counts(facts) == recorded_counts(expected), expected["id"]
        check_calls(found.calls, expected["tool_calls"])


def identity(facts: Facts) -> tuple[str, str]:
    return facts.response_id, facts.served_model


def counts(facts: Facts) -> tuple[int | None, ...]:
    tokens = facts.tokens
    if tokens is None:
        return (None,) * 6
    audio = (tokens.prompt_audio_tokens, tokens.completion_audio_tokens)
    return (tokens.prompt_tokens, tokens.completion_tokens, tokens.cached_tokens, tokens.reasoning_tokens, *audio)


def recorded_counts(expected: Json) -> tuple[int | None, ...]:
    norm, usage = expected["usage_norm"] or {}, expected["usage"] or {}
    prompt, completion, total = norm.get("prompt_total"), norm.get("completion_total"), usage.get("total")
    # A count of zero is left out, and follows from the total.
    if completion is None and prompt is not None and prompt == total:
        completion = 0
    return (prompt, completion, *(usage.get(name) for name in ("cached", "reasoning", "audio_in", "audio_out")))


def check_calls(found: list[Json], recorded: list[Json]) -> None:
    """Ids are made up where none was recorded, one for each call."""
    assert len({call["id"] for call in found}) == len(found)
    assert [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in found] == [
        (call["name"], call["arguments"]) for call in recorded
    ]
    assert all(call["id"] in (own["id"], None) for own, call in zip(found, recorded, strict=True))


def test_counts_are_read() -> None:
    counted = [one for one in lines(TRAFFIC) if one["endpoint"] == "countTokens" and one["response"]["status"] == 200]
    for one in counted:
        body = one["response"]["body"]
        answer = GeminiCountTokens().parse_response(body.encode(), Format.COUNT_TOKENS)
        assert json.loads(answer.body) == {"input_tokens": json.loads(body)["totalTokens"]}


def test_every_recorded_request_can_be_said() -> None:
    ids = {one["id"] for one in lines(TRAFFIC) if one["wire"] == "gemini"}
    requests = [one["body"] for one in lines(REQUESTS) if one["id"] in ids]
    assert len(requests) > 700
    for body in requests:
        assert rendered(body["model"], **{name: value for name, value in body.items() if name != "model"})["contents"]
