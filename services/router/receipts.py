"""What an attempt came to, and how that is written into events and answers."""

from decimal import Decimal

import msgspec

from pantheon.usage.v1.measure_pb2 import Cost, Timing, TokenUsage
from services.rating import Tokens
from services.runtime.money import to_proto


class Receipt(msgspec.Struct, frozen=True):
    """What an attempt came to, as its FINISH says it and answers repeat it."""

    state: int
    tokens: TokenUsage
    cost: Cost
    timing: Timing

    @property
    def amount(self) -> str:
        """The cost in USD, exact, in plain notation; empty where it is unknown."""
        return self.cost.amount.value


def cost_message(
    amount: Decimal | None, reported: Decimal | None, price_version_id: str, price_override_id: str
) -> Cost:
    """A cost in USD and where it comes from; an amount that is unknown is absent."""
    return Cost(
        amount=None if amount is None else to_proto(amount),
        price_version_id=price_version_id,
        provider_reported=None if reported is None else to_proto(reported),
        price_override_id=price_override_id,
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
