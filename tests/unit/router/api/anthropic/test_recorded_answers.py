"""Real providers' recorded chat answers as Anthropic's messages and events, by the strict types of Anthropic's SDK."""

from typing import Any

import pytest

from services.router.api.anthropic.answer import message
from services.router.api.anthropic.events import Events
from services.router.chat import Format
from tests.fixtures.references import needs
from tests.integration.router.recorded import FILES, Exchange, parsed, recorded_calls
from tests.unit.router.api.anthropic.reading import Json, accumulated, checked
from tests.unit.router.api.recordings import check_answers, chunks_of
from tests.unit.router.calls import WIRE

pytestmark = [pytest.mark.corpus, *(needs(file) for file in FILES)]
_STOPS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}


def test_recorded_answers_become_messages() -> None:
    check_answers(lambda exchange: _found(_message(exchange)), _recorded, thinking="thinking")


def _message(exchange: Exchange) -> Json:
    if not exchange.response["is_sse"]:
        answer = WIRE.parse_response(exchange.response["body"].encode(), Format.MESSAGES)
        return checked(message(answer.body, "r1", "m", (), answer.facts.tokens))
    events, parser = Events("r1", "m", ()), WIRE.parse_stream(Format.MESSAGES)
    written = [events.take(chunk) for chunk in chunks_of(exchange, parser)]
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
