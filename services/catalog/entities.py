"""What the catalog holds, as plain values. Prices are those of `services.rating`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime

from pantheon.catalog.v1.model_pb2 import Modality
from pantheon.catalog.v1.provider_pb2 import AuthStyle, WireFormat
from services.rating import PriceVersion


@dataclass(frozen=True, slots=True)
class ProviderFlags:
    """What a provider does differently; see `pantheon.catalog.v1.ProviderFlags`."""

    reports_cost: bool = False
    aggregates_vendors: bool = False
    streams_usage_unasked: bool = False
    renames_max_tokens: bool = False
    serves_responses: bool = False
    wants_reasoning_back: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Where models are served."""

    name: str
    display_name: str
    # Where the provider is when no variable moves it.
    default_base_url: str
    wire_format: WireFormat.ValueType
    auth_style: AuthStyle.ValueType
    models_url: str = ""
    key_variable: str = ""
    base_url_variable: str = ""
    key_check_url: str = ""
    flags: ProviderFlags = ProviderFlags()
    # What the environment of the catalog made of it at its last start.
    base_url: str = ""
    configured: bool = False
    sandbox: bool = False
    # Tells that the keys in the environment changed, not what they are; empty: no keys.
    key_fingerprint: bytes = b""
    environment_keys: int = 0


@dataclass(frozen=True, slots=True)
class Parameters:
    """Tuning parameters; None: not set."""

    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None


PARAMETER_NAMES = tuple(parameter.name for parameter in fields(Parameters))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One provider's offer of a model; prices oldest first, none: unpriced."""

    provider: str
    provider_model_id: str
    prices: tuple[PriceVersion, ...] = ()

    @property
    def id(self) -> str:
        """`<provider>:<provider_model_id>`."""
        return f"{self.provider}:{self.provider_model_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model, wherever it is served. None and empty mean unknown; tokens and times as in the proto."""

    id: str
    display_name: str = ""
    aliases: tuple[str, ...] = ()
    context_window: int | None = None
    max_output_tokens: int | None = None
    input_modalities: tuple[Modality.ValueType, ...] = ()
    output_modalities: tuple[Modality.ValueType, ...] = ()
    supports_tools: bool | None = None
    supports_structured_output: bool | None = None
    supports_reasoning: bool | None = None
    release_time: datetime | None = None
    deprecation_time: datetime | None = None
    # What is advised in its place once it is deprecated.
    successor_id: str = ""
    # Names of parameters it does not take, and defaults of its own.
    unsupported_parameters: tuple[str, ...] = ()
    default_parameters: Parameters = Parameters()
    # In the order of preference.
    endpoints: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """What a use case stands for; the provider to prefer, empty: the catalog's order."""

    model: str
    provider: str = ""


@dataclass(frozen=True, slots=True)
class UserSettings:
    """What a user has chosen; `preferred_model` empty: none, `update_time` None: never set."""

    user_id: str
    preferred_model: str = ""
    parameters: Parameters = Parameters()
    update_time: datetime | None = None
    # By the names of use cases: "code".
    use_cases: Mapping[str, Choice] = field(default_factory=dict)
