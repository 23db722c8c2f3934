"""What an answer in the common shape says, whole or in chunks, as the content blocks of an Anthropic message.

Formats: OpenAI API reference, "The chat completion object"; OpenRouter, "Reasoning tokens"; Mistral, "Reasoning"
(thinking parts); Google, "OpenAI compatibility" (`extra_content`); Anthropic API reference, "Messages".
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from services.router.api.carrier import MARK, sealed
from services.router.api.numbering import CallNumbers
from services.router.api.said import Call, Message
from services.router.wire.lenient import LenientDecoder
from services.router.wire.openai_chat_answer import text_of

_PLAIN = "reasoning"
_THEIRS = ("type", "text", "summary", "data", "signature")
_ANTHROPIC = "anthropic-claude-v1"


class Said(Message):
    """A message, or a piece of one."""

    reasoning_details: list[Any] | None = None
    annotations: list[Any] | None = None
    extra_content: Any = None
    audio: Any = None


class Choice(msgspec.Struct):
    """One of the answers; Anthropic's messages have but one."""

    index: int | None = None
    message: Said | None = None
    delta: Said | None = None
    finish_reason: str | None = None
    native_finish_reason: Any = None
    stop_reason: Any = None
    """vLLM's: the stop sequence that was met."""


class Completion(msgspec.Struct):
    """A whole answer and a chunk of a stream alike."""

    id: str | None = None
    model: str | None = None
    choices: list[Choice] | None = None


decode = LenientDecoder(Completion).decode
"""An answer or a chunk. Raises ProviderBroken where it is not a JSON object."""


@dataclass(slots=True, eq=False)
class Block:
    """A content block that may still grow. `pieces` are of its text, thinking, data or arguments."""

    kind: Literal["text", "thinking", "redacted_thinking", "tool_use"]
    key: object = None
    pieces: list[str] = field(default_factory=list)
    citations: list[dict[str, Any]] = field(default_factory=list)
    detail: dict[str, Any] = field(default_factory=dict)
    id: str = ""
    name: str = ""

    @property
    def text(self) -> str:
        """All pieces."""
        return "".join(self.pieces)

    @property
    def signature(self) -> str:
        """A thinking block's: Anthropic's own, or what else the reasoning's provider wants back."""
        detail = self.detail
        own: str = detail.get("signature") or ""
        if own and detail.get("type") == "reasoning.text" and detail.get("format") in (None, _ANTHROPIC):
            return own
        return sealed(detail)

    @property
    def data(self) -> str:
        """A redacted block's: Anthropic's own, or all there is."""
        text = self.text
        if text.startswith(MARK) or not self.detail.keys() - {"type", "index"}:
            return text
        if self.detail.get("format") == _ANTHROPIC and not self.detail.get("id"):
            return text
        return sealed({**self.detail, "data": text})


class Blocks:
    """The blocks of one answer, in order. `refused` says whether it is a refusal."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.refused = False
        self.calls: list[Block] = []
        self._numbers = CallNumbers()

    def take(self, said: Said) -> None:
        """Adds a message or a piece of one."""
        self._take_reasoning(said)
        if text := text_of(said.content) if said.content else "":
            self._last("text").pieces.append(text)
        if said.refusal:
            self.refused = True
            self._last("text").pieces.append(said.refusal)
        if isinstance(said.audio, dict) and isinstance(transcript := said.audio.get("transcript"), str):
            self._last("text").pieces.append(transcript)
        for citation in _citations(said.annotations):
            self._last("text").citations.append(citation)
        if isinstance(said.extra_content, dict):
            self.blocks.append(Block("redacted_thinking", pieces=[sealed({"extra_content": said.extra_content})]))
        for call in said.calls():
            self._take_call(call)

    def _last(self, kind: Literal["text", "thinking", "redacted_thinking"], key: object = None) -> Block:
        """The last block if it is of that kind, else a new one."""
        if self.blocks and self.blocks[-1].kind == kind and self.blocks[-1].key == key:
            return self.blocks[-1]
        block = Block(kind, key)
        self.blocks.append(block)
        return block

    def _take_reasoning(self, said: Said) -> None:
        details = [detail for detail in said.reasoning_details or () if isinstance(detail, dict)]
        told = any(_text(detail, "text") or _text(detail, "summary") for detail in details)
        if not told and (thought := said.thought):
            self._last("thinking", _PLAIN).pieces.append(thought)
        for detail in details:
            kind = detail.get("type")
            encrypted = kind == "reasoning.encrypted"
            text = _text(detail, "data") if encrypted else _text(detail, "text") or _text(detail, "summary")
            if not text and not _text(detail, "signature"):
                continue
            block = self._last("redacted_thinking" if encrypted else "thinking", (kind, detail.get("index")))
            block.pieces += [text] if text else []
            block.detail |= {
                name: value for name, value in detail.items() if value is not None and name not in ("text", "summary")
            }
            block.detail.pop("data", None)

    def _take_call(self, call: Call) -> None:
        told, call_id = call.told, call.id or ""
        number = self._numbers.number(call.index, call_id, named=bool(told.name))
        if number == len(self.calls):
            block = Block("tool_use", id=call_id)
            self._carry(call, block)
            self.calls.append(block)
            self.blocks.append(block)
        else:
            block = self.calls[number]
            block.id = block.id or call_id
            self._carry(call, block)
        block.name = block.name or told.name or ""
        if arguments := told.arguments or told.input:
            block.pieces.append(arguments)

    def _carry(self, call: Call, block: Block) -> None:
        if call.extra_content is not None:
            carried = sealed({"id": block.id, "extra_content": call.extra_content})
            self.blocks.append(Block("redacted_thinking", key=block, pieces=[carried]))


def _text(detail: dict[str, Any], name: str) -> str:
    value = detail.get(name)
    return value if isinstance(value, str) else ""


def _citations(annotations: list[Any] | None) -> Iterator[dict[str, Any]]:
    """Pages of the web that the text rests on, as Anthropic cites them.

    Anthropic's models want `encrypted_index` back; this one tells that they never gave it.
    """
    for annotation in annotations or ():
        found = annotation.get("url_citation") if isinstance(annotation, dict) else None
        if isinstance(found, dict) and isinstance(url := found.get("url"), str):
            yield {
                "type": "web_search_result_location",
                "cited_text": _text(found, "content"),
                "encrypted_index": MARK,
                "title": _text(found, "title") or None,
                "url": url,
            }
