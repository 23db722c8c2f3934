"""What is known of providers, models and users, as plain values. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from services.rating import CompiledPrice
from services.router.chat import Format
from services.router.wire.base import Dialect, WireFormat


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a provider is and how to talk to it: `wires` has the format to use for each format of a request."""

    name: str
    base_url: str
    wires: Mapping[Format, WireFormat]
    dialect: Dialect
    key_header: str
    key_prefix: str
    configured: bool
    sandbox: bool
    aggregates_vendors: bool


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A provider's offer of a model. `prices` are oldest first; none means unpriced."""

    provider: str
    provider_model_id: str
    prices: tuple[CompiledPrice, ...] = ()

    def price_at(self, when: datetime) -> CompiledPrice | None:
        """The price in force at that moment; None where none is known."""
        for price in reversed(self.prices):
            if price.version.effective <= when:
                return price
        return None


@dataclass(frozen=True, slots=True)
class Model:
    """A model of the catalog."""

    id: str
    endpoints: tuple[Endpoint, ...]
    max_output_tokens: int | None
    created: int


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user has chosen. `fill` holds the parameters set, as JSON."""

    preferred_model: str = ""
    fill: Mapping[str, msgspec.Raw] = field(default_factory=dict)


@dataclass(slots=True)
class Catalog:
    """What is known of providers and models."""

    providers: dict[str, Provider] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)

    def find(self, name: str) -> Model | None:
        """By canonical id or alias."""
        return self.models.get(name) or self.models.get(self.aliases.get(name, ""))

    def usable(self, provider: str) -> Provider | None:
        """A provider that is configured and speaks a format known here."""
        found = self.providers.get(provider)
        return found if found is not None and found.configured and found.wires else None
