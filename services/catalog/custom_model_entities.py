"""Models that users have described, as plain values."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from services.catalog.entities import Parameters
from services.rating import PriceUnit, PriceVersion, UnitPrice

_SOURCE = "custom model"
_PRICED_TOKENS = 1_000


@dataclass(frozen=True, slots=True)
class Cost:
    """USD per thousand tokens, of the prompt and of the completion."""

    input: Decimal
    output: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What people write of a model; see `pantheon.catalog.v1.CustomModel`. `project_id` empty: only its owner's."""

    model_id: str
    name: str
    provider: str
    api_endpoint: str
    project_id: str = ""
    provider_model_id: str = ""
    parameters: Parameters = field(default_factory=Parameters)
    context_window: int | None = None
    # None: unpriced, which is not free.
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class KeyMark:
    """What may be told of a model's own key."""

    present: bool = False
    last_four: str = ""
    # Counts its changes; 0: there never was one.
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomModel:
    """A model as it is kept, or (without an id and times) as it would be."""

    user_id: str
    organisation_id: str
    description: Description
    # The endpoint without what the wire format adds to it.
    base_url: str
    # The endpoint is the provider's own.
    provider_hosted: bool
    id: str = ""
    key: KeyMark = KeyMark()
    # Oldest first.
    prices: tuple[PriceVersion, ...] = ()
    create_time: datetime | None = None
    update_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A model's own key in its envelope. It opens for the origin it was given for, and for no other."""

    custom_model_id: str
    key_version: int
    # Where it may be sent to.
    origin: str
    sealed: bytes = field(repr=False)

    @property
    def label(self) -> str:
        """What it is sealed under."""
        return key_label(self.custom_model_id, self.origin)


def priced(id_: str, since: datetime, cost: Cost | None) -> PriceVersion:
    """A price as people state it, as a version to rate by; None: unpriced from then on."""
    figures = ((PriceUnit.PROMPT_TOKEN, cost.input), (PriceUnit.COMPLETION_TOKEN, cost.output)) if cost else ()
    unit_prices = tuple(UnitPrice(unit, figure, _PRICED_TOKENS) for unit, figure in figures)
    return PriceVersion(id_, since, since, unit_prices, _SOURCE)


def key_label(custom_model_id: str, origin: str) -> str:
    """What a model's key for this origin is sealed under."""
    return f"custom_model:{custom_model_id}:{origin}"
