"""OpenRouter's object `pricing`: USD per token, per request, per image, as decimal strings.

Source: `PublicPricing` in https://openrouter.ai/openapi.json. "-1" says that a price depends on what serves the
request, and what is missing is not told: both are unknown, not free. A part of the prompt or completion at "0" beside a
whole that costs something has no price of its own: older entries write so of cached and reasoning tokens that are in
truth charged with the whole.

`image` and `image_output` are called prices of a picture, and were; today's lists hold what a token of one costs
(0.00003 for Gemini's, whose own list says 30 USD per million). No picture is as small as a hundred tokens: what is at
most a hundred times the price of a token is the price of a token.
"""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from services.catalog.listings.members import Object, objects, tokens
from services.catalog.prices import plain
from services.rating import EXACT, PriceTier, PriceUnit, UnitPrice
from services.runtime import money

_MILLION = 1_000_000
_MILLION_EXPONENT = 6

_WHOLE: Mapping[str, PriceUnit] = MappingProxyType(
    {"prompt": PriceUnit.PROMPT_TOKEN, "completion": PriceUnit.COMPLETION_TOKEN}
)
_PARTS: Mapping[str, tuple[PriceUnit, str]] = MappingProxyType(
    {
        "input_cache_read": (PriceUnit.CACHED_TOKEN, "prompt"),
        "input_cache_write": (PriceUnit.CACHE_WRITE_TOKEN, "prompt"),
        "input_cache_write_1h": (PriceUnit.CACHE_WRITE_1H_TOKEN, "prompt"),
        "audio": (PriceUnit.PROMPT_AUDIO_TOKEN, "prompt"),
        "input_audio_cache": (PriceUnit.CACHED_AUDIO_TOKEN, "prompt"),
        "image_token": (PriceUnit.PROMPT_IMAGE_TOKEN, "prompt"),
        "internal_reasoning": (PriceUnit.REASONING_TOKEN, "completion"),
        "audio_output": (PriceUnit.COMPLETION_AUDIO_TOKEN, "completion"),
    }
)
_EACH: Mapping[str, PriceUnit] = MappingProxyType(
    {"request": PriceUnit.REQUEST, "image": PriceUnit.PROMPT_IMAGE, "web_search": PriceUnit.WEB_SEARCH}
)
_PICTURES: Mapping[str, tuple[PriceUnit, str]] = MappingProxyType(
    {
        "image": (PriceUnit.PROMPT_IMAGE_TOKEN, "prompt"),
        "image_output": (PriceUnit.COMPLETION_IMAGE_TOKEN, "completion"),
    }
)
_LEAST_PICTURE = 100
"""Tokens that any picture has."""
_MOST_DIGITS = 100
"""Before and after the point, of any price; see `services.rating.money`. Written out, "1e999999999" fills memory."""

TOLD = frozenset({*_WHOLE.values(), *_EACH.values(), *(unit for unit, _ in (*_PARTS.values(), *_PICTURES.values()))})
"""The units it can speak of. Of others its silence says nothing."""

_CONDITION = "min_prompt_tokens"
_PRICE_NAMES = frozenset({*_WHOLE, *_PARTS, *_EACH, *_PICTURES})


def unit_prices(pricing: Object) -> tuple[UnitPrice, ...]:
    """What each unit costs, in the order of the units; empty where nothing is known."""
    found: dict[PriceUnit, UnitPrice] = {}
    for name, unit in _WHOLE.items():
        if (price := _amount(pricing.get(name))) is not None:
            found[unit] = UnitPrice(unit, _per_million(price), _MILLION, _tiers(pricing, name))
    for name, (unit, whole) in _PARTS.items():
        price, of_whole = _amount(pricing.get(name)), _amount(pricing.get(whole))
        if price is not None and (price or not of_whole):
            found[unit] = UnitPrice(unit, _per_million(price), _MILLION, _tiers(pricing, name))
    for name, unit in _EACH.items():
        if (price := _amount(pricing.get(name))) and not _is_by_token(pricing, name):
            found[unit] = UnitPrice(unit, plain(price), 1)
    for name, (unit, whole) in _PICTURES.items():
        # At the price of its whole it is charged with it, whatever the tier.
        if (price := _amount(pricing.get(name))) and _is_by_token(pricing, name) and price != _amount(pricing[whole]):
            found.setdefault(unit, UnitPrice(unit, _per_million(price), _MILLION, _tiers(pricing, name)))
    if PriceUnit.PROMPT_TOKEN not in found and PriceUnit.COMPLETION_TOKEN not in found:
        return ()
    return tuple(found[unit] for unit in sorted(found))


def _is_by_token(pricing: Object, name: str) -> bool:
    """Whether what is called the price of a picture is that of a token of one."""
    if name not in _PICTURES:
        return False
    price, of_whole = _amount(pricing.get(name)), _amount(pricing.get(_PICTURES[name][1]))
    return price is not None and of_whole is not None and price <= _LEAST_PICTURE * of_whole


def _amount(value: Any) -> Decimal | None:
    """A price that can be kept; None where it is none, or unknown (negative)."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        given = money.parse(str(value).strip())
        if abs(given.adjusted()) > _MOST_DIGITS:
            return None
        amount = plain(given)
        UnitPrice(PriceUnit.PROMPT_TOKEN, _per_million(amount), _MILLION)
    except (ArithmeticError, ValueError):
        return None
    return amount


def _per_million(price: Decimal) -> Decimal:
    return plain(EXACT.scaleb(price, _MILLION_EXPONENT))


def _tiers(pricing: Object, name: str) -> tuple[PriceTier, ...]:
    """Prices that hold above so many prompt tokens. Those by the time of day are left out: the base price stands."""
    tiers: dict[int, Decimal] = {}
    for entry in objects(pricing.get("overrides")):
        least, price = tokens(entry, _CONDITION), _amount(entry.get(name))
        if least is not None and price is not None and entry.keys() <= {_CONDITION, *_PRICE_NAMES}:
            tiers[least] = _per_million(price)
    return tuple(PriceTier(above, tiers[above]) for above in sorted(tiers))
