"""What is known of providers, models and users, as plain values. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from services.rating import CompiledPrice, PriceOverride
from services.router.chat import Format
from services.router.parameters import ChosenParameters, Parameter
from services.router.prices import DatedPrice
from services.router.wire.base import Dialect, WireFormat
from services.runtime.origins import origin_of


class Caller(Protocol):
    """Who asks; `services.runtime.auth.Principal` is one."""

    @property
    def user_id(self) -> str:
        """UUIDv7."""

    @property
    def organisation_id(self) -> str:
        """UUIDv7."""

    @property
    def project_id(self) -> str:
        """UUIDv7."""


@dataclass(frozen=True, slots=True)
class Key:
    """A secret to be let in with. A provider's has the `id` of its ProviderKey; a custom model's own is bound to an
    `origin`, as "https://openrouter.ai:443".
    """

    secret: str = field(repr=False)
    id: str = ""
    origin: str = ""

    def may_go_to(self, base_url: str) -> bool:
        """Whether it may be shown to who is there."""
        return not self.origin or self.origin == origin_of(base_url)


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a provider is and how to talk to it: `wires` has the format to use for each format of a request.

    `configured`: it can be used without keys of an organisation's own.
    """

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
    prices: tuple[DatedPrice, ...] = ()

    @property
    def id(self) -> str:
        """As in the catalog: "openai:gpt-4"."""
        return f"{self.provider}:{self.provider_model_id}"

    def price_at(self, when: datetime) -> CompiledPrice | None:
        """The price in force at that moment; None where none is known, or what was known is withdrawn."""
        for price in reversed(self.prices):
            if price.effective <= when:
                return price.compiled if price.compiled.version.unit_prices else None
        return None


@dataclass(frozen=True, slots=True)
class Model:
    """A model of the catalog. None and empty mean unknown; `created` is in seconds since the epoch, 0: unknown."""

    id: str
    endpoints: tuple[Endpoint, ...]
    max_output_tokens: int | None
    created: int
    aliases: tuple[str, ...] = ()
    context_window: int | None = None
    takes_pictures: bool | None = None
    successor_id: str = ""
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class CustomModel:
    """A model that a user has described. `model_id` is what it is asked for by: `custom/<slug>`.

    `scope` is the project it is shared in, or else the user whose it is. `key_version` counts the changes of its own
    key, 0: it has none now. `endpoint` has its own prices; it is the provider's where `provider_hosted`, else one at
    `base_url` that only happens to talk as the provider does.
    """

    id: str
    model_id: str
    scope: str
    endpoint: Endpoint
    base_url: str
    provider_hosted: bool
    key_version: int = 0
    parameters: ChosenParameters | None = None
    context_window: int | None = None
    created: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """What a use case stands for: the name of a model, and the provider to prefer, empty: the catalog's order."""

    model: str
    provider: str = ""


Choices = Mapping[int, Choice]
"""By `pantheon.catalog.v1.UseCase`."""

NO_CHOICES: Choices = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a user has chosen."""

    preferred_model: str = ""
    parameters: ChosenParameters | None = None
    use_cases: Choices = field(default_factory=lambda: NO_CHOICES)


NOTHING_CHOSEN = Chosen()

PLATFORM = ""
"""In place of an organisation's id."""


@dataclass(slots=True)
class Catalog:
    """What is known now. Entries are replaced, never changed; what is empty is left out.

    `settings` are by user, `custom_models` by scope and model id; `use_cases` (PLATFORM's among them), `own_keys` (the
    providers for which there are any) and `overrides` by organisation.
    """

    providers: dict[str, Provider] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Chosen] = field(default_factory=dict)
    custom_models: dict[str, dict[str, CustomModel]] = field(default_factory=dict)
    use_cases: dict[str, Choices] = field(default_factory=dict)
    own_keys: dict[str, frozenset[str]] = field(default_factory=dict)
    overrides: dict[str, tuple[PriceOverride, ...]] = field(default_factory=dict)

    def chosen_by(self, caller: Caller) -> Chosen:
        """The caller's settings."""
        return self.settings.get(caller.user_id, NOTHING_CHOSEN)

    def find(self, name: str) -> Model | None:
        """By canonical id or alias."""
        return self.models.get(name) or self.models.get(self.aliases.get(name, ""))

    def find_custom(self, model_id: str, caller: Caller) -> CustomModel | None:
        """The caller's own, or else the one shared in the caller's project."""
        for scope in (caller.user_id, caller.project_id):
            found = self.custom_models.get(scope, {}).get(model_id)
            if found is not None:
                return found
        return None

    def beneath(self, custom: CustomModel) -> Model | None:
        """The catalog's model that a custom one is another name for, as far as it is known."""
        endpoint = custom.endpoint
        return self.offered_as(endpoint.provider, endpoint.provider_model_id) if custom.provider_hosted else None

    def offered_as(self, provider: str, provider_model_id: str) -> Model | None:
        """The model that a provider has under a name of its own, where the two names are alike."""
        for name in (provider_model_id, f"{provider}/{provider_model_id}"):
            model = self.find(name)
            if model is not None and any(
                each.provider == provider and each.provider_model_id == provider_model_id for each in model.endpoints
            ):
                return model
        return None

    def window(self, custom: CustomModel) -> int | None:
        """A custom model's context window: its own, or that of the model beneath it; None: unknown."""
        if custom.context_window is not None:
            return custom.context_window
        model = self.beneath(custom)
        return None if model is None else model.context_window

    def usable(self, provider: str, organisation_id: str) -> Provider | None:
        """A provider that speaks a format known here, and that is configured, for everybody or by the organisation."""
        found = self.providers.get(provider)
        if found is None or not found.wires:
            return None
        if found.configured or (provider in self.own_keys.get(organisation_id, ()) and found.base_url):
            return found
        return None

    def offered(self, caller: Caller) -> list[Model]:
        """What the caller may ask for by name: the models that some usable provider offers, and custom ones."""
        usable = {name for name in self.providers if self.usable(name, caller.organisation_id)}
        found = [
            model for model in self.models.values() if any(endpoint.provider in usable for endpoint in model.endpoints)
        ]
        shared, own = (self.custom_models.get(scope, {}) for scope in (caller.project_id, caller.user_id))
        return found + [_as_model(custom) for custom in {**shared, **own}.values()]

    def named(self, name: str, caller: Caller) -> Model | None:
        """A model or a custom model of the caller's by what it is asked for by."""
        custom = self.find_custom(name, caller)
        return self.find(name) if custom is None else _as_model(custom)


def _as_model(custom: CustomModel) -> Model:
    return Model(custom.model_id, (custom.endpoint,), None, custom.created, context_window=custom.context_window)
