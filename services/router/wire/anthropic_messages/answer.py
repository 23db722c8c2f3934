"""What an answer of Anthropic's says, whole or in events, and what it comes to in the common terms.

Formats: Claude API docs, "Create a message" (the Message object, `usage`), "Streaming messages", "Stop reasons".
"""

from typing import Annotated

import msgspec

from services.rating import Tokens
from services.router.chat import Facts
from services.router.wire.lenient import LenientDecoder
from services.router.wire.openai_chat_answer import clean_id

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
"""Stop reasons in the words of chat completions. One that is not here is passed on as it is."""


class _CacheCreation(msgspec.Struct):
    ephemeral_5m_input_tokens: _Count | None = None
    ephemeral_1h_input_tokens: _Count | None = None


class _OutputDetails(msgspec.Struct):
    thinking_tokens: _Count | None = None


class _ServerTools(msgspec.Struct):
    web_search_requests: _Count | None = None


class Usage(msgspec.Struct):
    """Tokens as Anthropic counts them: `input_tokens` are those that were neither read from the cache nor written."""

    input_tokens: _Count | None = None
    output_tokens: _Count | None = None
    cache_read_input_tokens: _Count | None = None
    cache_creation_input_tokens: _Count | None = None
    cache_creation: _CacheCreation | None = None
    output_tokens_details: _OutputDetails | None = None
    server_tool_use: _ServerTools | None = None

    def update(self, later: "Usage") -> None:
        """Takes over what is told again: totals so far, of which the last holds."""
        for name in self.__struct_fields__:
            value = getattr(later, name)
            if value is not None:
                setattr(self, name, value)

    def tokens(self) -> Tokens:
        """In the common terms, where the prompt includes what came from the cache and what went into it."""
        written = self.cache_creation_input_tokens
        if written is None and self.cache_creation is not None:
            parts = self.cache_creation
            written = (parts.ephemeral_5m_input_tokens or 0) + (parts.ephemeral_1h_input_tokens or 0)
        prompt = self.input_tokens
        if prompt is not None:
            prompt += (self.cache_read_input_tokens or 0) + (written or 0)
        return Tokens(
            prompt_tokens=prompt,
            completion_tokens=self.output_tokens,
            cached_tokens=self.cache_read_input_tokens,
            cache_write_tokens=written,
            reasoning_tokens=self.output_tokens_details.thinking_tokens if self.output_tokens_details else None,
            cache_write_1h_tokens=self.cache_creation.ephemeral_1h_input_tokens if self.cache_creation else None,
            web_searches=self.server_tool_use.web_search_requests if self.server_tool_use else None,
        )


class Citation(msgspec.Struct):
    """Where a statement comes from; the ones without a `url` point into a document of the request."""

    url: str | None = None
    title: str | None = None
    cited_text: str | None = None


class Block(msgspec.Struct):
    """A content block of any type, as far as it has a form in chat completions."""

    type: str = ""
    text: str | None = None
    citations: list[Citation] | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = msgspec.Raw()

    @property
    def arguments(self) -> str:
        """The input of a tool, as text; empty where there is none yet."""
        text = bytes(self.input).decode("utf-8", "replace")
        return "" if text in ("{}", "null") else text


class _StopDetails(msgspec.Struct):
    explanation: str | None = None


class Message(msgspec.Struct):
    """A whole answer, or (in `message_start`) the beginning of one."""

    type: str = ""
    id: str | None = None
    model: str | None = None
    content: list[Block] | None = None
    stop_reason: str | None = None
    stop_details: _StopDetails | None = None
    usage: Usage | None = None


class Delta(msgspec.Struct):
    """What a block, or (in `message_delta`) the message, grows by."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    content: str | None = None
    citation: Citation | None = None
    stop_reason: str | None = None
    stop_details: _StopDetails | None = None


class StreamEvent(msgspec.Struct):
    """One event of a stream."""

    type: str = ""
    index: int = 0
    message: Message | None = None
    content_block: Block | None = None
    delta: Delta | None = None
    usage: Usage | None = None


decode_message = LenientDecoder(Message).decode
decode_event = LenientDecoder(StreamEvent).decode


def note_identity(facts: Facts, message: Message) -> None:
    """Who answered, under which id."""
    facts.response_id = clean_id(message.id)
    facts.served_model = clean_id(message.model)


def note_stop(facts: Facts, stop_reason: str) -> None:
    """That the one choice there is has come to its end."""
    facts.finish_reason = FINISH_REASONS.get(stop_reason) or clean_id(stop_reason)
    facts.open_choices.discard(0)
    facts.ended_choices.add(0)


def written(block: Block) -> int:
    """The characters the model wrote of a block, its calls of tools included, whoever carries them out."""
    count = len(block.text or "") + len(block.thinking or "")
    return count + len(block.name or "") + len(block.arguments) if block.type.endswith("tool_use") else count


def grown(delta: Delta) -> int:
    """The same of what a block grows by."""
    grown_by = delta.text or delta.thinking or delta.partial_json or delta.content
    return len(grown_by) if grown_by else 0
