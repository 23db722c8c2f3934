"""Streamed answers of Anthropic's: as they are, or as chunks of a chat completion.

Formats: Claude API docs, "Streaming messages"; OpenAI API reference, "The chat completion chunk object".
"""

import time

import msgspec
from msgspec import UNSET, UnsetType

from services.router.chat import Facts, Format, Frame
from services.router.sse import Event
from services.router.wire.anthropic_messages.answer import (
    Block,
    Citation,
    Delta,
    StreamEvent,
    Usage,
    decode_event,
    grown,
    note_identity,
    note_stop,
    written,
)
from services.router.wire.anthropic_messages.completion import (
    Annotation,
    Function,
    ReasoningDetail,
    ToolCall,
    annotations_of,
    encoded,
    reasoning_detail,
    usage_of,
)
from services.router.wire.anthropic_messages.errors import error_inside
from services.router.wire.refusals import bare_error

_PING = Frame(comment=b"ping")
_UNFINISHED = b',"finish_reason":null}]}'


class MessagesParser:
    """Passes every event through, and notes what it says. `message_stop` ends the answer."""

    format = Format.MESSAGES

    def __init__(self) -> None:
        self.facts = Facts()
        self.done = False
        self._usage = Usage()

    @property
    def may_end(self) -> bool:
        """Never without `message_stop`."""
        return False

    def parse(self, event: Event) -> Frame | None:
        """See `StreamParser`. Bare JSON is no event, unless it is an error."""
        if event.comment is not None:
            return Frame(comment=event.comment)
        if event.bare and bare_error(event.bare):
            raise error_inside(event.bare)
        if not event.data.strip():
            return None
        found = decode_event(event.data)
        self._note(found, event.data)
        return self._frame(found, event)

    def _frame(self, found: StreamEvent, event: Event) -> Frame | None:
        # A name of its own kind, on one line, is all that may stand behind `event:`.
        name = event.name or (found.type.encode() if found.type.isprintable() else b"")
        return Frame(event.data, name, usage=found.usage is not None)

    def _note(self, found: StreamEvent, raw: bytes) -> None:
        """Adds what an event says to the facts. Raises ProviderError where it is an error."""
        if found.delta is not None and found.type == "content_block_delta":
            self.facts.characters += grown(found.delta)
        elif found.content_block is not None:
            self.facts.characters += written(found.content_block)
        elif found.type == "message_start" and found.message is not None:
            self.facts.open_choices.add(0)
            note_identity(self.facts, found.message)
            # How much it will write is not known yet, whatever is said of it here.
            self._take(found.message.usage)
            self._usage.output_tokens = None
            self.facts.tokens = self._usage.tokens()
        elif found.type == "message_delta":
            self._take(found.usage)
            if found.delta is not None and found.delta.stop_reason:
                note_stop(self.facts, found.delta.stop_reason)
        elif found.type == "message_stop":
            self.done = True
        elif found.type == "error":
            raise error_inside(raw)

    def _take(self, usage: Usage | None) -> None:
        if usage is not None:
            self._usage.update(usage)
            self.facts.tokens = self._usage.tokens()


class _ChatDelta(msgspec.Struct):
    role: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    refusal: str | UnsetType = UNSET
    reasoning: str | UnsetType = UNSET
    reasoning_details: list[ReasoningDetail] | UnsetType = UNSET
    tool_calls: list[ToolCall] | UnsetType = UNSET
    annotations: list[Annotation] | UnsetType = UNSET


class ChunkParser(MessagesParser):
    """The same as chunks of a chat completion. `message_stop` ends the answer, and makes no chunk."""

    format = Format.CHAT

    def __init__(self) -> None:
        super().__init__()
        self._head = b""
        self._calls = -1
        self._thoughts = -1
        self._text = 0
        self._block = Block()
        self._block_start = 0
        self._block_filled = False
        self._citations: list[Citation] = []

    def _frame(self, found: StreamEvent, event: Event) -> Frame | None:
        if found.type == "content_block_delta":
            return self._chunk(self._grown(found.delta)) if found.delta is not None else None
        if found.type == "ping":
            return _PING
        if found.type == "content_block_start":
            return self._chunk(self._begun(found.content_block or Block()))
        if found.type == "content_block_stop":
            return self._chunk(self._ended())
        if found.type == "message_start":
            self._head = self._make_head()
            return self._chunk(_ChatDelta(role="assistant", content=""))
        if found.type == "message_delta":
            return self._last(found)
        return None

    def _make_head(self) -> bytes:
        facts = self.facts
        head = {"id": facts.response_id, "object": "chat.completion.chunk", "created": int(time.time())}
        named = msgspec.json.encode({**head, "model": facts.served_model})
        return named[:-1] + b',"choices":[{"index":0,"delta":'

    def _chunk(self, delta: _ChatDelta | None) -> Frame | None:
        return None if delta is None else Frame((self._head or self._make_head()) + encoded(delta) + _UNFINISHED)

    def _grown(self, delta: Delta) -> _ChatDelta | None:
        if delta.text is not None:
            self._text += len(delta.text)
            return _ChatDelta(content=delta.text)
        if delta.partial_json is not None:
            if self._block.type != "tool_use" or not delta.partial_json:
                return None
            self._block_filled = True
            return _ChatDelta(tool_calls=[ToolCall(Function(delta.partial_json), self._calls)])
        if delta.thinking is not None:
            return self._thought(ReasoningDetail("reasoning.text", text=delta.thinking, index=self._thoughts))
        if delta.signature is not None:
            return self._thought(ReasoningDetail("reasoning.text", signature=delta.signature, index=self._thoughts))
        if delta.citation is not None:
            self._citations.append(delta.citation)
        return None

    def _thought(self, detail: ReasoningDetail) -> _ChatDelta:
        return _ChatDelta(reasoning=detail.text or UNSET, reasoning_details=[detail])

    def _begun(self, block: Block) -> _ChatDelta | None:
        self._block, self._block_start, self._block_filled = block, self._text, bool(block.arguments)
        if block.type == "tool_use":
            self._calls += 1
            function = Function(block.arguments, block.name or "")
            return _ChatDelta(tool_calls=[ToolCall(function, self._calls, block.id or "", "function")])
        if block.type in ("thinking", "redacted_thinking"):
            self._thoughts += 1
            if block.thinking or block.data or block.signature:
                return self._thought(reasoning_detail(block, self._thoughts))
        elif block.type == "text" and block.text:
            self._citations += block.citations or ()
            return self._grown(Delta(text=block.text))
        return None

    def _ended(self) -> _ChatDelta | None:
        """A call without input has `{}` for arguments; citations are told when their text is complete."""
        block, self._block = self._block, Block()
        if block.type == "tool_use" and not self._block_filled:
            return _ChatDelta(tool_calls=[ToolCall(Function("{}"), self._calls)])
        if self._citations:
            found = list(annotations_of(self._citations, self._block_start, self._text))
            self._citations.clear()
            return _ChatDelta(annotations=found) if found else None
        return None

    def _last(self, found: StreamEvent) -> Frame:
        """The chunk with the finish reason, and with the usage, which comes with it."""
        facts, delta = self.facts, _ChatDelta()
        details = found.delta.stop_details if found.delta is not None else None
        if details is not None and details.explanation and facts.finish_reason == "content_filter":
            delta.refusal = details.explanation
        reason = msgspec.json.encode(facts.finish_reason or None)
        chunk = (self._head or self._make_head()) + encoded(delta) + b',"finish_reason":' + reason + b"}]"
        if found.usage is None or facts.tokens is None:
            return Frame(chunk + b"}")
        return Frame(chunk + b',"usage":' + encoded(usage_of(facts.tokens)) + b"}", usage=True)
