"""List prices of the simulated OpenRouter, USD a token, as of 2026, and a default for every other model."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from services.sandbox.chat import Usage


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """Prices of a model and its limits in tokens."""

    prompt: Decimal
    completion: Decimal
    cache_read: Decimal
    context: int = 128_000
    longest: int = 16_384
    """Most completion tokens."""


class Cost(msgspec.Struct, frozen=True):
    """What a completion costs, by its two parts, exact."""

    prompt: Decimal
    completion: Decimal

    @property
    def total(self) -> Decimal:
        """Both parts together."""
        return self.prompt + self.completion


def _price(prompt: str, completion: str, cache_read: str, context: int, longest: int) -> Price:
    """A price from list prices in USD a million tokens."""
    million = Decimal(1_000_000)
    return Price(
        prompt=Decimal(prompt) / million,
        completion=Decimal(completion) / million,
        cache_read=Decimal(cache_read) / million,
        context=context,
        longest=longest,
    )


DEFAULT = _price("1", "2", "0.5", 128_000, 16_384)
FREE = _price("0", "0", "0", 128_000, 16_384)
PRICES: Mapping[str, Price] = {
    "anthropic/claude-haiku-4.5": _price("1", "5", "0.1", 200_000, 64_000),
    "anthropic/claude-sonnet-4.5": _price("3", "15", "0.3", 1_000_000, 64_000),
    "deepseek/deepseek-chat-v3-0324": _price("0.27", "1.12", "0.135", 163_840, 16_384),
    "google/gemini-2.5-flash": _price("0.3", "2.5", "0.03", 1_048_576, 65_535),
    "google/gemini-2.5-pro": _price("1.25", "10", "0.125", 1_048_576, 65_536),
    "meta-llama/llama-3.3-70b-instruct": _price("0.1", "0.32", "0.1", 131_072, 16_384),
    "mistralai/mistral-nemo": _price("0.019", "0.03", "0.019", 131_072, 16_384),
    "openai/gpt-4.1-mini": _price("0.4", "1.6", "0.1", 1_047_576, 32_768),
    "openai/gpt-4o": _price("2.5", "10", "1.25", 128_000, 16_384),
    "openai/gpt-4o-mini": _price("0.15", "0.6", "0.075", 128_000, 16_384),
    "openai/gpt-5": _price("1.25", "10", "0.125", 400_000, 128_000),
    "x-ai/grok-4.1-fast": _price("0.2", "0.5", "0.05", 2_000_000, 30_000),
}


def price_of(model: str) -> Price:
    """A model's price; models whose name ends in `:free` cost nothing."""
    return FREE if model.endswith(":free") else PRICES.get(model, DEFAULT)


def cost_of(model: str, usage: Usage) -> Cost:
    """What the provider charges: cached prompt tokens at their own price, reasoning as completion."""
    price = price_of(model)
    uncached = usage.prompt_tokens - usage.cached_tokens
    prompt = uncached * price.prompt + usage.cached_tokens * price.cache_read
    return Cost(prompt, usage.completion_tokens * price.completion)
