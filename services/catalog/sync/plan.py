"""What a sync is to do, as plain values."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from services.catalog.entities import Model
from services.rating import PriceVersion, UnitPrice


@dataclass(frozen=True, slots=True)
class CatalogState:
    """The catalog as it is."""

    # By id, with endpoints and prices.
    models: Mapping[str, Model]
    # By endpoint id: the price versions of those that are no longer offered, and may be again.
    former_prices: Mapping[str, Sequence[PriceVersion]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewPrice:
    """What an endpoint charges from now on; no unit prices: unknown."""

    endpoint_id: str
    unit_prices: tuple[UnitPrice, ...]


@dataclass(frozen=True, slots=True)
class ModelChange:
    """What becomes of one model: None before, it is new; None after, it is taken out of the catalog."""

    model_id: str
    before: Model | None
    # Its endpoints have the prices they had before; `prices` come beside them.
    after: Model | None
    prices: tuple[NewPrice, ...] = ()


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """All of it, by model id."""

    changes: tuple[ModelChange, ...] = ()

    @property
    def digest(self) -> str:
        """Recognises the plan: hexadecimal SHA-256 of what it does, whenever it does so."""
        return hashlib.sha256(msgspec.json.encode([_essence(change) for change in self.changes])).hexdigest()


def _essence(change: ModelChange) -> tuple[object, ...]:
    bare = [model and _without_prices(model) for model in (change.before, change.after)]
    return (change.model_id, *bare, change.prices)


def _without_prices(model: Model) -> Model:
    return replace(model, endpoints=tuple(replace(endpoint, prices=()) for endpoint in model.endpoints))
