"""Which lists are believed. A broken answer that looks like a list must not empty the catalog, or make it free."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from services.catalog.entities import Endpoint
from services.catalog.listings.listed import Listed, Listing
from services.catalog.prices import unit_prices_at
from services.rating import PriceUnit, UnitPrice

# Of fewer, half of them may well change at once.
_ENOUGH = 4
_WHOLE = (PriceUnit.PROMPT_TOKEN, PriceUnit.COMPLETION_TOKEN)


def judged(
    listing: Listing,
    endpoints: Sequence[Endpoint],
    listed: Mapping[str, Listed],
    now: datetime,
    *,
    remove_missing: bool,
) -> Listing:
    """The listing, with a fault where it is not credible.

    `endpoints` are what the catalog has of the provider, `listed` what the list says of them, by endpoint id.
    """
    missing = sum(endpoint.id not in listed for endpoint in endpoints)
    if remove_missing and 2 * missing > len(endpoints):
        return _disbelieved(listing, f"the list lacks {missing} of the {len(endpoints)} models that the catalog has")
    prices = [
        (present, said.unit_prices)
        for endpoint in endpoints
        if (said := listed.get(endpoint.id)) is not None
        and said.unit_prices is not None
        and _costs(present := unit_prices_at(endpoint.prices, now))
    ]
    if len(prices) >= _ENOUGH:
        unknown = sum(not wanted for _, wanted in prices)
        free = sum(bool(wanted) and not _costs(wanted) for _, wanted in prices)
        for what, number in (("names no price of", unknown), ("calls free", free)):
            if 2 * number > len(prices):
                return _disbelieved(listing, f"the list {what} {number} of {len(prices)} models that have a price")
    return listing


def _costs(unit_prices: Sequence[UnitPrice]) -> bool:
    return any(entry.price for entry in unit_prices if entry.unit in _WHOLE)


def _disbelieved(listing: Listing, fault: str) -> Listing:
    return replace(listing, models=(), fault=fault)
