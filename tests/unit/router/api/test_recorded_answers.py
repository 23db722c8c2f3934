"""Real providers' recorded answers as the proto's messages: texts, reasoning, refusals and tool calls as recorded."""

from typing import Any

import pytest

from pantheon.router.v1.completion_pb2 import Choice
from pantheon.router.v1.message_pb2 import Part
from pantheon.usage.v1.ledger_pb2 import LedgerState, Surface
from services.router.api.grpc_response import Accumulator
from services.router.attempts import Call
from services.router.catalog import Endpoint
from services.router.chat import Facts, Format
from services.router.plan import Candidate, Plan
from services.runtime.ids import uuid7
from tests.fixtures.references import needs
from tests.integration.router.recorded import FILES, Exchange, parsed, recorded_calls, sample
from tests.unit.router.api.recordings import chunks_of
from tests.unit.router.calls import PRINCIPAL, WIRE, bill, provider, request

CANDIDATE = Candidate(provider("openai"), Endpoint("openai", "m"), WIRE)
CALL = Call(str(uuid7()), request(), PRINCIPAL, Surface.SURFACE_GRPC, Plan("m", [CANDIDATE], {}), 0.0)
RECEIPT = bill(LedgerState.LEDGER_STATE_SETTLED)

pytestmark = [pytest.mark.corpus, *(needs(file) for file in FILES)]


def test_recorded_answers_are_taken_whole() -> None:
    exchanges = [exchange for exchange in sample(600, seed=3) if exchange.expected["kind"] == "ok"]
    assert len(exchanges) > 400
    differences = {}
    for exchange in exchanges:
        found, recorded = _found(_choice(exchange)), _recorded(exchange.expected)
        if found != recorded:
            differences[exchange.id] = (found, recorded)
    assert differences == {}


def _choice(exchange: Exchange) -> Choice:
    accumulator = Accumulator()
    if exchange.response["is_sse"]:
        for chunk in chunks_of(exchange, WIRE.parse_stream(Format.CHAT)):
            accumulator.add(chunk)
    else:
        body = exchange.response["body"].encode()
        accumulator.add_whole(WIRE.parse_response(body, Format.CHAT).body)
    choices = accumulator.completion(CALL, CANDIDATE, Facts(), RECEIPT).choices
    return choices[0] if choices else Choice()


def _found(choice: Choice) -> dict[str, Any]:
    parts = choice.message.parts
    first = {part.WhichOneof("part"): part for part in parts}
    return {
        "text": first.get("text", Part()).text.text,
        "reasoning": first.get("reasoning", Part()).reasoning.text,
        "refusal": first.get("refusal", Part()).refusal.text,
        "finish": choice.finish_reason,
        "calls": [
            (part.tool_call.name, parsed(part.tool_call.arguments_json)) for part in parts if part.HasField("tool_call")
        ],
    }


def _recorded(expected: dict[str, Any]) -> dict[str, Any]:
    return {
        "text": expected["text"] or "",
        "reasoning": expected["reasoning"] or "",
        "refusal": expected["refusal"] or "",
        "finish": expected["finish_raw"] or "",
        "calls": recorded_calls(expected),
    }
