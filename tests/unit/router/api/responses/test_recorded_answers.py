"""Real providers' recorded chat answers as responses and their events, by the types of OpenAI's SDK."""

import json

import pytest

from services.router.api.responses.whole import response_of
from services.router.chat import Format
from tests.fixtures.references import needs
from tests.integration.router.recorded import FILES, Exchange, parsed, recorded_calls
from tests.unit.router.api.recordings import check_answers, chunks_of
from tests.unit.router.api.responses.answers import Json, call, checked, streamed
from tests.unit.router.calls import WIRE

pytestmark = [pytest.mark.corpus, *(needs(file) for file in FILES)]


def test_recorded_answers_become_responses() -> None:
    check_answers(lambda exchange: _found(_response(exchange)), _recorded, thinking="reasoning")


def _response(exchange: Exchange) -> Json:
    if not exchange.response["is_sse"]:
        answer = WIRE.parse_response(exchange.response["body"].encode(), Format.RESPONSES)
        return checked(json.loads(response_of(call(), answer.body, answer.facts.tokens)))
    parser = WIRE.parse_stream(Format.RESPONSES)
    chunks = chunks_of(exchange, parser)
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
