"""A message in Anthropic's shape: one object, or a stream of named events.

After Anthropic's API reference and its guide "Streaming Messages"; field order and padding as recorded.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from services.sandbox.anthropic_messages import signatures
from services.sandbox.chat import Answer, ChatRequest, Choice, ToolCall, Usage
from services.sandbox.script import Frame
from services.sandbox.text import count_tokens, split_tokens

_STOP = Frame(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')
_PING = Frame(b'event: ping\ndata: {"type": "ping"}\n\n')
_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
_WIDEST_PADDING = 12


class _Streamed(msgspec.Struct, frozen=True, kw_only=True):
    """A content block and the deltas it is streamed in."""

    whole: dict[str, Any]
    """As in a body."""
    empty: dict[str, Any]
    """As it begins in a stream."""
    deltas: list[tuple[dict[str, Any], float]]
    """Each with the tokens that making it takes."""
    lead: float = 0.0
    """Tokens made before it begins."""


def message(request: ChatRequest, answer: Answer, served: str, usage: Usage | None) -> bytes:
    """A `message` object by the model `served`."""
    choice = answer.choices[0]
    whole: dict[str, Any] = {
        **_envelope(answer, served),
        "content": [block.whole for block in _blocks(request, choice)],
        **_ending(choice),
    }
    if usage is not None:
        whole["usage"] = {**_input(usage), "output_tokens": usage.completion_tokens, **_thought(request, usage)}
        whole["usage"]["service_tier"] = "standard"
    return msgspec.json.encode(whole)


def events(request: ChatRequest, answer: Answer, served: str, usage: Usage | None, *, done: bool) -> list[Frame]:
    """The events of a stream, `message_stop` last when `done`."""
    choice = answer.choices[0]
    opening: dict[str, Any] = {
        **_envelope(answer, served),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
    }
    if usage is not None:
        opening["usage"] = {**_input(usage), "output_tokens": 1, "service_tier": "standard"}
    frames = [event("message_start", {"message": opening})]
    for index, block in enumerate(_blocks(request, choice)):
        start = {"index": index, "content_block": block.empty}
        frames.append(event("content_block_start", start, block.lead))
        if index == 0:
            frames.append(_PING)
        for delta, tokens in block.deltas:
            padding = len(frames) * 5 % _WIDEST_PADDING
            frames.append(event("content_block_delta", {"index": index, "delta": delta}, tokens, padding))
        frames.append(event("content_block_stop", {"index": index}))
    ending: dict[str, Any] = {"delta": _ending(choice)}
    if usage is not None:
        counts = _input(usage)
        del counts["cache_creation"]
        ending["usage"] = {**counts, "output_tokens": usage.completion_tokens, **_thought(request, usage)}
    frames.append(event("message_delta", ending, reports_usage=usage is not None))
    return [*frames, _STOP] if done else frames


def event(
    name: str, members: dict[str, Any], tokens: float = 0.0, padding: int = 0, *, reports_usage: bool = False
) -> Frame:
    """A named event, with spaces before its last brace."""
    data = msgspec.json.encode({"type": name, **members})
    return Frame(b"event: %s\ndata: %s%s}\n\n" % (name.encode(), data[:-1], b" " * padding), tokens, reports_usage)


def _envelope(answer: Answer, served: str) -> dict[str, Any]:
    return {"model": served, "id": answer.id, "type": "message", "role": "assistant"}


def _ending(choice: Choice) -> dict[str, Any]:
    reason = "stop_sequence" if choice.stop_sequence is not None else _REASONS[choice.finish_reason]
    details = {"type": "refusal", "category": None, "explanation": None} if reason == "refusal" else None
    return {"stop_reason": reason, "stop_sequence": choice.stop_sequence, "stop_details": details}


def _input(usage: Usage) -> dict[str, Any]:
    """Counts of the prompt, which here are apart: read from the cache, written to it, and the rest."""
    return {
        "input_tokens": usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_tokens,
            "ephemeral_1h_input_tokens": 0,
        },
    }


def _thought(request: ChatRequest, usage: Usage) -> dict[str, Any]:
    return {"output_tokens_details": {"thinking_tokens": usage.reasoning_tokens}} if request.reasons else {}


def _blocks(request: ChatRequest, choice: Choice) -> Iterator[_Streamed]:
    if choice.reasoning:
        if signatures.REDACTION in request.prompt:
            whole = {"type": "redacted_thinking", "data": signatures.redacted(choice.reasoning)}
            yield _Streamed(whole=whole, empty=whole, deltas=[], lead=count_tokens(choice.reasoning))
        else:
            yield _thinking(request, choice)
    if choice.content:
        whole = {"type": "text", "text": choice.content}
        deltas = [({"type": "text_delta", "text": token}, 1.0) for token in split_tokens(choice.content)]
        yield _Streamed(whole=whole, empty={"type": "text", "text": ""}, deltas=deltas)
    for call in choice.tool_calls:
        yield _tool_use(call)


def _thinking(request: ChatRequest, choice: Choice) -> _Streamed:
    signature = signatures.signature(choice.reasoning)
    shown = choice.reasoning if request.shows_reasoning else ""
    deltas: list[tuple[dict[str, Any], float]] = [
        ({"type": "thinking_delta", "thinking": token}, 1.0) for token in split_tokens(shown)
    ]
    deltas.append(({"type": "signature_delta", "signature": signature}, 0.0))
    return _Streamed(
        whole={"type": "thinking", "thinking": shown, "signature": signature},
        empty={"type": "thinking", "thinking": "", "signature": ""},
        deltas=deltas,
        lead=0.0 if shown else count_tokens(choice.reasoning),
    )


def _tool_use(call: ToolCall) -> _Streamed:
    begun = {"type": "tool_use", "id": call.id.replace("call_", "toolu_01"), "name": call.name}
    deltas: list[tuple[dict[str, Any], float]] = [({"type": "input_json_delta", "partial_json": ""}, 0.0)]
    deltas += [({"type": "input_json_delta", "partial_json": token}, 1.0) for token in split_tokens(call.arguments)]
    return _Streamed(
        whole={**begun, "input": _input_of(call)},
        empty={**begun, "input": {}},
        deltas=deltas,
        lead=count_tokens(call.name),
    )


def _input_of(call: ToolCall) -> Any:
    """The arguments as an object; what was cut off is left out whole."""
    try:
        return msgspec.json.decode(call.arguments)
    except msgspec.DecodeError:
        return {}
