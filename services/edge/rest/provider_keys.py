"""`/api/provider-keys`: the keys an organisation has for providers. A secret comes in and never out again."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pantheon.catalog.v1.catalog_service_pb2 import (
    CheckProviderKeyRequest,
    DeleteProviderKeyRequest,
    ListProviderKeysRequest,
)
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from services.edge.rest.answers import answer, created, nothing
from services.edge.rest.bodies import read_object
from services.edge.rest.calls import call, credentials, repeat_id
from services.edge.rest.provider_key_bodies import ProviderKeysBody, key_request, provider_key_body
from services.edge.rest.queries import PAGE, Query, no_parameters

# The provider is asked meanwhile.
_CHECK_SECONDS = 25.0


class ProviderKeyRoutes:
    """`GET|POST /api/provider-keys`, `POST /api/provider-keys/{id}/check`, `DELETE /api/provider-keys/{id}`."""

    def __init__(self, catalog: CatalogServiceStub) -> None:
        self._catalog = catalog

    def routes(self) -> list[BaseRoute]:
        """The routes of this area."""
        return [
            Route("/api/provider-keys", self.show_all, methods=["GET"]),
            Route("/api/provider-keys", self.create, methods=["POST"]),
            Route("/api/provider-keys/{id}", self.delete, methods=["DELETE"]),
            Route("/api/provider-keys/{id}/check", self.check, methods=["POST"]),
        ]

    async def show_all(self, request: Request) -> Response:
        """The organisation's, and to platform administrators the platform's."""
        metadata = credentials(request)
        query = Query(request.query_params.multi_items(), ("provider", *PAGE))
        message = ListProviderKeysRequest(
            page_size=query.page_size, page_token=query.page_token, provider=query.text("provider")
        )
        response = await call(self._catalog.ListProviderKeys, message, metadata, service="catalog")
        keys = [provider_key_body(key) for key in response.provider_keys]
        return answer(ProviderKeysBody(keys, response.next_page_token or None))

    async def create(self, request: Request) -> Response:
        """Sets a key that the provider takes."""
        metadata = credentials(request)
        message = key_request(await read_object(request), repeat_id(request))
        response = await call(
            self._catalog.CreateProviderKey,
            message,
            metadata,
            service="catalog",
            prefix="provider_key.",
            seconds=_CHECK_SECONDS,
        )
        return created(provider_key_body(response.provider_key), f"/api/provider-keys/{response.provider_key.id}")

    async def check(self, request: Request) -> Response:
        """Asks the provider again."""
        metadata = credentials(request)
        no_parameters(request)
        message = CheckProviderKeyRequest(id=request.path_params["id"])
        response = await call(
            self._catalog.CheckProviderKey, message, metadata, service="catalog", seconds=_CHECK_SECONDS
        )
        return answer(provider_key_body(response.provider_key))

    async def delete(self, request: Request) -> Response:
        """Removes it."""
        metadata = credentials(request)
        no_parameters(request)
        message = DeleteProviderKeyRequest(id=request.path_params["id"])
        await call(self._catalog.DeleteProviderKey, message, metadata, service="catalog")
        return nothing()
