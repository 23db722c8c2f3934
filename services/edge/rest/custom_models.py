"""`/api/custom-models`: models that users describe."""

import msgspec
from google.protobuf.field_mask_pb2 import FieldMask
from grpc.aio import Metadata
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pantheon.catalog.v1.catalog_service_pb2 import (
    DeleteCustomModelRequest,
    GetCustomModelRequest,
    ListCustomModelsRequest,
    UpdateUserSettingsRequest,
)
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from pantheon.catalog.v1.custom_model_pb2 import CustomModel
from pantheon.catalog.v1.settings_pb2 import UserSettings
from services.edge.rest.answers import answer, created, nothing
from services.edge.rest.bodies import read_object
from services.edge.rest.calls import call, credentials, repeat_id
from services.edge.rest.custom_model_bodies import (
    READ_ONLY,
    CustomModelBody,
    amendment,
    creation,
    custom_model_body,
    replacement,
)
from services.edge.rest.queries import PAGE, Query, no_parameters
from services.edge.rest.read_only import check_unchanged
from services.runtime.errors import Conflict, InvalidField, ResourceNotFound

_PATH = "/api/custom-models"
_PREFIX = "custom_model."
_MODEL_PREFIX = "custom/"


class CustomModelsBody(msgspec.Struct, frozen=True):
    """A page of custom models, by model id. No token: this is the last."""

    custom_models: list[CustomModelBody]
    next_page_token: str | None


class DefaultBody(msgspec.Struct, frozen=True):
    """The part of the caller's settings that was changed."""

    preferred_model: str


class CustomModelRoutes:
    """`GET|POST /api/custom-models`, `GET|PUT|PATCH|DELETE /api/custom-models/{id}`, `POST .../{id}/default`.

    `{id}` is a custom model's id or its model id, slashes and all. PATCH writes the members it names, null clears one;
    PUT writes all, and clears what it does not name, but the key.
    """

    def __init__(self, catalog: CatalogServiceStub) -> None:
        self._catalog = catalog

    def routes(self) -> list[BaseRoute]:
        """The routes of this area."""
        return [
            Route(_PATH, self.show_all, methods=["GET"]),
            Route(_PATH, self.create, methods=["POST"]),
            Route(f"{_PATH}/{{id:path}}/default", self.prefer, methods=["POST"]),
            Route(f"{_PATH}/{{id:path}}", self.show, methods=["GET"]),
            Route(f"{_PATH}/{{id:path}}", self.change, methods=["PUT", "PATCH"]),
            Route(f"{_PATH}/{{id:path}}", self.delete, methods=["DELETE"]),
        ]

    async def show_all(self, request: Request) -> Response:
        """The caller's and those shared in the caller's project."""
        metadata = credentials(request)
        query = Query(request.query_params.multi_items(), PAGE)
        message = ListCustomModelsRequest(page_size=query.page_size, page_token=query.page_token)
        response = await call(self._catalog.ListCustomModels, message, metadata, service="catalog")
        models = [custom_model_body(model) for model in response.custom_models]
        return answer(CustomModelsBody(models, response.next_page_token or None))

    async def create(self, request: Request) -> Response:
        """Makes the one described."""
        metadata = credentials(request)
        message = creation(await read_object(request), repeat_id(request))
        response = await call(self._catalog.CreateCustomModel, message, metadata, service="catalog", prefix=_PREFIX)
        return created(custom_model_body(response.custom_model), f"{_PATH}/{response.custom_model.id}")

    async def show(self, request: Request) -> Response:
        """One."""
        metadata = credentials(request)
        no_parameters(request)
        model = await custom_model(self._catalog, request.path_params["id"], metadata)
        return answer(custom_model_body(model))

    async def change(self, request: Request) -> Response:
        """Writes all of one, or what is named."""
        metadata, which = credentials(request), request.path_params["id"]
        body = await read_object(request)
        message = replacement(body, which) if request.method == "PUT" else amendment(body, which)
        unnamed = request.method == "PATCH" and not message.update_mask.paths
        if unnamed or any(name in body for name in READ_ONLY):
            shown = custom_model_body(await custom_model(self._catalog, which, metadata))
            check_unchanged(body, READ_ONLY, shown)
            if unnamed:
                # To the catalog a mask without paths means everything.
                return answer(shown)
        response = await call(self._catalog.UpdateCustomModel, message, metadata, service="catalog", prefix=_PREFIX)
        return answer(custom_model_body(response.custom_model))

    async def delete(self, request: Request) -> Response:
        """Removes one and its key."""
        metadata = credentials(request)
        no_parameters(request)
        message = DeleteCustomModelRequest(id=request.path_params["id"])
        await call(self._catalog.DeleteCustomModel, message, metadata, service="catalog")
        return nothing()

    async def prefer(self, request: Request) -> Response:
        """Makes one the caller's preferred model."""
        metadata = credentials(request)
        no_parameters(request)
        model_id = await reached_model_id(self._catalog, request.path_params["id"], metadata)
        message = UpdateUserSettingsRequest(
            settings=UserSettings(preferred_model=model_id), update_mask=FieldMask(paths=["preferred_model"])
        )
        try:
            response = await call(self._catalog.UpdateUserSettings, message, metadata, service="catalog")
        except InvalidField:
            # The one value written is the model's name, which nobody looked up before.
            raise ResourceNotFound("custom_model", model_id) from None
        return answer(DefaultBody(response.settings.preferred_model))


async def custom_model(catalog: CatalogServiceStub, which: str, metadata: Metadata) -> CustomModel:
    """The custom model of an id or model id.

    Raises:
        ResourceNotFound: there is none that the caller may see.
    """
    response = await call(catalog.GetCustomModel, GetCustomModelRequest(id=which), metadata, service="catalog")
    return response.custom_model


async def reached_model_id(catalog: CatalogServiceStub, which: str, metadata: Metadata) -> str:
    """The name by which the caller's requests reach the custom model of an id or model id.

    Raises:
        ResourceNotFound: there is none that the caller may see.
        Conflict: it is one shared in the project, and one of the caller's own has the same name.
    """
    if which.startswith(_MODEL_PREFIX):
        return which
    model = await custom_model(catalog, which, metadata)
    reached = await custom_model(catalog, model.model_id, metadata)
    if reached.id != model.id:
        message = f"{model.model_id} is another custom model to you: one of your own"
        raise Conflict(message, resource="custom_model", id=model.id, model_id=model.model_id)
    return model.model_id
