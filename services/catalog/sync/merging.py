"""What a list changes in one model: who is to be believed about what."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from services.catalog.entities import Endpoint, Model
from services.catalog.listings.listed import Listed
from services.catalog.listings.token_prices import TOLD
from services.catalog.prices import unit_prices_at
from services.rating import PriceUnit, PriceVersion, UnitPrice
from services.rating.money import for_one

# What a list may correct, if it is the one to be believed; what is unknown any list may fill in.
_CORRECTED = (
    "context_window",
    "max_output_tokens",
    "supports_tools",
    "supports_structured_output",
    "supports_reasoning",
    "deprecation_time",
)
_MODALITIES = ("input_modalities", "output_modalities")
# What the seed knows better, or people have chosen.
_FILLED_IN = ("display_name", "release_time")
_SETTINGS = ("unsupported_parameters", "default_parameters")


def merged(model: Model, listed: Listed, *, believed: bool) -> Model:
    """The model as the list has it. A list that is not `believed` fills in what is unknown, and corrects nothing."""
    said: dict[str, Any] = {}
    for name in _CORRECTED:
        value, present = getattr(listed, name), getattr(model, name)
        if value is not None and (believed or present is None):
            said[name] = value
    for name in _MODALITIES:
        value, present = getattr(listed, name), getattr(model, name)
        # The order says nothing.
        if value and set(value) != set(present) and (believed or not present):
            said[name] = value
    for name in _FILLED_IN:
        if not getattr(model, name) and getattr(listed, name):
            said[name] = getattr(listed, name)
    for name in _SETTINGS:
        if believed and getattr(listed, name) is not None:
            said[name] = getattr(listed, name)
    return replace(model, **said)


def with_endpoint(model: Model, endpoint: Endpoint, aggregators: frozenset[str]) -> Model:
    """The model, offered here too; whoever serves it itself comes before those who pass it on."""
    direct = [present for present in model.endpoints if present.provider not in aggregators]
    passed_on = [present for present in model.endpoints if present.provider in aggregators]
    if endpoint.provider in aggregators:
        passed_on.append(endpoint)
    else:
        direct.append(endpoint)
    return replace(model, endpoints=(*direct, *passed_on))


def believed(provider: str, model: Model, aggregators: frozenset[str]) -> bool:
    """Whether a provider is the one that knows the model best: the first that serves it itself, if any does."""
    direct = [endpoint.provider for endpoint in model.endpoints if endpoint.provider not in aggregators]
    return provider == direct[0] if direct else True


def wanted_prices(
    versions: Sequence[PriceVersion], listed: tuple[UnitPrice, ...], now: datetime
) -> tuple[UnitPrice, ...] | None:
    """What an endpoint is to charge from now on; None where it does so already.

    Units that a list has no word for keep their price, unless the list knows none at all.
    """
    present = unit_prices_at(versions, now)
    kept = tuple(entry for entry in present if entry.unit not in TOLD) if listed else ()
    wanted = tuple(sorted((*listed, *kept), key=lambda entry: entry.unit))
    return None if charges(wanted) == charges(present) else wanted


def charges(unit_prices: Sequence[UnitPrice]) -> frozenset[tuple[PriceUnit, Decimal, tuple[tuple[int, Decimal], ...]]]:
    """What one of each unit costs, so that "2.5 for a million" is "0.0025 for a thousand"."""
    return frozenset(
        (
            entry.unit,
            for_one(entry.price, entry.per),
            tuple((tier.above_prompt_tokens, for_one(tier.price, entry.per)) for tier in entry.tiers),
        )
        for entry in unit_prices
    )
