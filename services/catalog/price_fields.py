"""Prices that people give: what of a request may be kept. Pure."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.decimal_pb2 import Decimal as ProtoDecimal

from pantheon.catalog.v1 import price_pb2
from services.catalog.fields import storable
from services.rating import (
    FACTORS_ALLOWED,
    PRICES_ALLOWED,
    SINCE_EVER,
    PriceTier,
    PriceUnit,
    UnitPrice,
    check_factor,
    check_per,
    check_price,
)
from services.runtime.errors import InvalidField
from services.runtime.money import from_proto
from services.runtime.times import from_timestamp

HORIZON = timedelta(days=3_653)
"""How far from now a price may begin: ten years."""
_HORIZON_ALLOWED = "within ten years of now"
_SOURCE_LENGTH = 200
_MOST_TIERS = 16
_UNITS = {unit.value for unit in PriceUnit}


def unit_prices(field: str, given: Sequence[price_pb2.UnitPrice]) -> tuple[UnitPrice, ...]:
    """What each unit is to cost, by unit.

    Raises:
        InvalidField: a unit is unknown or priced twice, or an amount is none that can be kept.
    """
    found = [_unit_price(f"{field}[{position}]", entry) for position, entry in enumerate(given)]
    units = [entry.unit for entry in found]
    for position, unit in enumerate(units):
        if unit in units[:position]:
            raise InvalidField(f"{field}[{position}].unit", _name(unit), "each unit at most once")
    return tuple(sorted(found, key=lambda entry: entry.unit))


def price(field: str, given: ProtoDecimal, allowed: str = PRICES_ALLOWED) -> Decimal:
    """An amount that something may cost.

    Raises:
        InvalidField: it is none.
    """
    return _checked(field, given, check_price, allowed)


def factor(field: str, given: ProtoDecimal) -> Decimal:
    """A factor on prices.

    Raises:
        InvalidField: it is none.
    """
    return _checked(field, given, check_factor, FACTORS_ALLOWED)


def effective(field: str, given: Timestamp | None, now: datetime, *, since_ever: bool) -> datetime:
    """From when a price is to hold: now, if nothing is given. `since_ever`: it may be the epoch, too.

    Raises:
        InvalidField: it is further than ten years away.
    """
    if given is None:
        return now
    # Compared in seconds: not every Timestamp is a moment that Python has.
    if abs(given.seconds - now.timestamp()) <= HORIZON.total_seconds() or (since_ever and given == Timestamp()):
        return from_timestamp(given)
    allowed = f"{_HORIZON_ALLOWED}, or {SINCE_EVER.isoformat()}: since ever" if since_ever else _HORIZON_ALLOWED
    raise InvalidField(field, _shown(given), allowed)


def source(field: str, given: str) -> str:
    """Where figures come from.

    Raises:
        InvalidField: it is too long, or no text that can be kept.
    """
    if len(given) > _SOURCE_LENGTH:
        raise InvalidField(field, given, f"at most {_SOURCE_LENGTH} characters")
    return storable(field, given)


def _unit_price(field: str, given: price_pb2.UnitPrice) -> UnitPrice:
    if given.unit not in _UNITS:
        allowed = "one of " + ", ".join(map(_name, PriceUnit))
        raise InvalidField(f"{field}.unit", given.unit, allowed)
    try:
        check_per(field, given.per)
    except ValueError:
        raise InvalidField(f"{field}.per", given.per, "a power of ten from 1 to 1000000000") from None
    amount = price(f"{field}.price", given.price)
    return UnitPrice(PriceUnit(given.unit), amount, given.per, _tiers(f"{field}.tiers", given.tiers))


def _tiers(field: str, given: Sequence[price_pb2.PriceTier]) -> tuple[PriceTier, ...]:
    if len(given) > _MOST_TIERS:
        raise InvalidField(field, f"{len(given)} tiers", f"at most {_MOST_TIERS}")
    tiers: list[PriceTier] = []
    above = -1
    for position, tier in enumerate(given):
        if tier.above_prompt_tokens <= above:
            allowed = f"thresholds in rising order: more than {above}"
            raise InvalidField(f"{field}[{position}].above_prompt_tokens", tier.above_prompt_tokens, allowed)
        above = tier.above_prompt_tokens
        tiers.append(PriceTier(above, price(f"{field}[{position}].price", tier.price)))
    return tuple(tiers)


def _name(unit: PriceUnit) -> str:
    return price_pb2.PriceUnit.Name(price_pb2.PriceUnit.ValueType(unit))


def _shown(given: Timestamp) -> str:
    try:
        return given.ToJsonString()
    except ValueError:
        return f"{given.seconds} s"


def _checked(field: str, given: ProtoDecimal, check: Callable[[str, Decimal], object], allowed: str) -> Decimal:
    value = from_proto(given, field)
    try:
        check(field, value)
    except ValueError:
        raise InvalidField(field, given.value, allowed) from None
    return value
