"""Prices as the router keeps them: thousands of versions, of which few ever rate anything."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Self

from pantheon.catalog.v1 import price_pb2
from services.rating import (
    CompiledPrice,
    PriceOverride,
    PriceTier,
    PriceUnit,
    PriceVersion,
    UnitPrice,
    compile_price,
    overridden,
    override_at,
)
from services.runtime import times
from services.runtime.money import from_proto

_KNOWN_OVERRIDDEN = 4_096


class DatedPrice:
    """A price version that is read and compiled when it first rates something. `effective`: from when it holds."""

    __slots__ = ("_compiled", "_message", "effective")

    def __init__(self, effective: datetime, message: bytes, compiled: CompiledPrice | None = None) -> None:
        self.effective = effective
        self._message = message
        self._compiled = compiled

    @classmethod
    def of(cls, price: CompiledPrice) -> Self:
        """One that is compiled already."""
        return cls(price.version.effective, b"", price)

    @property
    def compiled(self) -> CompiledPrice:
        """The version, ready to rate."""
        if self._compiled is None:
            message = price_pb2.PriceVersion.FromString(self._message)
            self._compiled = compile_price(_version(message))
            self._message = b""
        return self._compiled


def dated_prices(messages: Sequence[price_pb2.PriceVersion]) -> tuple[DatedPrice, ...]:
    """Oldest first; of several versions from the same moment on, the one recorded last holds."""
    ordered = sorted(messages, key=_since)
    return tuple(
        DatedPrice(times.from_timestamp(message.effective_time), message.SerializeToString()) for message in ordered
    )


def override_of(message: price_pb2.PriceOverride) -> PriceOverride:
    """An organisation's price override."""
    return PriceOverride(
        id=message.id,
        organisation_id=message.organisation_id,
        provider=message.provider,
        endpoint_id=message.endpoint_id,
        effective=times.from_timestamp(message.effective_time),
        recorded=times.from_timestamp(message.record_time),
        factor=from_proto(message.factor, "factor") if message.HasField("factor") else None,
        unit_prices=_unit_prices(message.unit_prices),
        source=message.source,
    )


def price_under(
    price: CompiledPrice | None,
    overrides: Sequence[PriceOverride],
    provider: str,
    endpoint_id: str,
    when: datetime,
) -> CompiledPrice | None:
    """What an organisation with these overrides pays at an endpoint of this list price for what starts at `when`."""
    return overridden_price(price, override_at(overrides, provider, endpoint_id, when))


@lru_cache(_KNOWN_OVERRIDDEN)
def overridden_price(price: CompiledPrice | None, override: PriceOverride | None) -> CompiledPrice | None:
    """A list price under an override, kept for the next request."""
    return overridden(price, override)


def _since(message: price_pb2.PriceVersion) -> tuple[int, int, int, int]:
    effective, recorded = message.effective_time, message.record_time
    return (effective.seconds, effective.nanos, recorded.seconds, recorded.nanos)


def _version(message: price_pb2.PriceVersion) -> PriceVersion:
    return PriceVersion(
        id=message.id,
        effective=times.from_timestamp(message.effective_time),
        recorded=times.from_timestamp(message.record_time),
        source=message.source,
        unit_prices=_unit_prices(message.unit_prices),
    )


def _unit_prices(messages: Sequence[price_pb2.UnitPrice]) -> tuple[UnitPrice, ...]:
    return tuple(
        UnitPrice(
            unit=PriceUnit(entry.unit),
            price=from_proto(entry.price, "price"),
            per=entry.per,
            tiers=tuple(PriceTier(tier.above_prompt_tokens, from_proto(tier.price, "price")) for tier in entry.tiers),
        )
        for entry in messages
    )
