"""How dated prices are brought up to date: by appended versions, so that what was rated once stays explained."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from pantheon.catalog.v1 import price_pb2
from services.catalog import price_fields
from services.rating import PriceVersion, UnitPrice, price_at

_INSTANT = timedelta(microseconds=1)


def appended(
    known: Sequence[PriceVersion], wanted: Sequence[PriceVersion], now: datetime, new_id: Callable[[], str]
) -> list[PriceVersion]:
    """The versions to add to `known` so that from now on every moment has the price that `wanted` gives it.

    The prices of an endpoint without any are taken as they are. Later, a version records when the catalog learnt of
    it, which is now: completions rated before were rated by what was known before. A moment that `wanted` has no price
    for gets a version without unit prices, by which the cost is unknown.
    """
    if not known:
        return list(wanted)
    held, added = list(known), list[PriceVersion]()
    used = {version.id for version in known}
    # Of several versions of one moment the one recorded last holds, even if a clock was set back in between.
    recorded = max(now, *(version.recorded + _INSTANT for version in known))
    for moment in sorted({version.effective for version in (*known, *wanted)}):
        right, present = price_at(wanted, moment), price_at(held, moment)
        if _charges(right) == _charges(present):
            continue
        source = right or present
        if source is None:
            continue
        own = right is not None and right.effective == moment and right.id not in used
        version = replace(
            source,
            id=source.id if own else new_id(),
            effective=moment,
            recorded=recorded,
            unit_prices=right.unit_prices if right else (),
        )
        held.append(version)
        added.append(version)
        used.add(version.id)
    return added


def asked_price(given: price_pb2.PriceVersion, now: datetime, new_id: Callable[[], str]) -> PriceVersion:
    """The version that somebody asks to append; what is output only in the message is not read.

    Raises:
        InvalidField: a value is not allowed.
    """
    moment = given.effective_time if given.HasField("effective_time") else None
    return PriceVersion(
        id=new_id(),
        effective=price_fields.effective("price.effective_time", moment, now, since_ever=True),
        recorded=now,
        unit_prices=price_fields.unit_prices("price.unit_prices", given.unit_prices),
        source=price_fields.source("price.source", given.source),
    )


def unit_prices_at(versions: Iterable[PriceVersion], when: datetime) -> tuple[UnitPrice, ...]:
    """What each unit costs at a moment; nothing where that is unknown."""
    version = price_at(versions, when)
    return version.unit_prices if version else ()


def plain(price: Decimal) -> Decimal:
    """The same value without an exponent and trailing zeros: 2.50 and 2.5 are one price."""
    digits = format(price, "f")
    return Decimal(digits.rstrip("0").rstrip(".") if "." in digits else digits)


def recorded_after(version: PriceVersion, last: datetime | None) -> PriceVersion:
    """The version as learnt after `last`, even if a clock was set back: of one moment's the one learnt last holds."""
    return version if last is None or version.recorded > last else replace(version, recorded=last + _INSTANT)


def _charges(version: PriceVersion | None) -> frozenset[object]:
    return frozenset(version.unit_prices) if version else frozenset()
