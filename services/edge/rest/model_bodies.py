"""Models and providers as JSON. Pure."""

from collections.abc import Iterable
from datetime import datetime

import msgspec
from google.protobuf.timestamp_pb2 import Timestamp

from pantheon.catalog.v1.model_pb2 import Endpoint, Modality, Model
from pantheon.catalog.v1.parameters_pb2 import ParameterSpec
from pantheon.catalog.v1.provider_pb2 import Provider
from services.edge.rest import instants
from services.edge.rest.names import AUTH_STYLES, MODALITIES, WIRE_FORMATS
from services.edge.rest.price_bodies import PriceVersionBody, price_per_million, price_version_body


class CapabilitiesBody(msgspec.Struct, frozen=True):
    """What the model can do; null: unknown."""

    tools: bool | None
    structured_output: bool | None
    reasoning: bool | None


class ParameterBody(msgspec.Struct, frozen=True):
    """What the model takes for one parameter: its schema."""

    supported: bool
    minimum: float | int
    maximum: float | int
    default: float | int
    integer: bool


class EndpointBody(msgspec.Struct, frozen=True, kw_only=True):
    """Where the model is served. `price_per_million` is USD by unit, as it is now; null: unpriced."""

    id: str
    provider: str
    provider_model_id: str
    price_per_million: dict[str, msgspec.Raw] | None
    prices: list[PriceVersionBody] | msgspec.UnsetType = msgspec.UNSET


class ModelBody(msgspec.Struct, frozen=True, kw_only=True):
    """A model. Null and empty: unknown. Endpoints have all their price versions where it is shown alone."""

    id: str
    display_name: str
    aliases: list[str]
    context_window: int | None
    max_output_tokens: int | None
    input_modalities: list[str]
    output_modalities: list[str]
    capabilities: CapabilitiesBody
    parameters: dict[str, ParameterBody]
    release_time: datetime | None
    deprecation_time: datetime | None
    successor_id: str | None
    endpoints: list[EndpointBody]


class ProviderBody(msgspec.Struct, frozen=True, kw_only=True):
    """A provider."""

    name: str
    display_name: str
    base_url: str
    wire_format: str | None
    auth_style: str | None
    models_url: str
    key_variable: str
    base_url_variable: str
    configured: bool
    sandbox: bool


def model_body(model: Model, now: Timestamp, *, alone: bool) -> ModelBody:
    """The model as it is shown, `alone` or in a list."""
    return ModelBody(
        id=model.id,
        display_name=model.display_name,
        aliases=list(model.aliases),
        context_window=model.context_window if model.HasField("context_window") else None,
        max_output_tokens=model.max_output_tokens if model.HasField("max_output_tokens") else None,
        input_modalities=_modalities(model.input_modalities),
        output_modalities=_modalities(model.output_modalities),
        capabilities=CapabilitiesBody(
            *(
                getattr(model, name) if model.HasField(name) else None
                for name in ("supports_tools", "supports_structured_output", "supports_reasoning")
            )
        ),
        parameters={spec.name: _parameter(spec) for spec in model.parameters},
        release_time=instants.shown(model, "release_time"),
        deprecation_time=instants.shown(model, "deprecation_time"),
        successor_id=model.successor_id or None,
        endpoints=[_endpoint(endpoint, now, alone=alone) for endpoint in model.endpoints],
    )


def provider_body(provider: Provider) -> ProviderBody:
    """The provider as it is shown."""
    return ProviderBody(
        name=provider.name,
        display_name=provider.display_name,
        base_url=provider.base_url,
        wire_format=WIRE_FORMATS.of(provider.wire_format),
        auth_style=AUTH_STYLES.of(provider.auth_style),
        models_url=provider.models_url,
        key_variable=provider.key_variable,
        base_url_variable=provider.base_url_variable,
        configured=provider.configured,
        sandbox=provider.sandbox,
    )


def _endpoint(endpoint: Endpoint, now: Timestamp, *, alone: bool) -> EndpointBody:
    return EndpointBody(
        id=endpoint.id,
        provider=endpoint.provider,
        provider_model_id=endpoint.provider_model_id,
        price_per_million=price_per_million(endpoint.prices, now),
        prices=[price_version_body(version) for version in endpoint.prices] if alone else msgspec.UNSET,
    )


def _parameter(spec: ParameterSpec) -> ParameterBody:
    bounds = (spec.minimum, spec.maximum, spec.default_value)
    minimum, maximum, default = map(int, bounds) if spec.integer else bounds
    return ParameterBody(spec.supported, minimum, maximum, default, spec.integer)


def _modalities(values: Iterable[Modality.ValueType]) -> list[str]:
    return [name for name in map(MODALITIES.of, values) if name is not None]
