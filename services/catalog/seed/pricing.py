"""From the price lists of genai-prices to dated price versions.

What genai-prices knows and a price version cannot say is left out, and with it from every cost:
- units that completions are not counted in: images, video, seconds, characters, searches, and cache writes that live
  an hour (charged as other cache writes);
- prices that hold at a time of day only (none of the seed's providers has one): the base price stands for them;
- batch, priority and other tariffs that a request asks for.
"""

import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from decimal import Decimal

import msgspec
from genai_prices.types import ConditionalPrice, ModelInfo, ModelPrice, StartDateConstraint, TieredPrices

from services.catalog.seed.rows import SeedPrice, TieredPrice, UnitName
from services.rating import SINCE_EVER

PerMillion = dict[UnitName, Decimal | TieredPrice]

# The order is that of PriceUnit.
_UNITS: Mapping[str, UnitName] = {
    "input_mtok": "prompt_token",
    "cache_read_mtok": "cached_token",
    "cache_write_mtok": "cache_write_token",
    "input_audio_mtok": "prompt_audio_token",
    "cache_audio_read_mtok": "cached_audio_token",
    "output_mtok": "completion_token",
    "output_reasoning_mtok": "reasoning_token",
    "output_audio_mtok": "completion_audio_token",
}
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "pantheon/catalog/price")

FREE: PerMillion = {"prompt_token": Decimal(0), "completion_token": Decimal(0)}


def per_million(prices: ModelPrice) -> PerMillion:
    """What each unit costs; empty where nothing is priced that is counted in tokens."""
    return {name: _exact(price) for key, name in _UNITS.items() if (price := getattr(prices, key)) is not None}


def dated(model: ModelInfo) -> Iterator[tuple[datetime, PerMillion]]:
    """Since when which prices hold, oldest first; a change that is none in our units is not told."""
    prices = model.prices
    conditional = [ConditionalPrice(prices=prices)] if isinstance(prices, ModelPrice) else prices
    history = sorted(_starts(conditional), key=lambda entry: entry[0])
    last: PerMillion | None = None
    for start, figures in history:
        if figures != last:
            yield start, figures
        last = figures


def seed_price(endpoint: str, effective: datetime, figures: PerMillion, recorded: datetime, source: str) -> SeedPrice:
    """A price version whose id depends on nothing but endpoint, moment and figures."""
    content = msgspec.json.encode([endpoint, effective, figures]).decode()
    return SeedPrice(str(uuid.uuid5(_NAMESPACE, content)), effective, recorded, source, figures)


def _starts(conditional: list[ConditionalPrice]) -> Iterator[tuple[datetime, PerMillion]]:
    for entry in conditional:
        if entry.constraint is None:
            yield SINCE_EVER, per_million(entry.prices)
        elif isinstance(entry.constraint, StartDateConstraint):
            yield datetime.combine(entry.constraint.start_date, time(), UTC), per_million(entry.prices)


def _exact(price: Decimal | TieredPrices) -> Decimal | TieredPrice:
    if isinstance(price, TieredPrices):
        return TieredPrice(_plain(price.base), {tier.start: _plain(tier.price) for tier in price.tiers})
    return _plain(price)


def _plain(price: Decimal) -> Decimal:
    """The same value without trailing zeros and without an exponent: 2.50 and 2.5 are one price."""
    digits = format(price, "f")
    return Decimal(digits.rstrip("0").rstrip(".") if "." in digits else digits)
