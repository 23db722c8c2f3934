"""What an attempt came to, and how that is written into events and answers."""

from decimal import Decimal

import msgspec

from pantheon.usage.v1.measure_pb2 import Cost, Timing, TokenUsage
from services.rating import Tokens
from services.runtime import times
from services.runtime.money import to_proto


class Receipt(msgspec.Struct, frozen=True):
    """What an attempt came to: tokens as booked, cost in USD (None: unknown), seconds since the request's arrival."""

    state: int
    tokens: Tokens
    amount: Decimal | None
    price_version_id: str
    reported: Decimal | None
    time_to_first_token: float | None
    total: float
    price_override_id: str = ""


def cost_message(receipt: Receipt) -> Cost:
    """The cost as it goes into events and answers; an unknown amount is absent."""
    return Cost(
        amount=None if receipt.amount is None else to_proto(receipt.amount),
        price_version_id=receipt.price_version_id,
        provider_reported=None if receipt.reported is None else to_proto(receipt.reported),
        price_override_id=receipt.price_override_id,
    )


def timing(receipt: Receipt) -> Timing:
    """The latency as it goes into answers."""
    first = receipt.time_to_first_token
    return Timing(
        time_to_first_token=None if first is None else times.duration(first), total=times.duration(receipt.total)
    )


def token_usage(tokens: Tokens) -> TokenUsage:
    """The tokens as they go into events and answers; an absent figure stays absent."""
    return TokenUsage(
        prompt_tokens=tokens.prompt_tokens,
        completion_tokens=tokens.completion_tokens,
        cached_tokens=tokens.cached_tokens,
        cache_write_tokens=tokens.cache_write_tokens,
        reasoning_tokens=tokens.reasoning_tokens,
        prompt_audio_tokens=tokens.prompt_audio_tokens,
        completion_audio_tokens=tokens.completion_audio_tokens,
        cache_write_1h_tokens=tokens.cache_write_1h_tokens,
        cached_audio_tokens=tokens.cached_audio_tokens,
        prompt_image_tokens=tokens.prompt_image_tokens,
        cached_image_tokens=tokens.cached_image_tokens,
        prompt_video_tokens=tokens.prompt_video_tokens,
        completion_image_tokens=tokens.completion_image_tokens,
        web_searches=tokens.web_searches,
    )
