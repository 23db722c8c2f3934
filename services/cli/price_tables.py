"""Prices as tables: each version an endpoint has had, and what an organisation pays instead."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from rich.table import Table

from services.cli.numbers import digits
from services.cli.output import UNKNOWN, moment, table
from services.edge.rest.model_bodies import EndpointBody
from services.edge.rest.price_bodies import PriceVersionBody, UnitPriceBody
from services.edge.rest.price_override_bodies import PriceOverrideBody

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNPRICED = ("unpriced", "", "", "")


def price_history(endpoints: Iterable[EndpointBody], now: datetime) -> Table:
    """A line a unit, tier and version, oldest versions first; the one that holds now is marked."""
    figures = ("price, $", "per", "above prompt tokens")
    made = table("endpoint", "from", "", "unit", *figures, "source", right=figures)
    for endpoint in endpoints:
        versions = endpoint.prices or []
        present = present_version(versions, now)
        for place, version in enumerate(versions):
            mark = "now" if version is present else ""
            begin = (endpoint.id if place == 0 else "", since(version.effective_time), mark)
            _add(made, begin, version.unit_prices, version.source)
        if not versions:
            made.add_row(endpoint.id, "", "", *_UNPRICED, "")
    return made


def overrides_table(overrides: Iterable[PriceOverrideBody]) -> Table:
    """A line an override of a factor; one a unit and tier where it has prices of its own."""
    figures = ("price, $", "per", "above prompt tokens")
    made = table("override of", "from", "factor", "unit", *figures, "source", right=("factor", *figures))
    for override in overrides:
        target = override.endpoint_id or f"all of {override.provider}"
        begin = (target, since(override.effective_time), digits(override.factor))
        if override.unit_prices:
            _add(made, begin, override.unit_prices, override.source)
        else:
            made.add_row(*begin, "", "", "", "", override.source or UNKNOWN)
    return made


def present_version(versions: Sequence[PriceVersionBody], now: datetime) -> PriceVersionBody | None:
    """The version that holds now; None: none has begun."""
    begun = [version for version in versions if (version.effective_time or _EPOCH) <= now]
    return max(begun, key=lambda one: (one.effective_time or _EPOCH, one.record_time or _EPOCH), default=None)


def since(effective: datetime | None) -> str:
    """From when a price holds."""
    return "ever" if effective is None or effective == _EPOCH else moment(effective)


def _add(made: Table, begin: tuple[str, ...], unit_prices: Sequence[UnitPriceBody], source: str) -> None:
    for place, cells in enumerate(_cells(unit_prices)):
        first = place == 0
        made.add_row(*(begin if first else ("",) * len(begin)), *cells, source if first else "")


def _cells(unit_prices: Sequence[UnitPriceBody]) -> Iterator[tuple[str, ...]]:
    if not unit_prices:
        yield _UNPRICED
    for entry in unit_prices:
        unit = entry.unit or UNKNOWN
        yield unit, digits(entry.price), f"{entry.per:,}", ""
        for tier in entry.tiers:
            yield "", digits(tier.price), f"{entry.per:,}", f"{tier.above_prompt_tokens:,}"
