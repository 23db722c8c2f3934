"""Requests as chat clients send them, what Gemini gets of them, and Gemini's answers."""

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from services.router.chat import Body, ChatRequest, Facts, Format
from services.router.sse import Event
from services.router.wire.base import Dialect, StreamParser
from services.router.wire.gemini import Gemini

WIRE = Gemini()
BUDGETED = "gemini-2.5-flash"
"""A model that thinks by budget."""
LEVELLED = "gemini-3-flash-preview"
"""A model that thinks by level, and wants its signatures back."""

Json = dict[str, Any]


def body_of(body: Json) -> Body:
    return msgspec.json.decode(json.dumps(body), type=Body)


def rendered(model: str = BUDGETED, *, fill: Json | None = None, **chat: Any) -> Json:
    """What Gemini gets of a chat request with these members."""
    chat.setdefault("messages", [{"role": "user", "content": "Hi"}])
    request = ChatRequest(model="any", body=body_of({"model": "any", **chat}), size=1)
    found: Json = json.loads(WIRE.render_request(request, model, body_of(fill or {}), Dialect()))
    return found


def config(model: str = BUDGETED, **chat: Any) -> Json:
    """The parameters that Gemini gets."""
    found: Json = rendered(model, **chat).get("generationConfig", {})
    return found


def turns(*messages: Json, model: str = BUDGETED) -> list[Json]:
    found: list[Json] = rendered(model, messages=list(messages))["contents"]
    return found


def user(*parts: Json) -> list[Json]:
    """The parts that Gemini gets of a user's message."""
    found: list[Json] = turns({"role": "user", "content": list(parts)})[0]["parts"]
    return found


def response(*parts: Json, finish: str | int | None = "STOP", **members: Any) -> Json:
    """An answer of one candidate. Members of the candidate are told by their names, others go beside it."""
    candidate: Json = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    for name in ("groundingMetadata", "citationMetadata", "logprobsResult"):
        if name in members:
            candidate[name] = members.pop(name)
    return {"candidates": [candidate], "modelVersion": "gemini-2.5-flash", "responseId": "r-1", **members}


def answered(body: Json) -> tuple[Json, Facts]:
    """The chat completion that a chat client gets of an answer."""
    answer = WIRE.parse_response(json.dumps(body).encode(), Format.CHAT)
    assert answer.format is Format.CHAT
    return json.loads(answer.body), answer.facts


def message(*parts: Json, **members: Any) -> Json:
    found: Json = answered(response(*parts, **members))[0]["choices"][0]["message"]
    return found


def chunks(*bodies: Json) -> tuple[list[Json], StreamParser]:
    """The chunks that a chat client gets of these events."""
    return parsed(Event(json.dumps(body).encode()) for body in bodies)


def parsed(events: Iterable[Event]) -> tuple[list[Json], StreamParser]:
    parser = WIRE.parse_stream(Format.CHAT)
    frames = [parser.parse(event) for event in events]
    return [json.loads(frame.data) for frame in frames if frame is not None and frame.comment is None], parser


def deltas(*bodies: Json) -> list[Json]:
    return [chunk["choices"][0]["delta"] for chunk in chunks(*bodies)[0]]
