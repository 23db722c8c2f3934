"""The chunks of a stream in the common shape as the events of an Anthropic one.

Format: Anthropic API reference, "Streaming messages". Blocks come one after the other there, while chunks may mix
pieces of several tool calls: what belongs to a later block waits until the earlier one is complete.
"""

from collections import deque
from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from services.rating import Tokens
from services.router.api.anthropic.answer import ending, head, opening, usage
from services.router.api.anthropic.said import Block, Blocks, Choice, decode
from services.router.api.carrier import encoded
from services.router.api.frames import event

PING = b'event: ping\ndata: {"type":"ping"}\n\n'
_DELTAS = {
    "text": ("text_delta", "text"),
    "thinking": ("thinking_delta", "thinking"),
    "tool_use": ("input_json_delta", "partial_json"),
}
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Events:
    """Turns chunks into events, written as they are sent. `request_id`, `model` and `stops` are the request's."""

    def __init__(self, request_id: str, model: str, stops: Collection[str]) -> None:
        self._request_id = request_id
        self._model = model
        self._stops = stops
        self._begun = False
        self._ended = False
        self._said = Blocks()
        self._waiting: deque[Block] = deque()
        self._seen = 0
        self._index = 0
        self._opened = False
        self._sent = 0
        self._cited = 0
        self._last = Choice()

    def take(self, chunk: bytes) -> bytes:
        """The events that a chunk makes. Raises ProviderBroken where it is not a JSON object."""
        completion = decode(chunk)
        events = [] if self._begun else [self._begin(completion.id, completion.model)]
        for choice in completion.choices or ():
            if choice.index:
                continue
            if choice.finish_reason:
                self._last = choice
            said = choice.delta or choice.message
            if said is not None:
                self._said.take(said)
        events += self._drain()
        return b"".join(events)

    def end(self, tokens: Tokens | None) -> bytes:
        """What is left, the reason it ended for, the usage, and the end."""
        events = [] if self._begun else [self._begin(None, None)]
        self._ended = True
        events += self._drain()
        reason, stop = ending(self._last, self._said, self._stops)
        delta = {"stop_reason": reason, "stop_sequence": stop}
        events.append(_event("message_delta", delta=delta, usage=usage(tokens)))
        events.append(_event("message_stop"))
        return b"".join(events)

    def _begin(self, message_id: str | None, model: str | None) -> bytes:
        self._begun = True
        begun = head(message_id or self._request_id, model or self._model)
        rest: dict[str, Any] = {"content": [], "stop_reason": None, "stop_sequence": None, "usage": usage(None)}
        return _event("message_start", message={**begun, **rest})

    def _drain(self) -> Iterator[bytes]:
        """All that can be said by now."""
        blocks = self._said.blocks
        while self._seen < len(blocks):
            self._waiting.append(blocks[self._seen])
            self._seen += 1
        while self._waiting:
            block = self._waiting[0]
            over = self._ended or (len(self._waiting) > 1 and _complete(block))
            if not self._may_open(block, over=over):
                return
            if not self._opened:
                self._opened = True
                start = opening(block, self._request_id, self._index)
                yield _event("content_block_start", index=self._index, content_block=start)
            yield from self._grown(block)
            if not over:
                return
            yield from self._close(block)

    def _may_open(self, block: Block, *, over: bool) -> bool:
        """A call needs its name, and redacted thinking has no pieces."""
        if self._opened or over:
            return True
        return bool(block.name) if block.kind == "tool_use" else block.kind != "redacted_thinking"

    def _grown(self, block: Block) -> Iterator[bytes]:
        """What was not sent yet. White space before a call's arguments waits: no client can read it alone."""
        if block.kind in _DELTAS and self._sent < len(block.pieces):
            kind, name = _DELTAS[block.kind]
            piece = "".join(block.pieces[self._sent :])
            if block.kind != "tool_use" or self._sent or not piece.isspace():
                self._sent = len(block.pieces)
                yield self._delta({"type": kind, name: piece})
        for citation in block.citations[self._cited :]:
            yield self._delta({"type": "citations_delta", "citation": citation})
        self._cited = len(block.citations)

    def _close(self, block: Block) -> Iterator[bytes]:
        if block.kind == "thinking":
            yield self._delta({"type": "signature_delta", "signature": block.signature})
        yield _event("content_block_stop", index=self._index)
        self._waiting.popleft()
        block.pieces.clear()
        self._index += 1
        self._opened, self._sent, self._cited = False, 0, 0

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return _event("content_block_delta", index=self._index, delta=delta)


def _complete(block: Block) -> bool:
    """Whether nothing can be missing of a block with another one behind it.

    A call's arguments may still come. Some providers begin every call with an empty object, so that is not yet one.
    """
    if block.kind != "tool_use":
        return True
    last = next((piece for piece in reversed(block.pieces) if not piece.isspace()), "")
    if not (block.name and last.rstrip().endswith("}")):
        return False
    try:
        return bool(_object.decode(block.text))
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return False


def _event(name: str, **members: Any) -> bytes:
    return event(name, encoded({"type": name, **members}))
