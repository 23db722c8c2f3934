"""Real providers' recorded chat answers as Anthropic's messages and events, by the strict types of Anthropic's SDK."""

from typing import Any

import pytest

from services.router.api.anthropic.answer import message
from services.router.api.anthropic.events import Events
from services.router.chat import Format
from services.router.sse import SseReader
from tests.fixtures.references import needs
from tests.integration.router.recorded import FILES, Exchange, parsed, recorded_calls, sample
from tests.unit.router.api.anthropic.reading import Json, accumulated, checked
from tests.unit.router.calls import WIRE

pytestmark = [pytest.mark.corpus, *(needs(file) for file in FILES)]
_STOPS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}


def test_recorded_answers_become_messages() -> None:
    exchanges = [exchange for exchange in sample(9_999, seed=5) if exchange.expected["kind"] == "ok"]
    assert len(exchanges) > 1_900
    differences = {}
    for exchange in exchanges:
        found, recorded = _found(_message(exchange)), _recorded(exchange.expected)
        # The recordings' own reader takes no note of what was said aloud, nor of thinking that is told in details only.
        if "audio-transcript" in exchange.expected["flags"]:
            found["text"] = recorded["text"]
        if exchange.expected["reasoning"] is None:
            found["thinking"] = ""
        if found != recorded:
            differences[exchange.id] = (found, recorded)
    assert differences == {}


def _message(exchange: Exchange) -> Json:
    body = exchange.response["body"].encode()
    if not exchange.response["is_sse"]:
        answer = WIRE.parse_response(body, Format.MESSAGES)
        return checked(message(answer.body, "r1", "m", (), answer.facts.tokens))
    events = Events("r1", "m", ())
    reader, parser = SseReader(), WIRE.parse_stream(Format.MESSAGES)
    frames = [parser.parse(event) for event in reader.feed(body) + reader.finish()]
    written = [events.take(frame.data) for frame in frames if frame is not None and frame.data]
    return accumulated(b"".join([*written, events.end(parser.facts.tokens)]))


def _found(answer: Json) -> Json:
    text = {"text": "", "thinking": ""}
    calls: list[Any] = []
    for block in answer["content"]:
        if block["type"] in text:
            text[block["type"]] += block[block["type"]]
        elif block["type"] == "tool_use":
            given = block["input"]
            calls.append((block["name"], parsed(given["INVALID_JSON"]) if "INVALID_JSON" in given else given))
    usage = answer["usage"]
    cached, written = usage.get("cache_read_input_tokens"), usage.get("cache_creation_input_tokens")
    return {
        "text": text["text"],
        "thinking": text["thinking"],
        "calls": calls,
        "stop": answer["stop_reason"],
        "input": usage["input_tokens"],
        "output": usage["output_tokens"],
        "cached": cached,
        "written": written,
    }


def _recorded(expected: Json) -> Json:
    usage, calls = expected["usage"] or {}, recorded_calls(expected)
    prompt, cached, written = usage.get("input") or 0, usage.get("cached"), usage.get("cache_write")
    stop = "tool_use" if calls else _STOPS.get(expected["finish_openai"], "end_turn")
    if expected["refusal"]:
        stop = "refusal"
    return {
        "text": (expected["text"] or "") + (expected["refusal"] or ""),
        "thinking": expected["reasoning"] or "",
        "calls": calls,
        "stop": "max_tokens" if expected["finish_openai"] == "length" else stop,
        "input": max(prompt - (cached or 0) - (written or 0), 0),
        "output": usage.get("output") or 0,
        "cached": cached,
        "written": written,
    }
