"""Requests as chat clients send them, what Anthropic gets of them, and Anthropic's streams."""

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from services.router.chat import Body, ChatRequest, Format
from services.router.sse import Event
from services.router.wire.anthropic_messages import AnthropicMessages
from services.router.wire.base import Dialect, StreamParser

WIRE = AnthropicMessages()
TODAY = "claude-opus-5"
"""A model that adapts its thinking and takes no sampling parameters."""
BUDGETED = "claude-haiku-4-5-20251001"
"""A model that thinks by budget."""

Json = dict[str, Any]


def body_of(body: Json) -> Body:
    return msgspec.json.decode(json.dumps(body), type=Body)


def rendered(model: str = BUDGETED, *, fill: Json | None = None, stream: bool = False, **chat: Any) -> Json:
    """What Anthropic gets of a chat request with these members."""
    chat.setdefault("messages", [{"role": "user", "content": "Hi"}])
    request = ChatRequest(model="any", body=body_of({"model": "any", **chat}), size=1, stream=stream)
    found: Json = json.loads(WIRE.render_request(request, model, body_of(fill or {}), Dialect()))
    return found


def turns(*messages: Json) -> list[Json]:
    found: list[Json] = rendered(messages=list(messages))["messages"]
    return found


def event(**members: Any) -> Event:
    """An event of a stream, under the name of its type."""
    return Event(json.dumps(members).encode(), members["type"].encode())


START = event(
    type="message_start",
    message={
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-5", "content": [],
        "usage": {
            "input_tokens": 5, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 3, "output_tokens": 1,
        },
    },
)  # fmt: skip
STOP = event(type="message_stop")


def begun(index: int, **block: Any) -> Event:
    return event(type="content_block_start", index=index, content_block=block)


def grown(index: int, kind: str, **delta: Any) -> Event:
    return event(type="content_block_delta", index=index, delta={"type": f"{kind}_delta", **delta})


def ended(index: int) -> Event:
    return event(type="content_block_stop", index=index)


def last(reason: str = "end_turn", *, details: Json | None = None, **usage: int) -> Event:
    delta = {"stop_reason": reason, "stop_sequence": None, "stop_details": details}
    return event(type="message_delta", delta=delta, usage={"output_tokens": 9, **usage})


def chunks(events: Iterable[Event]) -> tuple[list[Json], StreamParser]:
    """The chunks that a chat client gets of these events."""
    parser = WIRE.parse_stream(Format.CHAT)
    frames = [parser.parse(one) for one in events]
    return [json.loads(frame.data) for frame in frames if frame is not None and frame.comment is None], parser


def deltas(*events: Event) -> list[Json]:
    """What the chunks add, between the first and the last."""
    found, _ = chunks((START, *events, last(), STOP))
    return [chunk["choices"][0]["delta"] for chunk in found[1:-1]]
