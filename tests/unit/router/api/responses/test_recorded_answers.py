"""Real providers' recorded chat answers as responses and their events, by the types of OpenAI's SDK."""

import json

import pytest

from services.router.api.responses.whole import response_of
from services.router.chat import Format
from services.router.sse import SseReader
from tests.fixtures.references import needs
from tests.integration.router.recorded import FILES, Exchange, parsed, recorded_calls, sample
from tests.unit.router.api.responses.answers import Json, call, checked, streamed
from tests.unit.router.calls import WIRE

pytestmark = [pytest.mark.corpus, *(needs(file) for file in FILES)]


def test_recorded_answers_become_responses() -> None:
    exchanges = [exchange for exchange in sample(9_999, seed=5) if exchange.expected["kind"] == "ok"]
    assert len(exchanges) > 1_900
    differences = {}
    for exchange in exchanges:
        found, recorded = _found(_response(exchange)), _recorded(exchange.expected)
        # The recordings' own reader takes no note of what was said aloud, nor of thinking that is told in details only.
        if "audio-transcript" in exchange.expected["flags"]:
            found["text"] = recorded["text"]
        if exchange.expected["reasoning"] is None:
            found["reasoning"] = ""
        if found != recorded:
            differences[exchange.id] = (found, recorded)
    assert differences == {}


def _response(exchange: Exchange) -> Json:
    body = exchange.response["body"].encode()
    if not exchange.response["is_sse"]:
        answer = WIRE.parse_response(body, Format.RESPONSES)
        return checked(json.loads(response_of(call(), answer.body, answer.facts.tokens)))
    reader, parser = SseReader(), WIRE.parse_stream(Format.RESPONSES)
    frames = [parser.parse(event) for event in reader.feed(body) + reader.finish()]
    chunks = [frame.data for frame in frames if frame is not None and frame.data]
    response: Json = streamed(chunks, tokens=parser.facts.tokens)[-1]["response"]
    return response


def _found(response: Json) -> Json:
    items = response["output"]
    parts = [part for item in items if item["type"] == "message" for part in item["content"]]
    calls = [item for item in items if item["type"] in ("function_call", "custom_tool_call")]
    usage = response["usage"] or {"input_tokens_details": {}, "output_tokens_details": {}}
    return {
        "text": "".join(part.get("text", "") for part in parts),
        "refusal": "".join(part.get("refusal", "") for part in parts),
        "reasoning": "".join(part["text"] for item in items if item["type"] == "reasoning" for part in item["summary"]),
        "calls": [(item["name"], parsed(item.get("arguments", item.get("input")))) for item in calls],
        "incomplete": (response["incomplete_details"] or {}).get("reason"),
        "input": usage.get("input_tokens"),
        "output": usage.get("output_tokens"),
        "cached": usage["input_tokens_details"].get("cached_tokens"),
        "reasoned": usage["output_tokens_details"].get("reasoning_tokens"),
    }


def _recorded(expected: Json) -> Json:
    usage = expected["usage"] or {}
    told = usage.get("input") is not None
    return {
        "text": expected["text"] or "",
        "refusal": expected["refusal"] or "",
        "reasoning": expected["reasoning"] or "",
        "calls": recorded_calls(expected),
        "incomplete": {"length": "max_output_tokens", "content_filter": "content_filter"}.get(
            expected["finish_openai"]
        ),
        "input": usage.get("input"),
        "output": usage.get("output"),
        "cached": usage.get("cached") or 0 if told else None,
        "reasoned": usage.get("reasoning") or 0 if told else None,
    }
