"""`/api/provider-keys`: the keys an organisation has for providers. A secret comes in and never out again."""

from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pantheon.catalog.v1.catalog_service_pb2 import (
    CheckProviderKeyRequest,
    CreateProviderKeyRequest,
    DeleteProviderKeyRequest,
    ListProviderKeysRequest,
)
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from pantheon.catalog.v1.provider_key_pb2 import ProviderKey
from services.edge.rest import instants
from services.edge.rest.answers import answer, created, nothing
from services.edge.rest.bodies import read_object
from services.edge.rest.calls import call, credentials, repeat_id
from services.edge.rest.members import Members
from services.edge.rest.names import KEY_SOURCES, KEY_STATUSES
from services.edge.rest.queries import PAGE, Query

# The provider is asked meanwhile.
_CHECK_SECONDS = 25.0


class ProviderKeyBody(msgspec.Struct, frozen=True, kw_only=True):
    """A key without its secret. No organisation: the platform's; no status: the provider was not asked, or can't be."""

    id: str
    provider: str
    organisation_id: str | None
    label: str
    last_four: str
    source: str | None
    status: str | None
    status_time: datetime | None
    create_time: datetime | None


class ProviderKeysBody(msgspec.Struct, frozen=True):
    """A page of keys. No token: this is the last."""

    provider_keys: list[ProviderKeyBody]
    next_page_token: str | None


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
        keys = [_body(key) for key in response.provider_keys]
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
        return created(_body(response.provider_key), f"/api/provider-keys/{response.provider_key.id}")

    async def check(self, request: Request) -> Response:
        """Asks the provider again."""
        metadata = credentials(request)
        message = CheckProviderKeyRequest(id=request.path_params["id"])
        response = await call(
            self._catalog.CheckProviderKey, message, metadata, service="catalog", seconds=_CHECK_SECONDS
        )
        return answer(_body(response.provider_key))

    async def delete(self, request: Request) -> Response:
        """Removes it."""
        metadata = credentials(request)
        message = DeleteProviderKeyRequest(id=request.path_params["id"])
        await call(self._catalog.DeleteProviderKey, message, metadata, service="catalog")
        return nothing()


def key_request(body: Members, request_id: str = "") -> CreateProviderKeyRequest:
    """What the body asks for.

    Raises:
        InvalidField: a member is unknown or of the wrong type.
    """
    body.only(("provider", "label", "secret", "platform_wide"))
    return CreateProviderKeyRequest(
        provider_key=ProviderKey(provider=body.text("provider") or "", label=body.text("label") or ""),
        secret=body.secret("secret"),
        platform_wide=body.flag("platform_wide"),
        request_id=request_id,
    )


def _body(key: ProviderKey) -> ProviderKeyBody:
    return ProviderKeyBody(
        id=key.id,
        provider=key.provider,
        organisation_id=key.organisation_id or None,
        label=key.label,
        last_four=key.last_four,
        source=KEY_SOURCES.of(key.source),
        status=KEY_STATUSES.of(key.status),
        status_time=instants.shown(key, "status_time"),
        create_time=instants.shown(key, "create_time"),
    )
