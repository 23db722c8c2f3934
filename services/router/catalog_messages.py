"""The catalog's messages as the router's own values."""

from collections.abc import Callable, Mapping

import msgspec

from pantheon.catalog.v1 import model_pb2, price_pb2, provider_pb2, settings_pb2
from pantheon.catalog.v1.provider_pb2 import AuthStyle, WireFormat
from services.rating import CompiledPrice, PriceTier, PriceUnit, PriceVersion, UnitPrice, compile_price
from services.router.catalog import Endpoint, Model, Provider, Settings
from services.router.chat import Format
from services.router.wire.anthropic_messages import AnthropicCountTokens, AnthropicMessages
from services.router.wire.base import Dialect
from services.router.wire.base import WireFormat as Wire
from services.router.wire.gemini import Gemini, GeminiCountTokens, GeminiEmbeddings
from services.router.wire.openai_chat import OpenAIChat
from services.router.wire.openai_embeddings import OpenAIEmbeddings
from services.router.wire.openai_responses import OpenAIResponses
from services.runtime import times
from services.runtime.money import from_proto

_anthropic = AnthropicMessages()
_chat = OpenAIChat()
_gemini = Gemini()
_responses = OpenAIResponses()
WIRES: Mapping[int, Mapping[Format, Wire]] = {
    WireFormat.WIRE_FORMAT_OPENAI_CHAT: {
        Format.CHAT: _chat,
        Format.MESSAGES: _chat,
        Format.RESPONSES: _chat,
        Format.EMBEDDINGS: OpenAIEmbeddings(),
    },
    WireFormat.WIRE_FORMAT_GEMINI: {
        Format.CHAT: _gemini,
        Format.MESSAGES: _gemini,
        Format.RESPONSES: _gemini,
        Format.EMBEDDINGS: GeminiEmbeddings(),
        Format.COUNT_TOKENS: GeminiCountTokens(),
    },
    WireFormat.WIRE_FORMAT_OPENAI_RESPONSES: {Format.RESPONSES: _responses},
    WireFormat.WIRE_FORMAT_ANTHROPIC_MESSAGES: {
        Format.CHAT: _anthropic,
        Format.MESSAGES: _anthropic,
        Format.RESPONSES: _anthropic,
        Format.COUNT_TOKENS: AnthropicCountTokens(),
    },
}
"""How a provider of each format is talked to, by the format of the request."""

_KEY_HEADERS: Mapping[int, tuple[str, str]] = {
    AuthStyle.AUTH_STYLE_BEARER: ("authorization", "Bearer "),
    AuthStyle.AUTH_STYLE_X_API_KEY: ("x-api-key", ""),
    AuthStyle.AUTH_STYLE_X_GOOG_API_KEY: ("x-goog-api-key", ""),
    AuthStyle.AUTH_STYLE_API_KEY: ("api-key", ""),
    AuthStyle.AUTH_STYLE_NONE: ("", ""),
}


def provider_of(message: provider_pb2.Provider) -> Provider:
    """A provider; without formats where it is talked to in a way unknown here."""
    header, prefix = _KEY_HEADERS.get(message.auth_style, ("", ""))
    return Provider(
        name=message.name,
        base_url=message.base_url,
        wires=_wires(message) if message.auth_style in _KEY_HEADERS else {},
        dialect=Dialect(
            streams_usage_unasked=message.flags.streams_usage_unasked,
            renames_max_tokens=message.flags.renames_max_tokens,
            takes_extensions=message.flags.aggregates_vendors,
            wants_reasoning_back=message.flags.wants_reasoning_back,
        ),
        key_header=header,
        key_prefix=prefix,
        configured=message.configured,
        sandbox=message.sandbox,
        aggregates_vendors=message.flags.aggregates_vendors,
    )


def _wires(message: provider_pb2.Provider) -> Mapping[Format, Wire]:
    wires = WIRES.get(message.wire_format, {})
    return {**wires, Format.RESPONSES: _responses} if message.flags.serves_responses else wires


def model_of(message: model_pb2.Model) -> Model:
    """A model with its endpoints, their prices compiled."""
    return Model(
        id=message.id,
        endpoints=tuple(
            Endpoint(
                provider=endpoint.provider,
                provider_model_id=endpoint.provider_model_id,
                prices=tuple(sorted(map(_price, endpoint.prices), key=_since)),
            )
            for endpoint in message.endpoints
        ),
        max_output_tokens=message.max_output_tokens if message.HasField("max_output_tokens") else None,
        created=message.release_time.seconds if message.HasField("release_time") else 0,
    )


def _since(price: CompiledPrice) -> tuple[object, ...]:
    # Of several versions from the same moment on, the one recorded last holds.
    return (price.version.effective, price.version.recorded)


def _price(message: price_pb2.PriceVersion) -> CompiledPrice:
    return compile_price(
        PriceVersion(
            id=message.id,
            effective=times.from_timestamp(message.effective_time),
            recorded=times.from_timestamp(message.record_time),
            source=message.source,
            unit_prices=tuple(
                UnitPrice(
                    unit=PriceUnit(entry.unit),
                    price=from_proto(entry.price, "price"),
                    per=entry.per,
                    tiers=tuple(
                        PriceTier(tier.above_prompt_tokens, from_proto(tier.price, "price")) for tier in entry.tiers
                    ),
                )
                for entry in message.unit_prices
            ),
        )
    )


def settings_of(message: settings_pb2.UserSettings) -> Settings:
    """A user's settings."""
    parameters = message.model_parameters
    encode: Callable[[object], bytes] = msgspec.json.encode
    fill = {field.name: msgspec.Raw(encode(value)) for field, value in parameters.ListFields()}
    return Settings(message.preferred_model, fill)
