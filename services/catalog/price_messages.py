"""Prices as messages of pantheon.catalog.v1, and as events."""

from pantheon.catalog.v1 import price_pb2
from pantheon.events.v1.change_pb2 import Change, PriceOverrideAdded
from services.rating import PriceOverride, PriceVersion, UnitPrice
from services.runtime.money import to_proto
from services.runtime.times import to_timestamp


def price_version_message(version: PriceVersion) -> price_pb2.PriceVersion:
    """What an endpoint charges from a moment on."""
    return price_pb2.PriceVersion(
        id=version.id,
        effective_time=to_timestamp(version.effective),
        record_time=to_timestamp(version.recorded),
        unit_prices=map(_unit_price, version.unit_prices),
        source=version.source,
    )


def override_message(override: PriceOverride) -> price_pb2.PriceOverride:
    """What an organisation pays instead, from a moment on."""
    return price_pb2.PriceOverride(
        id=override.id,
        organisation_id=override.organisation_id,
        provider=override.provider,
        endpoint_id=override.endpoint_id,
        effective_time=to_timestamp(override.effective),
        record_time=to_timestamp(override.recorded),
        factor=None if override.factor is None else to_proto(override.factor),
        unit_prices=map(_unit_price, override.unit_prices),
        source=override.source,
    )


def override_added(override: PriceOverride) -> Change:
    """That it was appended."""
    return Change(price_override_added=PriceOverrideAdded(price_override=override_message(override)))


def _unit_price(entry: UnitPrice) -> price_pb2.UnitPrice:
    tiers = (
        price_pb2.PriceTier(above_prompt_tokens=tier.above_prompt_tokens, price=to_proto(tier.price))
        for tier in entry.tiers
    )
    return price_pb2.UnitPrice(
        unit=price_pb2.PriceUnit.ValueType(entry.unit), price=to_proto(entry.price), per=entry.per, tiers=tiers
    )
