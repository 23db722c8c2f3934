"""Answers in the common shape, and what the Responses surface makes of them."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from services.rating import Tokens
from services.router.api.responses.errors import ResponseErrors
from services.router.api.responses.events import ResponseEvents
from services.router.api.responses.whole import response_of
from services.router.attempts import Call
from services.router.catalog import Endpoint
from services.router.chat import Body, ChatRequest, Facts, Format
from services.router.plan import Candidate, Plan
from tests.unit.router.calls import PRINCIPAL, WIRE, bill, provider

Json = dict[str, Any]
TOKENS = Tokens(prompt_tokens=20, completion_tokens=9, cached_tokens=8, reasoning_tokens=4)
_ID = "0190c0de-0000-7000-8000-00000000000a"
_any_event: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def call(fill: Body | None = None, **asked: Any) -> Call:
    """A call whose request has these members."""
    body = msgspec.json.decode(msgspec.json.encode({"model": "m", "input": "Hi", **asked}), type=Body)
    request = ChatRequest(model="m", body=body, size=10, format=Format.RESPONSES)
    candidate = Candidate(provider("acme"), Endpoint("acme", "m"), WIRE)
    return Call(_ID, request, PRINCIPAL, 0, Plan("acme/m", [candidate], fill or {}), 0.0)


def whole(
    message: Json, *, finish: str = "stop", tokens: Tokens | None = TOKENS, asked: Call | None = None, **choice: Any
) -> Json:
    """The response that a whole answer makes."""
    choices = [{"index": 0, "message": message, "finish_reason": finish, **choice}]
    answer = json.dumps({"id": "c-1", "model": "m-2025", "choices": choices})
    return checked(json.loads(response_of(asked or call(), answer.encode(), tokens)))


def checked(response: Json) -> Json:
    """A response, which must be one by the SDK's types."""
    Response.model_validate(response)
    return response


def chunk(delta: Json | None = None, *, finish: str | None = None, **choice: Any) -> bytes:
    """A chunk of a stream."""
    choices = [{"index": 0, "delta": delta or {}, "finish_reason": finish, **choice}]
    return json.dumps({"id": "c-1", "model": "m-2025", "choices": choices}).encode()


def streamed(chunks: Iterable[bytes], *, tokens: Tokens | None = TOKENS, asked: Call | None = None) -> Sequence[Json]:
    """The events that chunks make, numbered without a gap and valid by the SDK's own types."""
    numbered = ResponseErrors()
    writer = ResponseEvents(asked or call(), numbered)
    written = writer.begin()
    for one in chunks:
        written += writer.add(one)
    written += writer.end(Facts(tokens=tokens), bill(0, tokens))
    events = read(written)
    assert [event["sequence_number"] for event in events] == list(range(numbered.count))
    for event in events:
        assert _any_event.validate_python(event).type == event["type"]
    return events


def read(written: bytes) -> list[Json]:
    """Events as they were written, each under its own name."""
    events = []
    for block in written.decode().split("\n\n")[:-1]:
        name, data = block.split("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    return events
