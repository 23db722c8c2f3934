"""Gemini's token counts in the terms of the ledger and of chat.

Format: Gemini API reference, "UsageMetadata"; docs "Thinking", section "Pricing": thoughts are charged as output. As a
protobuf message in JSON it leaves out a count of zero, which the total gives away.
"""

from collections.abc import Iterable
from typing import Any

from services.rating import Tokens
from services.router.wire.gemini.answer import ModalityCount, UsageMetadata

# By name, and by their numbers in google.ai.generativelanguage.v1beta.Modality.
_IMAGE = ("IMAGE", 2)
_VIDEO = ("VIDEO", 3)
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
    prompt = _sum(usage.prompt_token_count, usage.tool_use_prompt_token_count)
    completion = _sum(usage.candidates_token_count, usage.thoughts_token_count)
    total = usage.total_token_count
    if completion is None and prompt is not None and total is not None:
        completion = max(total - prompt, 0)
    read = [*(usage.prompt_tokens_details or ()), *(usage.tool_use_prompt_tokens_details or ())]
    cached, made = usage.cache_tokens_details or (), usage.candidates_tokens_details or ()
    return Tokens(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=usage.cached_content_token_count,
        reasoning_tokens=usage.thoughts_token_count,
        prompt_audio_tokens=_counted(_AUDIO, read),
        completion_audio_tokens=_counted(_AUDIO, made),
        cached_audio_tokens=_counted(_AUDIO, cached),
        prompt_image_tokens=_counted(_IMAGE, read),
        cached_image_tokens=_counted(_IMAGE, cached),
        prompt_video_tokens=_counted(_VIDEO, read),
        completion_image_tokens=_counted(_IMAGE, made),
    )


def chat_usage(usage: UsageMetadata) -> dict[str, Any]:
    """The `usage` of a chat completion. What Gemini does not tell is left out."""
    tokens = tokens_of(usage)
    # As told: what follows from the total is for the ledger.
    completion_tokens = _sum(usage.candidates_token_count, usage.thoughts_token_count)
    total = usage.total_token_count
    if total is None:
        total = _sum(tokens.prompt_tokens, completion_tokens)
    prompt = _told(cached_tokens=tokens.cached_tokens, audio_tokens=tokens.prompt_audio_tokens)
    completion = _told(reasoning_tokens=tokens.reasoning_tokens, audio_tokens=tokens.completion_audio_tokens)
    return _told(
        prompt_tokens=tokens.prompt_tokens,
        completion_tokens=completion_tokens,
        total_tokens=total,
        prompt_tokens_details=prompt or None,
        completion_tokens_details=completion or None,
    )


def _told(**members: Any) -> dict[str, Any]:
    return {name: member for name, member in members.items() if member is not None}


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None and other is None else (one or 0) + (other or 0)


def _counted(modality: tuple[str, int], details: Iterable[ModalityCount]) -> int | None:
    counts = [one.token_count for one in details if one.modality in modality and one.token_count is not None]
    return sum(counts) if counts else None
