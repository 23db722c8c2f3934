"""Small catalogs, lists, and a sync carried out in memory."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from pantheon.catalog.v1.provider_pb2 import AUTH_STYLE_BEARER, WIRE_FORMAT_OPENAI_CHAT
from services.catalog.entities import Endpoint, Model, Provider, ProviderFlags
from services.catalog.listings.listed import Listed, Listing
from services.catalog.sync.comparison import compare
from services.catalog.sync.plan import CatalogState, SyncPlan
from services.catalog.sync.versions import new_versions
from services.rating import SINCE_EVER, PriceUnit, PriceVersion, UnitPrice

NOW = datetime(2026, 11, 22, tzinfo=UTC)
AGGREGATORS = frozenset({"openrouter"})

_numbers = count()


def provider(name: str) -> Provider:
    return Provider(
        name=name,
        display_name=name,
        default_base_url="",
        wire_format=WIRE_FORMAT_OPENAI_CHAT,
        auth_style=AUTH_STYLE_BEARER,
        flags=ProviderFlags(aggregates_vendors=name in AGGREGATORS),
    )


def prices(prompt: str, completion: str, *more: UnitPrice) -> tuple[UnitPrice, ...]:
    whole = zip((PriceUnit.PROMPT_TOKEN, PriceUnit.COMPLETION_TOKEN), (prompt, completion), strict=True)
    return (*(UnitPrice(unit, Decimal(price), 1_000_000) for unit, price in whole), *more)


def version(unit_prices: tuple[UnitPrice, ...], effective: datetime = SINCE_EVER, source: str = "seed") -> PriceVersion:
    return PriceVersion(f"v{next(_numbers)}", effective, NOW - timedelta(days=9), unit_prices, source)


def endpoint(name: str, *versions: PriceVersion) -> Endpoint:
    where, _, served = name.partition(":")
    return Endpoint(where, served, versions)


def model(model_id: str, *endpoints: Endpoint, **fields: Any) -> Model:
    return Model(id=model_id, endpoints=endpoints, **fields)


def state(*models: Model) -> CatalogState:
    return CatalogState({entry.id: entry for entry in models})


def listing(name: str, *entries: Listed | str) -> Listing:
    return Listing(provider(name), tuple(Listed(id=entry) if isinstance(entry, str) else entry for entry in entries))


def synced(catalog: CatalogState, *listings: Listing, remove_missing: bool = False) -> tuple[list[Listing], SyncPlan]:
    return compare(catalog, listings, AGGREGATORS, NOW, remove_missing=remove_missing)


def planned(catalog: CatalogState, *listings: Listing, remove_missing: bool = False) -> SyncPlan:
    return synced(catalog, *listings, remove_missing=remove_missing)[1]


def carried_out(catalog: CatalogState, plan: SyncPlan, now: datetime) -> CatalogState:
    """As the store does it."""
    models, former = dict(catalog.models), dict(catalog.former_prices)
    added: dict[str, list[PriceVersion]] = defaultdict(list)
    for endpoint_id, new in new_versions(plan, catalog, now):
        added[endpoint_id].append(new)
    for change in plan.changes:
        before = models.pop(change.model_id, None)
        former |= {entry.id: entry.prices for entry in (before.endpoints if before else ())}
        if change.after is None:
            continue
        endpoints = (
            replace(entry, prices=(*former.pop(entry.id, ()), *added[entry.id])) for entry in change.after.endpoints
        )
        models[change.model_id] = replace(change.after, endpoints=tuple(endpoints))
    return CatalogState(models, former)
