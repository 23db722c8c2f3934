"""From the price lists of genai-prices to dated price versions.

What genai-prices knows and a price version cannot say is left out, and with it from every cost:
- units that completions are not counted in: seconds, characters, searches in files, video that a model makes;
- prices that hold at a time of day only (none of the seed's providers has one): the base price stands for them;
- batch, priority and other tariffs that a request asks for.
"""

import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from decimal import Decimal

import msgspec
from genai_prices.types import ConditionalPrice, ModelInfo, ModelPrice, StartDateConstraint, TieredPrices

from services.catalog.prices import plain
from services.catalog.seed.rows import CountUnit, SeedPrice, TieredPrice, TokenUnit
from services.rating import SINCE_EVER

# The order is that of PriceUnit.
_TOKEN_UNITS: Mapping[str, TokenUnit] = {
    "input_mtok": "prompt_token",
    "cache_read_mtok": "cached_token",
    "cache_write_mtok": "cache_write_token",
    "input_audio_mtok": "prompt_audio_token",
    "cache_audio_read_mtok": "cached_audio_token",
    "output_mtok": "completion_token",
    "output_reasoning_mtok": "reasoning_token",
    "output_audio_mtok": "completion_audio_token",
    "cache_write_1h_mtok": "cache_write_1h_token",
    "input_image_mtok": "prompt_image_token",
    "cache_image_read_mtok": "cached_image_token",
    "input_video_mtok": "prompt_video_token",
    "output_image_mtok": "completion_image_token",
}
_COUNT_UNITS: Mapping[str, CountUnit] = {"requests_kcount": "request", "web_searches_kcount": "web_search"}
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "pantheon/catalog/price")


class Figures(msgspec.Struct, frozen=True):
    """What each unit costs in USD; see `SeedPrice`. Without figures by the token: unpriced."""

    per_million: dict[TokenUnit, Decimal | TieredPrice] = {}
    per_thousand: dict[CountUnit, Decimal | TieredPrice] = {}


FREE = Figures({"prompt_token": Decimal(0), "completion_token": Decimal(0)})


def figures_of(prices: ModelPrice) -> Figures:
    """What each unit costs; none where nothing is priced that is counted in tokens."""
    tokens = {name: _exact(price) for key, name in _TOKEN_UNITS.items() if (price := getattr(prices, key)) is not None}
    counts = {name: _exact(price) for key, name in _COUNT_UNITS.items() if (price := getattr(prices, key)) is not None}
    return Figures(tokens, counts) if tokens else Figures()


def dated(model: ModelInfo) -> Iterator[tuple[datetime, Figures]]:
    """Since when which prices hold, oldest first; a change that is none in our units is not told."""
    prices = model.prices
    conditional = [ConditionalPrice(prices=prices)] if isinstance(prices, ModelPrice) else prices
    history = sorted(_starts(conditional), key=lambda entry: entry[0])
    last: Figures | None = None
    for start, figures in history:
        if figures != last:
            yield start, figures
        last = figures


def seed_price(endpoint: str, effective: datetime, figures: Figures, recorded: datetime, source: str) -> SeedPrice:
    """A price version whose id depends on nothing but endpoint, moment and figures."""
    tokens, counts = figures.per_million, figures.per_thousand
    content = msgspec.json.encode([endpoint, effective, tokens, *([counts] if counts else [])]).decode()
    return SeedPrice(str(uuid.uuid5(_NAMESPACE, content)), effective, recorded, source, tokens, counts)


def _starts(conditional: list[ConditionalPrice]) -> Iterator[tuple[datetime, Figures]]:
    for entry in conditional:
        if entry.constraint is None:
            yield SINCE_EVER, figures_of(entry.prices)
        elif isinstance(entry.constraint, StartDateConstraint):
            yield datetime.combine(entry.constraint.start_date, time(), UTC), figures_of(entry.prices)


def _exact(price: Decimal | TieredPrices) -> Decimal | TieredPrice:
    if isinstance(price, TieredPrices):
        return TieredPrice(plain(price.base), {tier.start: plain(tier.price) for tier in price.tiers})
    return plain(price)
