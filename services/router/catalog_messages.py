"""The catalog's messages as the router's own values."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from sys import intern

from pantheon.catalog.v1 import (
    custom_model_pb2,
    model_pb2,
    parameters_pb2,
    provider_pb2,
    settings_pb2,
    use_case_pb2,
)
from pantheon.catalog.v1.provider_pb2 import WireFormat
from services.parameters import Spec
from services.router.catalog import (
    NO_CHOICES,
    Choice,
    Choices,
    Chosen,
    CustomModel,
    Endpoint,
    Model,
    Provider,
)
from services.router.chat import Format
from services.router.parameters import ChosenParameters, Parameter, parameters_of
from services.router.prices import dated_prices
from services.router.wire.anthropic_messages import AnthropicCountTokens, AnthropicMessages
from services.router.wire.base import Dialect
from services.router.wire.base import WireFormat as Wire
from services.router.wire.gemini import Gemini, GeminiCountTokens, GeminiEmbeddings
from services.router.wire.openai_chat import OpenAIChat
from services.router.wire.openai_embeddings import OpenAIEmbeddings
from services.router.wire.openai_responses import OpenAIResponses
from services.runtime.key_headers import KEY_HEADERS

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

_KNOWN = 4_096


def provider_of(message: provider_pb2.Provider) -> Provider:
    """A provider; without formats where it is talked to in a way unknown here."""
    header = KEY_HEADERS.get(message.auth_style)
    return Provider(
        name=message.name,
        base_url=message.base_url,
        wires=_wires(message) if header is not None else {},
        dialect=Dialect(
            streams_usage_unasked=message.flags.streams_usage_unasked,
            renames_max_tokens=message.flags.renames_max_tokens,
            takes_extensions=message.flags.aggregates_vendors,
            wants_reasoning_back=message.flags.wants_reasoning_back,
        ),
        key_header=header.name if header is not None else "",
        key_prefix=header.prefix if header is not None else "",
        configured=message.configured,
        sandbox=message.sandbox,
        aggregates_vendors=message.flags.aggregates_vendors,
    )


def model_of(message: model_pb2.Model) -> Model:
    """A model with its endpoints and their prices."""
    return Model(
        id=message.id,
        endpoints=tuple(
            Endpoint(intern(endpoint.provider), endpoint.provider_model_id, dated_prices(endpoint.prices))
            for endpoint in message.endpoints
        ),
        max_output_tokens=message.max_output_tokens if message.HasField("max_output_tokens") else None,
        created=message.release_time.seconds if message.HasField("release_time") else 0,
        aliases=tuple(message.aliases),
        context_window=message.context_window if message.HasField("context_window") else None,
        takes_pictures=model_pb2.MODALITY_IMAGE in message.input_modalities if message.input_modalities else None,
        successor_id=message.successor_id,
        parameters=_same_parameters(tuple(map(_spec, message.parameters))),
    )


def custom_model_of(message: custom_model_pb2.CustomModel) -> CustomModel:
    """A user's model."""
    return CustomModel(
        id=message.id,
        model_id=message.model_id,
        scope=message.project_id or message.user_id,
        endpoint=Endpoint(intern(message.provider), message.provider_model_id, dated_prices(message.prices)),
        base_url=message.base_url,
        provider_hosted=message.provider_hosted,
        key_version=message.key_version if message.has_api_key else 0,
        parameters=_chosen(message.parameters),
        context_window=message.context_window if message.HasField("context_window") else None,
        created=message.create_time.seconds,
    )


def settings_of(message: settings_pb2.UserSettings) -> Chosen:
    """A user's settings."""
    return Chosen(intern(message.preferred_model), _chosen(message.model_parameters), choices_of(message.use_cases))


def choices_of(messages: Iterable[use_case_pb2.UseCaseChoice]) -> Choices:
    """What use cases stand for."""
    return _same_choices(tuple((choice.use_case, choice.model, choice.provider) for choice in messages))


def _wires(message: provider_pb2.Provider) -> Mapping[Format, Wire]:
    wires = WIRES.get(message.wire_format, {})
    return {**wires, Format.RESPONSES: _responses} if message.flags.serves_responses else wires


def _spec(message: parameters_pb2.ParameterSpec) -> Spec:
    return Spec(
        message.name, message.supported, message.minimum, message.maximum, message.default_value, message.integer
    )


def _chosen(message: parameters_pb2.ModelParameters) -> ChosenParameters | None:
    values = {field.name: value for field, value in message.ListFields()}
    return _same_chosen(ChosenParameters(**values)) if values else None


# What is alike is kept once: a hundred thousand users have few different settings.


@lru_cache(_KNOWN)
def _same_parameters(specs: tuple[Spec, ...]) -> tuple[Parameter, ...]:
    return parameters_of(specs)


@lru_cache(_KNOWN)
def _same_chosen(chosen: ChosenParameters) -> ChosenParameters:
    return chosen


@lru_cache(_KNOWN)
def _same_choices(chosen: tuple[tuple[int, str, str], ...]) -> Choices:
    if not chosen:
        return NO_CHOICES
    return {use_case: Choice(model, provider) for use_case, model, provider in chosen if model}
