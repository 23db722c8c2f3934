"""What of a prompt and of a completion has a price of its own.

Audio from the cache is charged as cached audio, or else as cached, or else as audio; images and video likewise. Not
every provider says how much of it came from the cache. None is assumed to have, except that for which there is no other
room: with 100 prompt tokens, 80 of them cached and 50 sound, 30 must be both.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.rating.result import Rate
from services.rating.tokens import Tokens

Charges = list[tuple[Rate, int]]
Parts = Sequence[tuple[Rate, int]]

MEDIA = ("prompt_audio_token", "cached_audio_token", "prompt_image_token", "cached_image_token", "prompt_video_token")
"""The units of the prompt that are no text."""


@dataclass(frozen=True, slots=True)
class Rates:
    """The rate of each unit at one tier; None where the unit has no price. Fields are named after PriceUnit."""

    prompt_token: Rate | None = None
    cached_token: Rate | None = None
    cache_write_token: Rate | None = None
    prompt_audio_token: Rate | None = None
    cached_audio_token: Rate | None = None
    completion_token: Rate | None = None
    reasoning_token: Rate | None = None
    completion_audio_token: Rate | None = None
    request: Rate | None = None
    prompt_image: Rate | None = None
    cache_write_1h_token: Rate | None = None
    prompt_image_token: Rate | None = None
    cached_image_token: Rate | None = None
    prompt_video_token: Rate | None = None
    completion_image_token: Rate | None = None
    web_search: Rate | None = None
    # Some unit of MEDIA has a price.
    media: bool = False


def prompt_parts(rates: Rates, prompt: int, tokens: Tokens) -> Parts:
    """What of the prompt has a price of its own."""
    cached, written = tokens.cached_tokens or 0, tokens.cache_write_tokens or 0
    audio, image, video = tokens.prompt_audio_tokens, tokens.prompt_image_tokens, tokens.prompt_video_tokens
    media = rates.media and (audio or image or video)
    if cached <= 0 and written <= 0 and not media:
        return ()
    parts: Charges = []
    if media:
        cached = _media_parts(rates, prompt - max(written, 0), max(cached, 0), tokens, parts)
    if cached > 0 and rates.cached_token is not None:
        parts.append((rates.cached_token, cached))
    if written > 0:
        if rates.cache_write_1h_token is not None and (kept := min(tokens.cache_write_1h_tokens or 0, written)) > 0:
            parts.append((rates.cache_write_1h_token, kept))
            written -= kept
        if written > 0 and rates.cache_write_token is not None:
            parts.append((rates.cache_write_token, written))
    return parts


def _media_parts(rates: Rates, room: int, cached: int, tokens: Tokens, parts: Charges) -> int:
    """Charge what of the prompt is no text, `room` being the prompt without what was written to the cache.

    Returns the cached tokens that are left to be charged.
    """
    media = (
        (max(tokens.prompt_audio_tokens or 0, 0), tokens.cached_audio_tokens),
        (max(tokens.prompt_image_tokens or 0, 0), tokens.cached_image_tokens),
        (max(tokens.prompt_video_tokens or 0, 0), None),
    )
    plain_rates = rates.prompt_audio_token, rates.prompt_image_token, rates.prompt_video_token
    cached_rates = rates.cached_audio_token, rates.cached_image_token, None
    without_room = max(cached + sum(count for count, _ in media) - room, 0)
    for (count, told), plain_rate, cached_rate in zip(media, plain_rates, cached_rates, strict=True):
        both = max(min(without_room if told is None else told, cached, count), 0)
        without_room -= min(both, without_room)
        if cached_rate is not None:
            cached -= both
            if both:
                parts.append((cached_rate, both))
        elif rates.cached_token is None:
            both = 0
        if plain_rate is not None and count > both:
            parts.append((plain_rate, count - both))
    return cached


def completion_parts(rates: Rates, tokens: Tokens) -> Parts:
    """What of the completion has a price of its own."""
    parts: Charges = []
    if rates.reasoning_token is not None and (reasoning := tokens.reasoning_tokens or 0) > 0:
        parts.append((rates.reasoning_token, reasoning))
    if rates.completion_audio_token is not None and (audio := tokens.completion_audio_tokens or 0) > 0:
        parts.append((rates.completion_audio_token, audio))
    if rates.completion_image_token is not None and (image := tokens.completion_image_tokens or 0) > 0:
        parts.append((rates.completion_image_token, image))
    return parts
