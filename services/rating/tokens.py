"""What is charged for, as the provider counted it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one attempt: the fields of `pantheon.usage.v1.TokenUsage`. None is unknown, 0 is none.

    A negative count is no count: it is taken as None.
    """

    # All tokens of the prompt, those of the parts below included.
    prompt_tokens: int | None = None
    # All tokens of the completion, those of the parts below included.
    completion_tokens: int | None = None
    # Read from the provider's cache; part of the prompt.
    cached_tokens: int | None = None
    # Written to the provider's cache; part of the prompt.
    cache_write_tokens: int | None = None
    # Spent on reasoning; part of the completion.
    reasoning_tokens: int | None = None
    # Sound in the prompt, cached or not; part of the prompt.
    prompt_audio_tokens: int | None = None
    # Sound in the completion; part of the completion.
    completion_audio_tokens: int | None = None
