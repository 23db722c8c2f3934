"""`/api/user/settings`: what the caller has chosen."""

from grpc.aio import Metadata
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pantheon.catalog.v1.catalog_service_pb2 import GetUserSettingsRequest, ListCustomModelsRequest
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from pantheon.catalog.v1.settings_pb2 import UserSettings
from services.edge.rest.answers import answer
from services.edge.rest.bodies import read_object
from services.edge.rest.calls import call, credentials
from services.edge.rest.custom_model_bodies import CustomModelBody, custom_model_body
from services.edge.rest.queries import no_parameters
from services.edge.rest.read_only import check_unchanged
from services.edge.rest.settings_bodies import READ_ONLY, SettingsBody, amendment, placed, replacement, settings_body
from services.runtime.errors import AccessDenied, InvalidField

_PAGE_SIZE = 1_000


class SettingsRoutes:
    """`GET|POST|PUT|PATCH /api/user/settings`; every answer is the settings as they are then.

    POST and PATCH write the members they name, null clears one; PUT writes all, and clears what it does not name.
    `user_id` and `custom_models` can't be set here, and may be named as they are: a GET's answer can be sent back.
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
            no_parameters(request)
            return answer(await self._read(metadata))
        body = await read_object(request)
        change = replacement(body) if request.method == "PUT" else amendment(body)
        if not change.update_mask.paths or any(name in body for name in READ_ONLY):
            shown = await self._read(metadata)
            check_unchanged(body, READ_ONLY, shown)
            if not change.update_mask.paths:
                # To the catalog a mask without paths means everything.
                return answer(shown)
        try:
            response = await call(
                self._catalog.UpdateUserSettings, change, metadata, service="catalog", prefix="settings."
            )
        except InvalidField as error:
            raise placed(error) from None
        return answer(await self._shown(response.settings, metadata))

    async def _read(self, metadata: Metadata) -> SettingsBody:
        response = await call(self._catalog.GetUserSettings, GetUserSettingsRequest(), metadata, service="catalog")
        return await self._shown(response.settings, metadata)

    async def _shown(self, settings: UserSettings, metadata: Metadata) -> SettingsBody:
        try:
            return settings_body(settings, await self._custom_models(metadata))
        except AccessDenied:
            # A key for settings only: it need not be one for models, and has seen its settings before.
            return settings_body(settings, None)

    async def _custom_models(self, metadata: Metadata) -> list[CustomModelBody]:
        message, models = ListCustomModelsRequest(page_size=_PAGE_SIZE), list[CustomModelBody]()
        while True:
            response = await call(self._catalog.ListCustomModels, message, metadata, service="catalog")
            models += map(custom_model_body, response.custom_models)
            if not response.next_page_token:
                return models
            message = ListCustomModelsRequest(page_size=_PAGE_SIZE, page_token=response.next_page_token)
