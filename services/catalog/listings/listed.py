"""What a provider's list says, whatever its shape."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pantheon.catalog.v1.model_pb2 import Modality
from services.catalog.entities import Parameters, Provider
from services.rating import UnitPrice


class ListBroken(ValueError):
    """An answer that is no list of models; the message says why, without repeating the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One model of a list. None and empty mean that the list does not say."""

    # What the provider calls it.
    id: str
    display_name: str = ""
    context_window: int | None = None
    max_output_tokens: int | None = None
    input_modalities: tuple[Modality.ValueType, ...] = ()
    output_modalities: tuple[Modality.ValueType, ...] = ()
    supports_tools: bool | None = None
    supports_structured_output: bool | None = None
    supports_reasoning: bool | None = None
    release_time: datetime | None = None
    deprecation_time: datetime | None = None
    unsupported_parameters: tuple[str, ...] | None = None
    default_parameters: Parameters | None = None
    # None: the list is not about prices. Empty: it is, and this model's are unknown.
    unit_prices: tuple[UnitPrice, ...] | None = None


@dataclass(frozen=True, slots=True)
class ListPage:
    """A part of a list, and the parameters that ask for the next one (none: this is the last)."""

    models: tuple[Listed, ...]
    following: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing:
    """A provider's whole list, or why there is none: then `models` is empty."""

    provider: Provider
    models: tuple[Listed, ...] = ()
    fault: str = ""
