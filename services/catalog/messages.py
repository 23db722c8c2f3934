"""The catalog's entities as messages of pantheon.catalog.v1, and as events."""

from dataclasses import asdict
from functools import lru_cache

from pantheon.catalog.v1 import model_pb2, parameters_pb2, provider_pb2
from pantheon.events.v1.change_pb2 import Change, ModelChanged, ModelRemoved, ProviderChanged
from services.catalog.entities import Endpoint, Model, Parameters, Provider
from services.catalog.price_messages import price_version_message
from services.parameters import specs
from services.runtime.times import to_timestamp

_KINDS = 1_024


def provider_message(provider: Provider) -> provider_pb2.Provider:
    """A provider, without its keys."""
    return provider_pb2.Provider(
        name=provider.name,
        display_name=provider.display_name,
        base_url=provider.base_url,
        wire_format=provider.wire_format,
        auth_style=provider.auth_style,
        models_url=provider.models_url,
        key_variable=provider.key_variable,
        base_url_variable=provider.base_url_variable,
        configured=provider.configured,
        sandbox=provider.sandbox,
        key_check_url=provider.key_check_url,
        flags=provider_pb2.ProviderFlags(**asdict(provider.flags)),
    )


def model_message(model: Model) -> model_pb2.Model:
    """A model with endpoints and prices."""
    return model_pb2.Model(
        id=model.id,
        display_name=model.display_name,
        aliases=model.aliases,
        context_window=model.context_window,
        max_output_tokens=model.max_output_tokens,
        input_modalities=model.input_modalities,
        output_modalities=model.output_modalities,
        supports_tools=model.supports_tools,
        supports_structured_output=model.supports_structured_output,
        supports_reasoning=model.supports_reasoning,
        release_time=to_timestamp(model.release_time) if model.release_time else None,
        deprecation_time=to_timestamp(model.deprecation_time) if model.deprecation_time else None,
        endpoints=map(_endpoint, model.endpoints),
        successor_id=model.successor_id,
        parameters=_specs(model.max_output_tokens, model.unsupported_parameters, model.default_parameters),
    )


def provider_changed(provider: Provider) -> Change:
    """The event of a provider that is new or another."""
    return Change(provider_changed=ProviderChanged(provider=provider_message(provider)))


def model_changed(model: Model) -> Change:
    """The event of a model that is new or another."""
    return Change(model_changed=ModelChanged(model=model_message(model)))


def model_removed(model_id: str) -> Change:
    """The event of a model that left the catalog."""
    return Change(model_removed=ModelRemoved(model_id=model_id))


@lru_cache(_KINDS)
def _specs(
    most_tokens: int | None, unsupported: tuple[str, ...], defaults: Parameters
) -> tuple[parameters_pb2.ParameterSpec, ...]:
    """Made once for models that are alike in this, as most are."""
    found = specs(most_tokens, unsupported, asdict(defaults))
    return tuple(parameters_pb2.ParameterSpec(**asdict(spec)) for spec in found)


def _endpoint(endpoint: Endpoint) -> model_pb2.Endpoint:
    return model_pb2.Endpoint(
        id=endpoint.id,
        provider=endpoint.provider,
        provider_model_id=endpoint.provider_model_id,
        prices=map(price_version_message, endpoint.prices),
    )
