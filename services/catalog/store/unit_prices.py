"""The price of a unit as a row, of list prices and of overrides alike."""

from typing import Any

from sqlalchemy import Row

from services.rating import PriceTier, PriceUnit, UnitPrice

COLUMNS = ("unit", "price", "per", "tier_thresholds", "tier_prices")


def unit_price(row: Row[Any]) -> UnitPrice:
    """The value of a row that has these columns."""
    tiers = tuple(PriceTier(*tier) for tier in zip(row.tier_thresholds, row.tier_prices, strict=True))
    return UnitPrice(PriceUnit(row.unit), row.price, row.per, tiers)


def unit_price_row(entry: UnitPrice) -> dict[str, Any]:
    """These columns of a row for the value."""
    return {
        "unit": int(entry.unit),
        "price": entry.price,
        "per": entry.per,
        "tier_thresholds": [tier.above_prompt_tokens for tier in entry.tiers],
        "tier_prices": [tier.price for tier in entry.tiers],
    }
