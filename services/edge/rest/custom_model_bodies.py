"""Custom models as JSON, both ways: the guide's document, and what is known beyond it. Pure."""

from datetime import datetime

import msgspec
from google.protobuf.field_mask_pb2 import FieldMask

from pantheon.catalog.v1.catalog_service_pb2 import CreateCustomModelRequest, UpdateCustomModelRequest
from pantheon.catalog.v1.custom_model_pb2 import CostPerThousandTokens, CustomModel
from services.edge.rest import decimals, instants
from services.edge.rest.members import Members
from services.edge.rest.parameters import given_parameters, parameter_paths, parameters_body

_COST = "cost_per_1k_tokens"
_KEY = "api_key"
_PARAMETERS = "parameters"
_PLAIN = ("name", "model_id", "provider", "api_endpoint", "context_window", "provider_model_id", "project_id")
DOCUMENT = (
    "name",
    "model_id",
    "provider",
    "api_endpoint",
    _PARAMETERS,
    "context_window",
    _COST,
    "provider_model_id",
    "project_id",
    _KEY,
)
"""What can be written."""
READ_ONLY = ("id", "provider_hosted", "has_api_key", "api_key_last_four", "create_time", "update_time")


class CostBody(msgspec.Struct, frozen=True):
    """USD per thousand tokens."""

    input: msgspec.Raw
    output: msgspec.Raw


class CustomModelBody(msgspec.Struct, frozen=True, kw_only=True):
    """A custom model without its key. `parameters` has those that are set; null: unknown, unpriced, not shared."""

    id: str
    name: str
    model_id: str
    provider: str
    api_endpoint: str
    parameters: dict[str, float | int]
    context_window: int | None
    cost_per_1k_tokens: CostBody | None
    provider_model_id: str
    project_id: str | None
    provider_hosted: bool
    has_api_key: bool
    api_key_last_four: str
    create_time: datetime | None
    update_time: datetime | None


def custom_model_body(model: CustomModel) -> CustomModelBody:
    """The model as it is shown."""
    cost = model.cost_per_1k_tokens
    return CustomModelBody(
        id=model.id,
        name=model.name,
        model_id=model.model_id,
        provider=model.provider,
        api_endpoint=model.api_endpoint,
        parameters=parameters_body(model.parameters),
        context_window=model.context_window if model.HasField("context_window") else None,
        cost_per_1k_tokens=CostBody(decimals.raw_of(cost.input), decimals.raw_of(cost.output))
        if model.HasField("cost_per_1k_tokens")
        else None,
        provider_model_id=model.provider_model_id,
        project_id=model.project_id or None,
        provider_hosted=model.provider_hosted,
        has_api_key=model.has_api_key,
        api_key_last_four=model.api_key_last_four,
        create_time=instants.shown(model, "create_time"),
        update_time=instants.shown(model, "update_time"),
    )


def creation(body: Members, request_id: str = "") -> CreateCustomModelRequest:
    """The request that makes what the document describes.

    Raises:
        InvalidField: a member is unknown or of the wrong type.
    """
    body.only(DOCUMENT)
    return CreateCustomModelRequest(
        custom_model=given_custom_model(body), api_key=body.optional_secret(_KEY) or "", request_id=request_id
    )


def replacement(body: Members, which: str) -> UpdateCustomModelRequest:
    """The request that replaces everything by the document, but the key only where it is named.

    Raises:
        InvalidField: a member is unknown or of the wrong type.
    """
    body.only((*DOCUMENT, *READ_ONLY))
    return UpdateCustomModelRequest(custom_model=given_custom_model(body, which), api_key=_given_key(body))


def amendment(body: Members, which: str) -> UpdateCustomModelRequest:
    """The request that writes the members named; its mask has no paths where none is.

    Raises:
        InvalidField: a member is unknown or of the wrong type.
    """
    body.only((*DOCUMENT, *READ_ONLY))
    paths = [name for name in (*_PLAIN, _COST, _KEY) if name in body] + parameter_paths(body, _PARAMETERS)
    return UpdateCustomModelRequest(
        custom_model=given_custom_model(body, which), update_mask=FieldMask(paths=paths), api_key=_given_key(body)
    )


def given_custom_model(body: Members, which: str = "") -> CustomModel:
    """What the document describes; `which`: the id, or model id, of the one it is to change.

    Raises:
        InvalidField: a member is of the wrong type, or there is an unknown one further in.
    """
    return CustomModel(
        id=which,
        name=body.text("name") or "",
        model_id=body.text("model_id") or "",
        provider=body.text("provider") or "",
        api_endpoint=body.text("api_endpoint") or "",
        parameters=given_parameters(body, _PARAMETERS),
        context_window=body.whole_number("context_window"),
        cost_per_1k_tokens=_given_cost(body),
        provider_model_id=body.text("provider_model_id") or "",
        project_id=body.text("project_id") or "",
    )


def _given_cost(body: Members) -> CostPerThousandTokens | None:
    if _COST not in body or body.is_null(_COST):
        return None
    cost = body.object(_COST)
    cost.only(("input", "output"))
    return CostPerThousandTokens(input=cost.money("input"), output=cost.money("output"))


def _given_key(body: Members) -> str | None:
    """The new key; None: the present one stays; empty: there is none from now on."""
    return (body.optional_secret(_KEY) or "") if _KEY in body else None
