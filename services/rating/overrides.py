"""What an organisation pays instead of list prices: the message PriceOverride of pantheon/catalog/v1/price.proto."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.rating.compiled import CompiledPrice
from services.rating.money import check_factor
from services.rating.prices import PriceVersion, UnitPrice


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceOverride:
    """A discount or a contract of one organisation's: a factor on list prices, or prices of its own.

    Raises ValueError where it has both or neither, where a factor is not from 0 to 100 with at most 6 digits after the
    point, where prices of its own have no endpoint or name a unit twice, and where a time has no zone.
    """

    # UUID; ledger rows name it.
    id: str
    organisation_id: str
    provider: str
    # Empty: all endpoints of the provider.
    endpoint_id: str = ""
    # Inclusive.
    effective: datetime
    # When it was learnt.
    recorded: datetime
    # The list price times this; None: `unit_prices` hold in its place.
    factor: Decimal | None = None
    unit_prices: tuple[UnitPrice, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        if (self.factor is None) == (not self.unit_prices):
            raise ValueError(f"override {self.id}: not either a factor or unit_prices")
        # The version checks its prices and times.
        if self.version.unit_prices and not self.endpoint_id:
            raise ValueError(f"override {self.id}: unit_prices without an endpoint_id")
        if self.factor is not None:
            check_factor(f"factor of {self.id}", self.factor)

    def __hash__(self) -> int:
        # Routers look up prices by it for every request, and an id tells overrides apart.
        return hash(self.id)

    @property
    def version(self) -> PriceVersion:
        """The prices of its own, as a version named after the override."""
        return PriceVersion(self.id, self.effective, self.recorded, self.unit_prices, self.source)


def override_at(
    overrides: Iterable[PriceOverride], provider: str, endpoint_id: str, when: datetime
) -> PriceOverride | None:
    """The override that holds for what an endpoint of `provider` started at `when`; None: list prices hold.

    `overrides` are those of one organisation, in any order, of whatever providers. One of the endpoint comes before one
    of its provider; of several of one target the one with the latest `effective` at or before `when` holds, and of
    several from the same moment on the one recorded last.
    """
    strongest = None
    for override in overrides:
        if override.provider != provider or override.effective > when:
            continue
        if override.endpoint_id and override.endpoint_id != endpoint_id:
            continue
        if strongest is None or _strength(override) > _strength(strongest):
            strongest = override
    return strongest


def overridden(price: CompiledPrice | None, override: PriceOverride | None) -> CompiledPrice | None:
    """The list price under an override, prepared for rating; the price itself where there is no override.

    Under a factor every price of every tier is the list's times the factor, exact, and `version` stays the list's:
    ledger rows name both. Prices of the override's own make a version with the override's id. `override_id` says which
    override it was. None, an endpoint without a list price, stays None under a factor.

    As slow as compiling a price, so worth keeping for the next request: it depends on its two arguments alone.
    """
    if override is None:
        return price
    if override.factor is None:
        return CompiledPrice(override.version, override_id=override.id)
    if price is None:
        return None
    return CompiledPrice(price.version, override.factor, override.id)


def _strength(override: PriceOverride) -> tuple[bool, datetime, datetime]:
    return bool(override.endpoint_id), override.effective, override.recorded
