"""The rows of models.json and providers.json; field for field the messages of pantheon/catalog/v1.

Money is a decimal written as a string, a moment is RFC 3339 in UTC, what is unknown is left out.
"""

import enum
from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from services.rating import PriceTier, PriceUnit, PriceVersion, UnitPrice

MILLION = 1_000_000
THOUSAND = 1_000

TokenUnit = Literal[
    "prompt_token",
    "cached_token",
    "cache_write_token",
    "prompt_audio_token",
    "cached_audio_token",
    "completion_token",
    "reasoning_token",
    "completion_audio_token",
    "cache_write_1h_token",
    "prompt_image_token",
    "cached_image_token",
    "prompt_video_token",
    "completion_image_token",
]
"""Units counted in tokens; the names are those of `pantheon.catalog.v1.PriceUnit`."""
CountUnit = Literal["request", "web_search"]
"""Units that are counted each; the names as above."""


ParameterName = Literal["temperature", "max_tokens", "top_p", "frequency_penalty", "presence_penalty"]


class Modality(enum.Enum):
    """Kinds of content; the names are those of `pantheon.catalog.v1.Modality`."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    FILE = "file"
    EMBEDDING = "embedding"


class WireFormat(enum.Enum):
    """The formats providers speak; the names are those of `pantheon.catalog.v1.WireFormat`."""

    OPENAI_CHAT = "openai_chat"
    OPENAI_RESPONSES = "openai_responses"
    ANTHROPIC_MESSAGES = "anthropic_messages"
    GEMINI = "gemini"


class AuthStyle(enum.Enum):
    """How a provider's key is sent; the names are those of `pantheon.catalog.v1.AuthStyle`."""

    BEARER = "bearer"
    X_API_KEY = "x_api_key"
    X_GOOG_API_KEY = "x_goog_api_key"
    API_KEY = "api_key"
    NONE = "none"


class TieredPrice(msgspec.Struct, frozen=True):
    """A price that changes for requests with more prompt tokens than a threshold."""

    # USD, for as many as the price itself is for, up to the first threshold.
    price: Decimal
    # By threshold, rising: the same for requests above it.
    above: dict[int, Decimal]


class SeedPrice(msgspec.Struct, frozen=True, omit_defaults=True):
    """One price version."""

    # UUIDv5 of endpoint, `effective` and figures: the same figures have the same id in every build.
    id: str
    effective: datetime
    recorded: datetime
    source: str
    # USD per million tokens of each priced unit.
    per_million: dict[TokenUnit, Decimal | TieredPrice]
    # USD per thousand of each priced unit that is counted each.
    per_thousand: dict[CountUnit, Decimal | TieredPrice] = {}

    def version(self) -> PriceVersion:
        """The same as the value that ratings are made with."""
        tokens = (_unit_price(name, price, MILLION) for name, price in self.per_million.items())
        counts = (_unit_price(name, price, THOUSAND) for name, price in self.per_thousand.items())
        return PriceVersion(self.id, self.effective, self.recorded, (*tokens, *counts), self.source)


class SeedEndpoint(msgspec.Struct, frozen=True, omit_defaults=True):
    """One provider's offer of a model."""

    provider: str
    provider_model_id: str
    # Oldest first. Empty: unpriced, which is not free.
    prices: tuple[SeedPrice, ...] = ()

    @property
    def id(self) -> str:
        """`<provider>:<provider_model_id>`."""
        return f"{self.provider}:{self.provider_model_id}"


class SeedModel(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A model, wherever it is served."""

    id: str
    display_name: str = ""
    aliases: tuple[str, ...] = ()
    context_window: int | None = None
    max_output_tokens: int | None = None
    input_modalities: tuple[Modality, ...] = ()
    output_modalities: tuple[Modality, ...] = ()
    supports_tools: bool | None = None
    supports_structured_output: bool | None = None
    supports_reasoning: bool | None = None
    release_time: datetime | None = None
    deprecation_time: datetime | None = None
    # What its vendor advises in its place.
    successor_id: str = ""
    unsupported_parameters: tuple[ParameterName, ...] = ()
    # Defaults of its own.
    default_parameters: dict[ParameterName, float] = {}
    # Its own vendor first, aggregators after.
    endpoints: tuple[SeedEndpoint, ...] = ()
    # Where the figures above come from; prices name their own.
    sources: tuple[str, ...] = ()


class SeedFlags(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a provider does differently from the plain wire format; see `pantheon.catalog.v1.ProviderFlags`."""

    reports_cost: bool = False
    aggregates_vendors: bool = False
    streams_usage_unasked: bool = False
    renames_max_tokens: bool = False
    serves_responses: bool = False
    wants_reasoning_back: bool = False


class SeedProvider(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A provider: where models are served."""

    name: str
    display_name: str
    base_url: str
    wire_format: WireFormat
    auth_style: AuthStyle
    models_url: str = ""
    key_variable: str = ""
    base_url_variable: str = ""
    key_check_url: str = ""
    flags: SeedFlags = SeedFlags()


def _unit_price(name: str, price: Decimal | TieredPrice, per: int) -> UnitPrice:
    unit = PriceUnit[name.upper()]
    if isinstance(price, Decimal):
        return UnitPrice(unit, price, per)
    return UnitPrice(unit, price.price, per, tuple(PriceTier(*tier) for tier in price.above.items()))
