"""Prices as JSON, both ways: what a version says, and what each unit costs right now. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
from google.protobuf.timestamp_pb2 import Timestamp

from pantheon.catalog.v1.price_pb2 import PriceTier, PriceUnit, PriceVersion, UnitPrice
from services.edge.rest import decimals, instants
from services.edge.rest.members import Members
from services.edge.rest.names import PRICE_UNITS
from services.runtime import money, times
from services.runtime.errors import InvalidField

_MILLION = Decimal(1_000_000)


class TierBody(msgspec.Struct, frozen=True):
    """The price of requests with more prompt tokens than that."""

    above_prompt_tokens: int
    price: msgspec.Raw


class UnitPriceBody(msgspec.Struct, frozen=True):
    """USD per `per` units."""

    unit: str | None
    price: msgspec.Raw
    per: int
    tiers: list[TierBody]


class PriceVersionBody(msgspec.Struct, frozen=True):
    """One version as it was appended. No unit prices: unpriced from then on."""

    id: str
    effective_time: datetime | None
    record_time: datetime | None
    unit_prices: list[UnitPriceBody]
    source: str


def price_version_body(version: PriceVersion) -> PriceVersionBody:
    """The version as it is shown."""
    effective, recorded = instants.shown(version, "effective_time"), instants.shown(version, "record_time")
    return PriceVersionBody(version.id, effective, recorded, unit_price_bodies(version.unit_prices), version.source)


def unit_price_bodies(unit_prices: Iterable[UnitPrice]) -> list[UnitPriceBody]:
    """What each unit costs, as it is shown; POST takes the same."""
    return [
        UnitPriceBody(
            PRICE_UNITS.of(entry.unit),
            decimals.raw_of(entry.price),
            entry.per,
            [TierBody(tier.above_prompt_tokens, decimals.raw_of(tier.price)) for tier in entry.tiers],
        )
        for entry in unit_prices
    ]


def price_per_million(versions: Sequence[PriceVersion], now: Timestamp) -> dict[str, msgspec.Raw] | None:
    """USD per million of each unit by the version that holds now, its tiers aside; None: unpriced."""
    begun = [version for version in versions if _order(version.effective_time) <= _order(now)]
    if not begun:
        return None
    present = max(begun, key=lambda version: (_order(version.effective_time), _order(version.record_time)))
    prices: dict[str, msgspec.Raw] = {}
    for entry in present.unit_prices:
        name = PRICE_UNITS.of(entry.unit)
        if name is not None:
            prices[name] = decimals.raw(_for_a_million(money.from_proto(entry.price), entry.per))
    return prices or None


def given_unit_prices(body: Members) -> list[UnitPrice]:
    """What `unit_prices` of a body asks for.

    Raises:
        InvalidField: a member is unknown or of the wrong type.
    """
    return [_given_unit_price(entry) for entry in body.objects("unit_prices")]


def spelt(error: InvalidField) -> InvalidField:
    """The catalog's refusal of a unit with the name it has here."""
    found = error.metadata
    units = {PriceUnit.Name(PRICE_UNITS.value(name, "unit")): name for name in PRICE_UNITS}
    return InvalidField(found["field"], units.get(found["value"], found["value"]), found["allowed"])


def given_time(body: Members, name: str) -> Timestamp | None:
    """A time of a body.

    Raises:
        InvalidField: it is none.
    """
    instant = body.time(name)
    return None if instant is None else times.to_timestamp(instant)


def _given_unit_price(entry: Members) -> UnitPrice:
    entry.only(("unit", "price", "per", "tiers"))
    tiers = entry.objects("tiers")
    for tier in tiers:
        tier.only(("above_prompt_tokens", "price"))
    return UnitPrice(
        unit=PRICE_UNITS.value(entry.required("unit"), entry.path("unit")),
        price=entry.money("price"),
        per=entry.required_whole_number("per"),
        tiers=[
            PriceTier(above_prompt_tokens=tier.required_whole_number("above_prompt_tokens"), price=tier.money("price"))
            for tier in tiers
        ],
    )


def _for_a_million(price: Decimal, per: int) -> Decimal:
    """Without the zeros that scaling leaves behind the point."""
    scaled = price * _MILLION / per
    return scaled.quantize(Decimal(1)) if scaled == scaled.to_integral_value() else scaled.normalize()


def _order(instant: Timestamp) -> tuple[int, int]:
    return instant.seconds, instant.nanos
