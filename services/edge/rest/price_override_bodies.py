"""Price overrides as JSON: what an organisation pays instead of list prices. Pure."""

from datetime import datetime

import msgspec

from pantheon.catalog.v1.price_pb2 import PriceOverride
from services.edge.rest import decimals, instants
from services.edge.rest.price_bodies import UnitPriceBody, unit_price_bodies


class PriceOverrideBody(msgspec.Struct, frozen=True, kw_only=True):
    """An override: of list prices by a factor, or with unit prices of its own. No endpoint: of all the provider's."""

    id: str
    organisation_id: str
    provider: str
    endpoint_id: str | None
    effective_time: datetime | None
    record_time: datetime | None
    factor: msgspec.Raw
    unit_prices: list[UnitPriceBody]
    source: str


def price_override_body(override: PriceOverride) -> PriceOverrideBody:
    """The override as it is shown."""
    return PriceOverrideBody(
        id=override.id,
        organisation_id=override.organisation_id,
        provider=override.provider,
        endpoint_id=override.endpoint_id or None,
        effective_time=instants.shown(override, "effective_time"),
        record_time=instants.shown(override, "record_time"),
        factor=decimals.shown(override, "factor"),
        unit_prices=unit_price_bodies(override.unit_prices),
        source=override.source,
    )
