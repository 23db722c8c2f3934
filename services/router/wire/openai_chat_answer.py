"""What an answer or a chunk says about itself: ids, finish reason, tokens, cost.

Formats: OpenAI API reference, "The chat completion object"; OpenRouter, "Usage accounting" (`usage.cost`); Perplexity,
"Chat completions" (`usage.cost.total_cost`); Groq, "Streaming" (`x_groq.usage`). Where a provider names its counts
otherwise, the aliases stand beside the field.
"""

from decimal import Decimal
from typing import Annotated, Any

import msgspec

from services.rating import Tokens
from services.router.chat import NULL, Facts
from services.router.wire.lenient import LenientDecoder

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_ID_LENGTH = 256
_WORD_LENGTH = 64
_MOST_USD = Decimal(10) ** 12
_LEAST_EXPONENT = -60


class _PromptDetails(msgspec.Struct):
    cached_tokens: _Count | None = None
    cache_write_tokens: _Count | None = None
    audio_tokens: _Count | None = None
    image_tokens: _Count | None = None
    video_tokens: _Count | None = None


class _CompletionDetails(msgspec.Struct):
    reasoning_tokens: _Count | None = None
    audio_tokens: _Count | None = None
    image_tokens: _Count | None = None


class _ServerTools(msgspec.Struct):
    web_search_requests: _Count | None = None


class _PerplexityCost(msgspec.Struct):
    total_cost: Decimal | None = None


class Usage(msgspec.Struct):
    """Tokens and cost, wherever a provider puts them."""

    prompt_tokens: _Count | None = None
    completion_tokens: _Count | None = None
    total_tokens: _Count | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None
    cost: Decimal | _PerplexityCost | None = None
    cached_tokens: _Count | None = None  # Together, Moonshot, Hugging Face
    num_cached_tokens: _Count | None = None  # Mistral
    cache_creation_input_tokens: _Count | None = None  # Vercel's gateway, Doubleword
    reasoning_tokens: _Count | None = None  # Copilot, Perplexity
    server_tool_use_details: _ServerTools | None = None  # OpenRouter


class _GroqExtension(msgspec.Struct):
    usage: Usage | None = None


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _ToolCall(msgspec.Struct):
    function: _Function | None = None


class _Said(msgspec.Struct):
    """A whole message and a piece of one alike."""

    content: Any = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(msgspec.Struct):
    index: int | None = None
    message: _Said | None = None
    delta: _Said | None = None
    finish_reason: str | None = None


class Completion(msgspec.Struct):
    """A whole answer and a chunk of a stream alike."""

    id: str | None = None
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: Usage | None = None
    x_groq: _GroqExtension | None = None
    error: msgspec.Raw = msgspec.Raw()

    @property
    def has_error(self) -> bool:
        """Whether there is an `error` that is not null."""
        return bool(self.error) and self.error != NULL


decode = LenientDecoder(Completion).decode
"""An answer or a chunk. Raises ProviderBroken where it is not a JSON object."""


def note(facts: Facts, completion: Completion, *, whole: bool) -> None:
    """Adds what a whole answer or a chunk says to what is known. The last usage wins, as providers repeat it.

    Perplexity sends message and delta side by side: an empty delta in a whole answer, the message so far in a chunk.
    """
    if completion.id and not facts.response_id:
        facts.response_id = clean_id(completion.id)
    if completion.model:
        facts.served_model = clean_id(completion.model)
    for choice in completion.choices or ():
        said = (choice.message or choice.delta) if whole else (choice.delta or choice.message)
        if said is not None:
            facts.characters += _written(said)
        index = choice.index or 0
        if choice.finish_reason:
            facts.finish_reason = _clean(choice.finish_reason, _WORD_LENGTH)
            facts.open_choices.discard(index)
            facts.ended_choices.add(index)
        elif index not in facts.ended_choices:
            facts.open_choices.add(index)
    usage = completion.usage or (completion.x_groq.usage if completion.x_groq else None)
    if usage is not None:
        facts.tokens = tokens_of(usage)
        # Some repeat it with every chunk; alone in a chunk it is the last word.
        facts.counts_so_far = not whole and bool(completion.choices) and bool(facts.open_choices)
        facts.reported_cost = cost_of(usage)


def text_of(content: Any) -> str:
    """The visible text of a message's content, which some providers give as a list of parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else ()
    return "".join(str(part.get("text") or "") for part in parts if isinstance(part, dict))


def thought_of(content: Any) -> str:
    """What the parts of a message's content say of the model's thinking (Mistral)."""
    parts = content if isinstance(content, list) else ()
    return "".join(text_of(part.get("thinking")) for part in parts if isinstance(part, dict))


def _written(said: _Said) -> int:
    written = len(text_of(said.content)) + len(said.refusal or "")
    written += len(said.reasoning or said.reasoning_content or thought_of(said.content))
    for call in said.tool_calls or ():
        if call.function is not None:
            written += len(call.function.name or "") + len(call.function.arguments or "")
    return written


def tokens_of(usage: Usage) -> Tokens:
    """The counts, each absent where it was not given."""
    prompt = usage.prompt_tokens_details or _PromptDetails()
    completion = usage.completion_tokens_details or _CompletionDetails()
    return Tokens(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cached_tokens=_first(prompt.cached_tokens, usage.cached_tokens, usage.num_cached_tokens),
        cache_write_tokens=_first(prompt.cache_write_tokens, usage.cache_creation_input_tokens),
        prompt_audio_tokens=prompt.audio_tokens,
        reasoning_tokens=_first(completion.reasoning_tokens, usage.reasoning_tokens),
        completion_audio_tokens=completion.audio_tokens,
        prompt_image_tokens=prompt.image_tokens,
        prompt_video_tokens=prompt.video_tokens,
        completion_image_tokens=completion.image_tokens,
        web_searches=usage.server_tool_use_details.web_search_requests if usage.server_tool_use_details else None,
    )


def _first(own: int | None, other: int | None, third: int | None = None) -> int | None:
    if own is not None:
        return own
    return other if other is not None else third


def cost_of(usage: Usage) -> Decimal | None:
    """The cost in USD; None for what can't be one."""
    given = usage.cost
    cost = given.total_cost if isinstance(given, _PerplexityCost) else given
    if cost is None or not cost.is_finite() or not 0 <= cost < _MOST_USD:
        return None
    exponent = cost.as_tuple().exponent
    return cost if isinstance(exponent, int) and exponent >= _LEAST_EXPONENT else None


def clean_id(name: str | None) -> str:
    """An id or a model's name as it may stand in headers, logs and the ledger; empty where there is none."""
    return _clean(name, _ID_LENGTH) if name else ""


def _clean(text: str, most: int) -> str:
    """As it may stand in headers, logs and the ledger."""
    if len(text) <= most and text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\ufffd" for character in text[:most])
