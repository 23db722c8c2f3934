"""`/api/use-cases`: what `auto/code` and the like stand for, and an organisation's choice of it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pantheon.catalog.v1.catalog_service_pb2 import ListUseCasesRequest, SetUseCaseRequest
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from pantheon.catalog.v1.use_case_pb2 import UseCase, UseCaseChoice
from services.edge.rest.answers import answer, nothing
from services.edge.rest.bodies import read_object
from services.edge.rest.calls import call, credentials
from services.edge.rest.names import USE_CASES
from services.edge.rest.queries import no_parameters
from services.edge.rest.use_case_bodies import use_case_body, use_cases_body
from services.runtime.errors import ResourceNotFound


class UseCaseRoutes:
    """`GET /api/use-cases`, `PUT|DELETE /api/use-cases/{use_case}`. A user's own choices are settings."""

    def __init__(self, catalog: CatalogServiceStub) -> None:
        self._catalog = catalog

    def routes(self) -> list[BaseRoute]:
        """The routes of this area."""
        return [
            Route("/api/use-cases", self.show_all, methods=["GET"]),
            Route("/api/use-cases/{use_case}", self.choose, methods=["PUT"]),
            Route("/api/use-cases/{use_case}", self.take_back, methods=["DELETE"]),
        ]

    async def show_all(self, request: Request) -> Response:
        """What each stands for."""
        metadata = credentials(request)
        no_parameters(request)
        response = await call(self._catalog.ListUseCases, ListUseCasesRequest(), metadata, service="catalog")
        return answer(use_cases_body(response))

    async def choose(self, request: Request) -> Response:
        """For the caller's organisation."""
        metadata = credentials(request)
        use_case = _named(request)
        body = await read_object(request)
        body.only(("model", "provider"))
        # To the catalog a choice without a model takes one back.
        choice = UseCaseChoice(use_case=use_case, model=body.required("model"), provider=body.text("provider") or "")
        message = SetUseCaseRequest(choice=choice)
        response = await call(self._catalog.SetUseCase, message, metadata, service="catalog", prefix="choice.")
        return answer(use_case_body(response.choice))

    async def take_back(self, request: Request) -> Response:
        """The organisation's choice: the platform's holds again."""
        metadata = credentials(request)
        no_parameters(request)
        message = SetUseCaseRequest(choice=UseCaseChoice(use_case=_named(request)))
        await call(self._catalog.SetUseCase, message, metadata, service="catalog", prefix="choice.")
        return nothing()


def _named(request: Request) -> UseCase.ValueType:
    name = request.path_params["use_case"]
    if name not in USE_CASES:
        raise ResourceNotFound("use_case", name)
    return USE_CASES.value(name, "use_case")
