"""A sync's plan as people read it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any

from pantheon.catalog.v1 import sync_pb2
from pantheon.catalog.v1.model_pb2 import Modality
from services.catalog.entities import Model, Parameters
from services.catalog.prices import plain, unit_prices_at
from services.catalog.sync.plan import ModelChange, SyncPlan
from services.rating import EXACT, PriceUnit, UnitPrice
from services.rating.money import for_one


class Kind(IntEnum):
    """In which way a model differs; the numbers are those of `pantheon.catalog.v1.DifferenceKind`."""

    ADDED = sync_pb2.DIFFERENCE_KIND_ADDED
    CHANGED = sync_pb2.DIFFERENCE_KIND_CHANGED
    REMOVED = sync_pb2.DIFFERENCE_KIND_REMOVED


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One value that differs; empty: unknown, or not there."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ModelDifference:
    """How one model differs."""

    model_id: str
    kind: Kind
    fields: tuple[FieldDifference, ...]


_SCALARS = tuple(field.name for field in fields(Model) if field.name not in ("id", "endpoints"))
_EACH = frozenset({PriceUnit.REQUEST, PriceUnit.PROMPT_IMAGE, PriceUnit.WEB_SEARCH})
_MILLION_EXPONENT = 6


def differences(plan: SyncPlan, now: datetime) -> list[ModelDifference]:
    """By model id."""
    return [_difference(change, now) for change in plan.changes]


def kind_of(change: ModelChange) -> Kind:
    """Whether a model is added, changed or removed."""
    if change.before is None:
        return Kind.ADDED
    return Kind.REMOVED if change.after is None else Kind.CHANGED


def _difference(change: ModelChange, now: datetime) -> ModelDifference:
    kind = kind_of(change)
    found = [*_endpoints(change), *_prices(change, now)]
    if kind is Kind.CHANGED and change.before and change.after:
        found = [*_scalars(change.before, change.after), *found]
    return ModelDifference(change.model_id, kind, tuple(found))


def _scalars(before: Model, after: Model) -> Iterator[FieldDifference]:
    for name in _SCALARS:
        was, is_now = getattr(before, name), getattr(after, name)
        if was != is_now:
            yield FieldDifference(name, _text(name, was), _text(name, is_now))


def _endpoints(change: ModelChange) -> Iterator[FieldDifference]:
    was, is_now = (
        ", ".join(endpoint.id for endpoint in model.endpoints) if model else ""
        for model in (change.before, change.after)
    )
    if was != is_now:
        yield FieldDifference("endpoints", was, is_now)


def _prices(change: ModelChange, now: datetime) -> Iterator[FieldDifference]:
    """Unit by unit; of a removed model what it has cost."""
    present = {endpoint.id: endpoint.prices for endpoint in (change.before.endpoints if change.before else ())}
    wanted = {price.endpoint_id: price.unit_prices for price in change.prices}
    if change.after is None:
        wanted = dict.fromkeys(present, ())
    for endpoint_id, unit_prices in wanted.items():
        was = _by_unit(unit_prices_at(present.get(endpoint_id, ()), now))
        is_now = _by_unit(unit_prices)
        for unit in sorted({*was, *is_now}):
            if was.get(unit, "") != is_now.get(unit, ""):
                field = f"{endpoint_id} {unit.name.lower()}"
                yield FieldDifference(field, was.get(unit, ""), is_now.get(unit, ""))


def _by_unit(unit_prices: Sequence[UnitPrice]) -> dict[PriceUnit, str]:
    return {entry.unit: _price_text(entry) for entry in unit_prices}


def _price_text(entry: UnitPrice) -> str:
    """USD per million tokens, or for each request, picture or search: "2.5", with tiers "2.5, 5 above 200000"."""
    exponent = 0 if entry.unit in _EACH else _MILLION_EXPONENT

    def amount(price: Decimal) -> str:
        return format(plain(EXACT.scaleb(for_one(price, entry.per), exponent)), "f")

    tiers = (f"{amount(tier.price)} above {tier.above_prompt_tokens}" for tier in entry.tiers)
    return ", ".join((amount(entry.price), *tiers))


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Parameters):
        set_ones = ((field.name, getattr(value, field.name)) for field in fields(value))
        return ", ".join(f"{parameter} {number:g}" for parameter, number in set_ones if number is not None)
    if name.endswith("modalities"):
        return ", ".join(Modality.Name(kind).removeprefix("MODALITY_").lower() for kind in value)
    return ", ".join(value) if isinstance(value, tuple) else str(value)
