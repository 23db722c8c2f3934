"""The neutral form of a completion, between a provider's wire format and the answer that is made up for it."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Literal, TypeAlias

import msgspec

JsonObject: TypeAlias = Mapping[str, Any]
FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter"]


class Tool(msgspec.Struct, frozen=True):
    """A function the model may call; `parameters` is the JSON schema of its arguments."""

    name: str
    parameters: JsonObject | None = None


class ToolChoice(Enum):
    """Whether the answer has to be a tool call."""

    AUTO = "auto"
    NONE = "none"
    REQUIRED = "required"


class CacheBlock(msgspec.Struct, frozen=True):
    """Where a block of a prompt ends, in characters, and whether everything up to there is to be cached."""

    end: int
    marked: bool


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider understood of a request."""

    model: str
    prompt: str
    """All text of the prompt in order, roles included: what the answer is derived from and what is cached."""
    question: str
    """The text of the last user message."""
    prompt_tokens: int
    stream: bool = False
    include_usage: bool = False
    max_tokens: int | None = None
    """Bound on completion tokens of one choice, hidden reasoning included."""
    stop: tuple[str, ...] = ()
    choices: int = 1
    seed: int = 0
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = ToolChoice.AUTO
    forced_tool: str | None = None
    """The one tool that has to be called, whatever `tool_choice` says."""
    parallel_tool_calls: bool = True
    follows_tool_result: bool = False
    """The last message is a tool's result, so that the model would now answer in words."""
    json_object: bool = False
    json_schema: JsonObject | None = None
    top_logprobs: int | None = None
    """None: no log probabilities; 0: those of the chosen tokens; otherwise how many alternatives each."""
    reasons: bool = False
    """The model thinks before it answers, and bills for it."""
    reasoning_effort: str | None = None
    reasoning_limit: int | None = None
    """Bound on the tokens it thinks."""
    shows_reasoning: bool = False
    cache_blocks: tuple[CacheBlock, ...] | None = None
    """The blocks of the prompt, in order; None for a provider that caches without being asked."""
    echo: JsonObject = {}
    """What the answer repeats of the request."""


class ToolCall(msgspec.Struct, frozen=True):
    """A call the model makes; `arguments` is JSON text, cut short when the token limit was met."""

    id: str
    name: str
    arguments: str


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One answer. Without tool calls `content` is its text; `reasoning` is the thinking that came before."""

    index: int
    content: str | None
    finish_reason: FinishReason
    stop_sequence: str | None = None
    """The client's stop sequence that ended the text, if one did."""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Token counts as billed. Those read from and written to a cache are part of the prompt's, those of reasoning part
    of the completion's.
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens

    def scaled(self, factor: float) -> "Usage":
        """Every count times `factor`, rounded: a provider that counts otherwise than its customers do."""
        prompt, completion = round(self.prompt_tokens * factor), round(self.completion_tokens * factor)
        cached = min(prompt, round(self.cached_tokens * factor))
        return Usage(
            prompt_tokens=prompt,
            completion_tokens=completion,
            cached_tokens=cached,
            cache_write_tokens=min(prompt - cached, round(self.cache_write_tokens * factor)),
            reasoning_tokens=min(completion, round(self.reasoning_tokens * factor)),
        )


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole completion, before a provider writes it down."""

    id: str
    created: int
    """Unix time in seconds."""
    choices: tuple[Choice, ...]
    usage: Usage
    longest: int
    """Completion tokens of the longest choice: how long generating takes, as choices are made side by side."""
