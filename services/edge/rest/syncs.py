"""`/api/models/sync`, `/api/models/syncs`: bringing the catalog up to what providers list, and taking that back."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pantheon.catalog.v1.catalog_service_pb2 import (
    ListSyncsRequest,
    RevertSyncRequest,
    SyncModelsRequest,
)
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from services.edge.rest.answers import answer
from services.edge.rest.bodies import read_object
from services.edge.rest.calls import call, credentials
from services.edge.rest.members import Members
from services.edge.rest.queries import PAGE, Query, no_parameters
from services.edge.rest.sync_bodies import SyncBody, outcome_body, sync_body

# Every provider is asked for its list meanwhile.
_SYNC_SECONDS = 28.0


class SyncsBody(msgspec.Struct, frozen=True):
    """A page of syncs, newest first. No token: this is the last."""

    syncs: list[SyncBody]
    next_page_token: str | None


class SyncRoutes:
    """`POST /api/models/sync`, `GET /api/models/syncs`, `POST /api/models/syncs/{id}/revert`."""

    def __init__(self, catalog: CatalogServiceStub) -> None:
        self._catalog = catalog

    def routes(self) -> list[BaseRoute]:
        """The routes of this area."""
        return [
            Route("/api/models/sync", self.sync, methods=["POST"]),
            Route("/api/models/syncs", self.show_all, methods=["GET"]),
            Route("/api/models/syncs/{id}/revert", self.revert, methods=["POST"]),
        ]

    async def sync(self, request: Request) -> Response:
        """Compares, and applies unless it is a dry run."""
        metadata = credentials(request)
        message = sync_request(await read_object(request))
        response = await call(self._catalog.SyncModels, message, metadata, service="catalog", seconds=_SYNC_SECONDS)
        return answer(outcome_body(response))

    async def show_all(self, request: Request) -> Response:
        """What was applied."""
        metadata = credentials(request)
        query = Query(request.query_params.multi_items(), PAGE)
        message = ListSyncsRequest(page_size=query.page_size, page_token=query.page_token)
        response = await call(self._catalog.ListSyncs, message, metadata, service="catalog")
        return answer(SyncsBody([sync_body(sync) for sync in response.syncs], response.next_page_token or None))

    async def revert(self, request: Request) -> Response:
        """Undoes one."""
        metadata = credentials(request)
        no_parameters(request)
        message = RevertSyncRequest(sync_id=request.path_params["id"])
        response = await call(self._catalog.RevertSync, message, metadata, service="catalog", seconds=_SYNC_SECONDS)
        return answer(sync_body(response.sync))


def sync_request(body: Members) -> SyncModelsRequest:
    """What the body asks for.

    Raises:
        InvalidField: a member is unknown or of the wrong type.
    """
    body.only(("providers", "dry_run", "expected_digest", "remove_missing"))
    return SyncModelsRequest(
        providers=body.texts("providers"),
        dry_run=body.flag("dry_run"),
        expected_digest=body.text("expected_digest") or "",
        remove_missing=body.flag("remove_missing"),
    )
