"""The price versions that a sync appends."""

from datetime import datetime

from services.catalog.prices import appended
from services.catalog.sync.plan import CatalogState, SyncPlan
from services.rating import PriceVersion
from services.runtime.ids import uuid7


def new_versions(plan: SyncPlan, state: CatalogState, now: datetime) -> list[tuple[str, PriceVersion]]:
    """By endpoint. They hold from now on, and name the provider as their source, by which `reverting` knows them."""
    found: list[tuple[str, PriceVersion]] = []
    for change in plan.changes:
        endpoints = change.after.endpoints if change.after else ()
        present = {endpoint.id: endpoint for endpoint in endpoints}
        for price in change.prices:
            endpoint = present[price.endpoint_id]
            versions = endpoint.prices or tuple(state.former_prices.get(endpoint.id, ()))
            wanted = PriceVersion(str(uuid7()), now, now, price.unit_prices, endpoint.provider)
            added = appended(versions, [*versions, wanted], now, lambda: str(uuid7()))
            found += ((endpoint.id, version) for version in added)
    return found
