"""Custom models as messages of pantheon.catalog.v1, and what people write of them back from theirs."""

from dataclasses import asdict
from decimal import Decimal

from pantheon.catalog.v1 import custom_model_pb2, parameters_pb2
from pantheon.events.v1.change_pb2 import Change, CustomModelChanged, CustomModelRemoved
from services.catalog import price_fields
from services.catalog.custom_model_entities import Cost, CustomModel, Description
from services.catalog.custom_models import COST_PATH
from services.catalog.entities import Parameters
from services.catalog.price_messages import price_version_message
from services.rating import PRICES_ALLOWED
from services.runtime import money
from services.runtime.errors import InvalidField
from services.runtime.times import to_timestamp


def custom_model_message(model: CustomModel) -> custom_model_pb2.CustomModel:
    """A custom model, without its key."""
    description = model.description
    return custom_model_pb2.CustomModel(
        id=model.id,
        model_id=description.model_id,
        name=description.name,
        user_id=model.user_id,
        organisation_id=model.organisation_id,
        project_id=description.project_id,
        provider=description.provider,
        api_endpoint=description.api_endpoint,
        provider_model_id=description.provider_model_id,
        parameters=parameters_pb2.ModelParameters(**asdict(description.parameters)),
        context_window=description.context_window,
        cost_per_1k_tokens=_cost_message(description.cost) if description.cost else None,
        prices=map(price_version_message, model.prices),
        has_api_key=model.key.present,
        api_key_last_four=model.key.last_four,
        base_url=model.base_url,
        provider_hosted=model.provider_hosted,
        key_version=model.key.version,
        create_time=to_timestamp(model.create_time) if model.create_time else None,
        update_time=to_timestamp(model.update_time) if model.update_time else None,
    )


def changed(model: CustomModel) -> Change:
    """The event of a model that was made or changed."""
    return Change(custom_model_changed=CustomModelChanged(custom_model=custom_model_message(model)))


def removed(id_: str) -> Change:
    """The event of a model that was removed."""
    return Change(custom_model_removed=CustomModelRemoved(custom_model_id=id_))


def described(message: custom_model_pb2.CustomModel, paths: frozenset[str]) -> Description:
    """What people write of a model; what is output only, or not named by the paths, is not looked at.

    Raises:
        InvalidField: its cost is no price.
    """
    parameters = {field.name: value for field, value in message.parameters.ListFields()}
    costs = COST_PATH in paths and message.HasField("cost_per_1k_tokens")
    return Description(
        model_id=message.model_id,
        name=message.name,
        provider=message.provider,
        api_endpoint=message.api_endpoint,
        project_id=message.project_id,
        provider_model_id=message.provider_model_id,
        parameters=Parameters(**parameters),
        context_window=message.context_window if message.HasField("context_window") else None,
        cost=_cost(message.cost_per_1k_tokens) if costs else None,
    )


def _cost(message: custom_model_pb2.CostPerThousandTokens) -> Cost:
    return Cost(_figure(message, "input"), _figure(message, "output"))


def _figure(message: custom_model_pb2.CostPerThousandTokens, name: str) -> Decimal:
    path = f"{COST_PATH}.{name}"
    if not message.HasField(name):  # type: ignore[arg-type]  # one of its two
        raise InvalidField(path, "", f"{PRICES_ALLOWED}; input and output are given together")
    return price_fields.price(path, getattr(message, name))


def _cost_message(cost: Cost) -> custom_model_pb2.CostPerThousandTokens:
    return custom_model_pb2.CostPerThousandTokens(input=money.to_proto(cost.input), output=money.to_proto(cost.output))
