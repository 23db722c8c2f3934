"""An answer of Anthropic's as a chat completion.

Format: OpenAI API reference, "The chat completion object"; OpenRouter, "Reasoning tokens" (`reasoning_details`).
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
from msgspec import UNSET, UnsetType

from services.rating import Tokens
from services.router.chat import Facts
from services.router.wire.anthropic_messages.answer import Block, Citation, Message
from services.router.wire.anthropic_messages.conversation import REASONING_FORMAT


class ReasoningDetail(msgspec.Struct):
    """A piece of reasoning: `reasoning.text` with its signature, or `reasoning.encrypted` with its `data`."""

    type: str
    text: str | UnsetType = UNSET
    signature: str | UnsetType = UNSET
    data: str | UnsetType = UNSET
    format: str = REASONING_FORMAT
    index: int = 0


class Function(msgspec.Struct):
    """Name and arguments of a call; `arguments` is JSON, or (in a stream) a piece of it."""

    arguments: str
    name: str | UnsetType = UNSET


class ToolCall(msgspec.Struct):
    """A call, or (with `index`) a piece of one."""

    function: Function
    index: int | UnsetType = UNSET
    id: str | UnsetType = UNSET
    type: str | UnsetType = UNSET


class UrlCitation(msgspec.Struct):
    """`start_index` and `end_index` are characters of the whole text; `content` is what is cited."""

    url: str
    title: str
    start_index: int
    end_index: int
    content: str | UnsetType = UNSET


class Annotation(msgspec.Struct):
    """A citation."""

    url_citation: UrlCitation
    type: str = "url_citation"


class PromptDetails(msgspec.Struct):
    """The parts of the prompt."""

    cached_tokens: int | UnsetType = UNSET
    cache_write_tokens: int | UnsetType = UNSET


class CompletionDetails(msgspec.Struct):
    """The parts of the completion."""

    reasoning_tokens: int | UnsetType = UNSET


class ChatUsage(msgspec.Struct):
    """Token counts; those the provider did not tell are left out."""

    prompt_tokens: int | UnsetType = UNSET
    completion_tokens: int | UnsetType = UNSET
    total_tokens: int | UnsetType = UNSET
    prompt_tokens_details: PromptDetails | UnsetType = UNSET
    completion_tokens_details: CompletionDetails | UnsetType = UNSET


class ChatMessage(msgspec.Struct):
    """The message of a choice."""

    role: str
    content: str | None
    refusal: str | None = None
    reasoning: str | UnsetType = UNSET
    reasoning_details: list[ReasoningDetail] | UnsetType = UNSET
    tool_calls: list[ToolCall] | UnsetType = UNSET
    annotations: list[Annotation] | UnsetType = UNSET


class _Choice(msgspec.Struct):
    message: ChatMessage
    finish_reason: str
    index: int = 0
    logprobs: None = None


class _Completion(msgspec.Struct):
    id: str
    created: int
    model: str
    choices: list[_Choice]
    object: str = "chat.completion"
    usage: ChatUsage | UnsetType = UNSET


_encode = msgspec.json.Encoder().encode


def completion_of(message: Message, facts: Facts) -> bytes:
    """The whole answer; `facts` are those of the message."""
    content = _Content()
    for block in message.content or ():
        content.add(block)
    details = message.stop_details
    said = ChatMessage(
        role="assistant",
        content=content.text if content.text or not content.calls else None,
        refusal=details.explanation if details and facts.finish_reason == "content_filter" else None,
        reasoning=content.reasoning or UNSET,
        reasoning_details=content.details or UNSET,
        tool_calls=content.calls or UNSET,
        annotations=content.annotations or UNSET,
    )
    usage = UNSET if facts.tokens is None else usage_of(facts.tokens)
    choice = _Choice(said, facts.finish_reason or "stop")
    return encoded(_Completion(facts.response_id, int(time.time()), facts.served_model, [choice], usage=usage))


@dataclass(slots=True)
class _Content:
    """The blocks of a message, gathered by what they are in a chat message."""

    text: str = ""
    reasoning: str = ""
    details: list[ReasoningDetail] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    annotations: list[Annotation] = field(default_factory=list)

    def add(self, block: Block) -> None:
        """Takes what has a form in chat. Tools of the provider's own are its business: their calls are not shown."""
        if block.type == "text":
            start = len(self.text)
            self.text += block.text or ""
            self.annotations += annotations_of(block.citations or [], start, len(self.text))
        elif block.type in ("thinking", "redacted_thinking"):
            self.reasoning += block.thinking or ""
            self.details.append(reasoning_detail(block, len(self.details)))
        elif block.type == "tool_use":
            function = Function(block.arguments or "{}", block.name or "")
            self.calls.append(ToolCall(function, id=block.id or "", type="function"))


def reasoning_detail(block: Block, index: int) -> ReasoningDetail:
    """A block of thinking, with what is needed to carry it back."""
    if block.type == "redacted_thinking":
        return ReasoningDetail("reasoning.encrypted", data=block.data or "", index=index)
    return ReasoningDetail("reasoning.text", text=block.thinking or "", signature=block.signature or UNSET, index=index)


def annotations_of(citations: list[Citation], start: int, end: int) -> Iterator[Annotation]:
    """The citations of the web, for the stretch of text they stand at. Those into documents have no form in chat."""
    for citation in citations:
        if citation.url:
            cited = UNSET if citation.cited_text is None else citation.cited_text
            yield Annotation(UrlCitation(citation.url, citation.title or "", start, end, cited))


def usage_of(tokens: Tokens) -> ChatUsage:
    """The counts that are known."""
    prompt, completion = tokens.prompt_tokens, tokens.completion_tokens
    details = PromptDetails(_known(tokens.cached_tokens), _known(tokens.cache_write_tokens))
    return ChatUsage(
        prompt_tokens=_known(prompt),
        completion_tokens=_known(completion),
        total_tokens=UNSET if prompt is None or completion is None else prompt + completion,
        prompt_tokens_details=UNSET if details == PromptDetails() else details,
        completion_tokens_details=(
            UNSET if tokens.reasoning_tokens is None else CompletionDetails(tokens.reasoning_tokens)
        ),
    )


def encoded(value: msgspec.Struct) -> bytes:
    """As JSON. Half a surrogate pair (an emoji cut in two between events) stays the escape it came as."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(value), separators=(",", ":")).encode()


def _known(count: int | None) -> int | UnsetType:
    return UNSET if count is None else count
