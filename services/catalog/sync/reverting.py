"""What undoes a sync."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from services.catalog.entities import Model
from services.catalog.prices import unit_prices_at
from services.catalog.sync.merging import charges
from services.catalog.sync.plan import CatalogState, ModelChange, NewPrice, SyncPlan
from services.rating import PriceVersion, price_at


def reverting(before: Mapping[str, Model | None], state: CatalogState, synced: datetime, now: datetime) -> SyncPlan:
    """What makes the models what they were before a sync of the moment `synced`; None: not in the catalog.

    Prices go back to what would hold now, had it not been, by versions appended; a price that came after it stays.
    """
    changes = (_change(model_id, model, state, synced, now) for model_id, model in sorted(before.items()))
    return SyncPlan(tuple(change for change in changes if change is not None))


def _change(
    model_id: str, before: Model | None, state: CatalogState, synced: datetime, now: datetime
) -> ModelChange | None:
    present = state.models.get(model_id)
    if before is None:
        return ModelChange(model_id, present, None) if present else None
    versions = dict(state.former_prices)
    if present is not None:
        versions |= {endpoint.id: endpoint.prices for endpoint in present.endpoints}
    restored = replace(
        before,
        endpoints=tuple(
            replace(endpoint, prices=tuple(versions.get(endpoint.id, ()))) for endpoint in before.endpoints
        ),
    )
    prices = tuple(_prices(before, versions, synced, now))
    return ModelChange(model_id, present, restored, prices) if restored != present or prices else None


def _prices(
    before: Model, versions: Mapping[str, Sequence[PriceVersion]], synced: datetime, now: datetime
) -> Iterator[NewPrice]:
    for endpoint in before.endpoints:
        present = price_at(versions.get(endpoint.id, ()), now)
        from_sync = present is not None and present.source == endpoint.provider and present.recorded >= synced
        wanted = unit_prices_at(endpoint.prices, now)
        if from_sync and present and charges(present.unit_prices) != charges(wanted):
            yield NewPrice(endpoint.id, wanted)
