"""From tokens and dated prices to money: pure, exact, shared by router, usage and catalog.

Plain values in, plain values out: nothing here does I/O, knows protobuf or reads a clock.

>>> version = price_at(versions, started)       # which price holds at that moment
>>> rating = rate(tokens, version)               # what it comes to; None where that is unknown
>>> compiled = compile_price(version)            # the same, prepared once for many requests
>>> rating = compiled.rate(tokens)
>>> override = override_at(overrides, "openai", "openai:gpt-4", started)    # what an organisation has agreed
>>> rating = overridden(compiled, override).rate(tokens)
"""

from services.rating.compiled import CompiledPrice, compile_price, rate
from services.rating.money import EXACT, FACTORS_ALLOWED, PRICES_ALLOWED, check_factor, check_per, check_price
from services.rating.overrides import PriceOverride, overridden, override_at
from services.rating.prices import SINCE_EVER, PriceTier, PriceUnit, PriceVersion, UnitPrice, price_at
from services.rating.result import Line, Rate, Rating
from services.rating.tokens import Tokens

__all__ = [
    "EXACT",
    "FACTORS_ALLOWED",
    "PRICES_ALLOWED",
    "SINCE_EVER",
    "CompiledPrice",
    "Line",
    "PriceOverride",
    "PriceTier",
    "PriceUnit",
    "PriceVersion",
    "Rate",
    "Rating",
    "Tokens",
    "UnitPrice",
    "check_factor",
    "check_per",
    "check_price",
    "compile_price",
    "overridden",
    "override_at",
    "price_at",
    "rate",
]
