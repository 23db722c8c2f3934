"""Gemini's token counts in the terms of the ledger and of chat.

Format: Gemini API reference, "UsageMetadata"; docs "Thinking", section "Pricing": thoughts are charged as output.
"""

from typing import Any

from services.rating import Tokens
from services.router.wire.gemini.answer import ModalityCount, UsageMetadata

_AUDIO = ("AUDIO", 4)


def merged(known: UsageMetadata | None, told: UsageMetadata) -> UsageMetadata:
    """The figures told last, with those told before that are missing in it: later chunks of a stream leave some out."""
    if known is None:
        return told
    for name in UsageMetadata.__struct_fields__:
        if getattr(told, name) is None:
            setattr(told, name, getattr(known, name))
    return told


def tokens_of(usage: UsageMetadata) -> Tokens:
    """The counts of the ledger: tool results belong to the prompt, thoughts to the completion."""
    return Tokens(
        prompt_tokens=_sum(usage.prompt_token_count, usage.tool_use_prompt_token_count),
        completion_tokens=_sum(usage.candidates_token_count, usage.thoughts_token_count),
        cached_tokens=usage.cached_content_token_count,
        reasoning_tokens=usage.thoughts_token_count,
        prompt_audio_tokens=_audio(usage.prompt_tokens_details),
        completion_audio_tokens=_audio(usage.candidates_tokens_details),
    )


def chat_usage(usage: UsageMetadata) -> dict[str, Any]:
    """The `usage` of a chat completion. What Gemini does not tell is left out."""
    tokens = tokens_of(usage)
    total = usage.total_token_count
    if total is None:
        total = _sum(tokens.prompt_tokens, tokens.completion_tokens)
    prompt = _told(cached_tokens=tokens.cached_tokens, audio_tokens=tokens.prompt_audio_tokens)
    completion = _told(reasoning_tokens=tokens.reasoning_tokens, audio_tokens=tokens.completion_audio_tokens)
    return _told(
        prompt_tokens=tokens.prompt_tokens,
        completion_tokens=tokens.completion_tokens,
        total_tokens=total,
        prompt_tokens_details=prompt or None,
        completion_tokens_details=completion or None,
    )


def _told(**members: Any) -> dict[str, Any]:
    return {name: member for name, member in members.items() if member is not None}


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None and other is None else (one or 0) + (other or 0)


def _audio(details: list[ModalityCount] | None) -> int | None:
    counts = [one.token_count for one in details or () if one.modality in _AUDIO and one.token_count is not None]
    return sum(counts) if counts else None
