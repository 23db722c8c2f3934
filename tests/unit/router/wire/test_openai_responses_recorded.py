"""Recorded traffic of the Responses API passed through: every byte, and the facts a client would end with."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.rating import Tokens
from services.router.chat import Facts, Format
from services.router.sse import SseReader
from services.router.wire.openai_responses import OpenAIResponses
from tests.fixtures.references import TRAFFIC, needs
from tests.integration.router.recorded import EXPECTED

WIRE = OpenAIResponses()
TWO_STREAMS_IN_ONE = "6fec270b071b3c9a"
pytestmark = [pytest.mark.corpus, needs(TRAFFIC), needs(EXPECTED)]


def lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path) as found:
        yield from map(json.loads, found)


def test_recorded_responses_pass_unchanged_and_tell_their_facts() -> None:
    expected = {one["id"]: one for one in lines(EXPECTED)}
    compared, differences = 0, {}
    for exchange in lines(TRAFFIC):
        response, told = exchange["response"], expected[exchange["id"]]
        if exchange["wire"] != "responses" or exchange["id"] == TWO_STREAMS_IN_ONE:
            continue
        compared += 1
        if told["kind"] == "http_error":
            error = WIRE.parse_error(response["status"], {}, response["body"].encode())
            assert error.is_about_us or error.message == told["error"]["message"]
            continue
        facts = _facts(response["body"].encode(), streamed=response["is_sse"])
        found, recorded = _told(facts), _recorded(told)
        if found != recorded:
            differences[exchange["id"]] = (found, recorded)
    assert compared > 850
    assert differences == {}


def _facts(body: bytes, *, streamed: bool) -> Facts:
    if not streamed:
        answer = WIRE.parse_response(body, Format.RESPONSES)
        assert answer.body is body
        return answer.facts
    reader, parser = SseReader(), WIRE.parse_stream(Format.RESPONSES)
    for event in reader.feed(body) + reader.finish():
        assert not parser.done or event.data == b"[DONE]"
        frame = parser.parse(event)
        assert frame is None or (frame.data, frame.name, frame.comment) == (event.data, event.name, event.comment)
    assert parser.done
    return parser.facts


def _told(facts: Facts) -> tuple[Any, ...]:
    cost = None if facts.reported_cost is None else float(facts.reported_cost)
    # Searches are not among what was noted of the recordings.
    tokens = replace(facts.tokens, web_searches=None) if facts.tokens else Tokens()
    return facts.response_id, facts.served_model, facts.finish_reason or None, cost, tokens


def _recorded(told: dict[str, Any]) -> tuple[Any, ...]:
    usage = told["usage"] or {}
    tokens = Tokens(
        prompt_tokens=usage.get("input"),
        completion_tokens=usage.get("output"),
        cached_tokens=usage.get("cached"),
        cache_write_tokens=usage.get("cache_write"),
        reasoning_tokens=usage.get("reasoning"),
        prompt_audio_tokens=usage.get("audio_in"),
        completion_audio_tokens=usage.get("audio_out"),
    )
    return told["response_id"], told["model"], told["finish_openai"], told["cost"], tokens
