"""`/api/user/settings`: what the caller has chosen."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.field_mask_pb2 import FieldMask
from grpc.aio import Metadata
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pantheon.catalog.v1.catalog_service_pb2 import GetUserSettingsRequest, UpdateUserSettingsRequest
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from pantheon.catalog.v1.parameters_pb2 import ModelParameters
from pantheon.catalog.v1.settings_pb2 import UserSettings
from services.edge.rest.answers import answer
from services.edge.rest.bodies import read_object
from services.edge.rest.calls import call, credentials
from services.edge.rest.members import Members

_MODEL = "preferred_model"
_PARAMETERS = "model_parameters"
_WHOLE: Mapping[str, bool] = MappingProxyType(
    {
        field.name: field.cpp_type == FieldDescriptor.CPPTYPE_INT64
        for field in ModelParameters.DESCRIPTOR.fields  # every parameter there is: whether it is a whole number
    }
)


class SettingsBody(msgspec.Struct, frozen=True):
    """The settings; a PUT of what a GET gave changes nothing. `model_parameters` has those that are set."""

    preferred_model: str | None
    model_parameters: dict[str, float | int]


class SettingsRoutes:
    """`GET|POST|PUT|PATCH /api/user/settings`; every answer is the settings as they are then.

    POST and PATCH write the members they name, null clears one; PUT writes all, and clears what it does not name.
    """

    def __init__(self, catalog: CatalogServiceStub) -> None:
        self._catalog = catalog

    def routes(self) -> list[BaseRoute]:
        """The routes of this area."""
        return [Route("/api/user/settings", self.serve, methods=["GET", "POST", "PUT", "PATCH"])]

    async def serve(self, request: Request) -> Response:
        """Reads, or changes and reads."""
        metadata = credentials(request)
        if request.method in ("GET", "HEAD"):
            return await self._read(metadata)
        body = await read_object(request)
        change = replacement(body) if request.method == "PUT" else amendment(body)
        if not change.update_mask.paths:
            # To the catalog a mask without paths means everything.
            return await self._read(metadata)
        response = await call(self._catalog.UpdateUserSettings, change, metadata, service="catalog", prefix="settings.")
        return answer(settings_body(response.settings))

    async def _read(self, metadata: Metadata) -> Response:
        response = await call(self._catalog.GetUserSettings, GetUserSettingsRequest(), metadata, service="catalog")
        return answer(settings_body(response.settings))


def amendment(body: Members) -> UpdateUserSettingsRequest:
    """The change that writes the members named; its mask has no paths where none is.

    Raises:
        InvalidField: a member is unknown or of the wrong type.
    """
    settings = _settings(body)
    paths = [_MODEL] if _MODEL in body else []
    parameters = body.object(_PARAMETERS)
    if body.is_null(_PARAMETERS):
        paths.append(_PARAMETERS)
    paths += [parameters.path(name) for name in _WHOLE if name in parameters]
    return UpdateUserSettingsRequest(settings=settings, update_mask=FieldMask(paths=paths))


def replacement(body: Members) -> UpdateUserSettingsRequest:
    """The change that writes everything.

    Raises:
        InvalidField: a member is unknown or of the wrong type.
    """
    return UpdateUserSettingsRequest(settings=_settings(body), update_mask=FieldMask(paths=[_MODEL, _PARAMETERS]))


def settings_body(settings: UserSettings) -> SettingsBody:
    """The settings as they are shown."""
    parameters = {field.name: value for field, value in settings.model_parameters.ListFields()}
    return SettingsBody(settings.preferred_model or None, parameters)


def _settings(body: Members) -> UserSettings:
    body.only((_MODEL, _PARAMETERS))
    parameters = body.object(_PARAMETERS)
    parameters.only(_WHOLE)
    values: dict[str, Any] = {
        name: parameters.whole_number(name) if whole else parameters.number(name) for name, whole in _WHOLE.items()
    }
    return UserSettings(preferred_model=body.text(_MODEL) or "", model_parameters=ModelParameters(**values))
