"""What is charged for, as the provider counted it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one attempt, and searches: the fields of `pantheon.usage.v1.TokenUsage`. None is unknown, 0 is none.

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
    # Of those written to the cache, the ones kept there for an hour.
    cache_write_1h_tokens: int | None = None
    # Of the sound in the prompt, what was read from the cache; part of the cached ones, too.
    cached_audio_tokens: int | None = None
    # Pictures in the prompt, cached or not; part of the prompt.
    prompt_image_tokens: int | None = None
    # Of the pictures in the prompt, what was read from the cache; part of the cached ones, too.
    cached_image_tokens: int | None = None
    # Video in the prompt, cached or not; part of the prompt.
    prompt_video_tokens: int | None = None
    # Pictures in the completion; part of the completion.
    completion_image_tokens: int | None = None
    # Web searches the provider made on the way: no tokens, but counted and charged with them.
    web_searches: int | None = None
