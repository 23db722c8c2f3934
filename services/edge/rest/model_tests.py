"""`/api/custom-models/test`, `/api/custom-models/{id}/test`: trying a custom model out, before it is kept or after."""

from grpc.aio import Metadata
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from pantheon.router.v1.router_service_pb2 import TestModelRequest
from pantheon.router.v1.router_service_pb2_grpc import RouterServiceStub
from services.edge.middleware.faults import allow
from services.edge.rest.answers import answer
from services.edge.rest.bodies import read_object
from services.edge.rest.calls import call, credentials
from services.edge.rest.custom_model_bodies import DOCUMENT, given_custom_model
from services.edge.rest.custom_models import reached_model_id
from services.edge.rest.members import Members
from services.edge.rest.model_test_bodies import model_test_body
from services.runtime.errors import InvalidField

# A model that reasons takes its time.
_TEST_SECONDS = 120.0
_MARGIN_SECONDS = 5.0
_MODEL = "custom_model"
_KEY = "api_key"


class ModelTestRoutes:
    """`POST /api/custom-models/{id}/test` and, for one that is not kept yet, `POST /api/custom-models/test`."""

    def __init__(self, router: RouterServiceStub, catalog: CatalogServiceStub) -> None:
        self._router = router
        self._catalog = catalog

    def routes(self) -> list[BaseRoute]:
        """The routes of this area."""
        return [
            Route("/api/custom-models/test", self.test_described, methods=["POST"]),
            Route("/api/custom-models/{id:path}/test", self.test_kept, methods=["POST"]),
        ]

    async def test_described(self, request: Request) -> Response:
        """`{"custom_model": {...}, "api_key", "prompt"}`."""
        metadata = credentials(request)
        message = described_request(await read_object(request))
        try:
            return await self._test(request, message, metadata)
        except InvalidField as error:
            raise _placed(error) from None

    async def test_kept(self, request: Request) -> Response:
        """`{"prompt"}`."""
        metadata = credentials(request)
        body = await read_object(request)
        body.only(("prompt",))
        prompt = body.text("prompt") or ""
        model_id = await reached_model_id(self._catalog, request.path_params["id"], metadata)
        return await self._test(request, TestModelRequest(model=model_id, prompt=prompt), metadata)

    async def _test(self, request: Request, message: TestModelRequest, metadata: Metadata) -> Response:
        allow(request, _TEST_SECONDS + _MARGIN_SECONDS)
        response = await call(
            self._router.TestModel, message, metadata, service="router", prefix=f"{_MODEL}.", seconds=_TEST_SECONDS
        )
        return answer(model_test_body(response.test))


def described_request(body: Members) -> TestModelRequest:
    """The test that the body asks for; the key may stand beside the document or in it.

    Raises:
        InvalidField: a member is unknown or of the wrong type, or there are two keys.
    """
    body.only((_MODEL, _KEY, "prompt"))
    document = body.object(_MODEL)
    document.only(DOCUMENT)
    keys = [key for key in (body.optional_secret(_KEY), document.optional_secret(_KEY)) if key]
    if len(keys) > 1:
        raise InvalidField(_KEY, "given twice", f"a key here or in {_MODEL}")
    return TestModelRequest(
        custom_model=given_custom_model(document), api_key="".join(keys), prompt=body.text("prompt") or ""
    )


def _placed(error: InvalidField) -> InvalidField:
    """The same about a member of the document by its path in the whole body."""
    found = error.metadata
    inside = found["field"].partition(".")[0] in DOCUMENT and found["field"] != _KEY
    field = f"{_MODEL}.{found['field']}" if inside else found["field"]
    return InvalidField(field, found["value"], found["allowed"])
