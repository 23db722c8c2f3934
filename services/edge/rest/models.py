"""`/api/models` and `/api/providers`: what there is to choose from."""

from decimal import Decimal

import msgspec
from google.type.decimal_pb2 import Decimal as ProtoDecimal
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pantheon.catalog.v1.catalog_service_pb2 import GetModelRequest, ListModelsRequest, ListProvidersRequest
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from pantheon.catalog.v1.model_pb2 import ModelOrder
from services.edge.rest.answers import answer
from services.edge.rest.calls import call, credentials
from services.edge.rest.model_bodies import ModelBody, ProviderBody, model_body, provider_body
from services.edge.rest.names import CAPABILITIES, ORDERS
from services.edge.rest.queries import PAGE, Query, no_parameters
from services.runtime import money, times

_FILTERS = (
    "provider",
    "search",
    "min_context_window",
    "max_prompt_price",
    "max_completion_price",
    "available",
    "current",
    "order",
    "reverse",
)


class ModelsBody(msgspec.Struct, frozen=True):
    """A page of models; `total_size` of them match in all pages. No token: this is the last."""

    models: list[ModelBody]
    next_page_token: str | None
    total_size: int


class ProvidersBody(msgspec.Struct, frozen=True):
    """A page of providers. No token: this is the last."""

    providers: list[ProviderBody]
    next_page_token: str | None


class ModelRoutes:
    """`GET /api/models`, `GET /api/models/{id}` (an alias will do), `GET /api/providers`."""

    def __init__(self, catalog: CatalogServiceStub) -> None:
        self._catalog = catalog

    def routes(self) -> list[BaseRoute]:
        """The routes of this area; ids have slashes in them, so they come after whatever else begins alike."""
        return [
            Route("/api/models", self.show_all, methods=["GET"]),
            Route("/api/models/{id:path}", self.show, methods=["GET"]),
            Route("/api/providers", self.list_providers, methods=["GET"]),
        ]

    async def show_all(self, request: Request) -> Response:
        """Those that the parameters ask for."""
        metadata = credentials(request)
        message = models_request(Query(request.query_params.multi_items(), (*_FILTERS, *PAGE), ("capability",)))
        response = await call(self._catalog.ListModels, message, metadata, service="catalog")
        now = times.to_timestamp(times.now())
        models = [model_body(model, now, alone=False) for model in response.models]
        return answer(ModelsBody(models, response.next_page_token or None, response.total_size))

    async def show(self, request: Request) -> Response:
        """One, with all its prices."""
        metadata = credentials(request)
        no_parameters(request)
        message = GetModelRequest(model_id=request.path_params["id"])
        response = await call(self._catalog.GetModel, message, metadata, service="catalog")
        return answer(model_body(response.model, times.to_timestamp(times.now()), alone=True))

    async def list_providers(self, request: Request) -> Response:
        """By name."""
        metadata = credentials(request)
        query = Query(request.query_params.multi_items(), ("configured", *PAGE))
        message = ListProvidersRequest(
            page_size=query.page_size, page_token=query.page_token, configured_only=query.flag("configured")
        )
        response = await call(self._catalog.ListProviders, message, metadata, service="catalog")
        providers = [provider_body(provider) for provider in response.providers]
        return answer(ProvidersBody(providers, response.next_page_token or None))


def models_request(query: Query) -> ListModelsRequest:
    """What the parameters ask for.

    Raises:
        InvalidField: a parameter is of the wrong type.
    """
    return ListModelsRequest(
        page_size=query.page_size,
        page_token=query.page_token,
        provider=query.text("provider"),
        available_only=query.flag("available"),
        search=query.text("search"),
        capabilities=[CAPABILITIES.value(name, "capability") for name in dict.fromkeys(query.texts("capability"))],
        min_context_window=query.whole_number("min_context_window"),
        max_prompt_price=_amount(query.decimal("max_prompt_price")),
        max_completion_price=_amount(query.decimal("max_completion_price")),
        current_only=query.flag("current"),
        order=ORDERS.value(query.text("order"), "order") if "order" in query else ModelOrder.MODEL_ORDER_UNSPECIFIED,
        reverse=query.flag("reverse"),
    )


def _amount(amount: Decimal | None) -> ProtoDecimal | None:
    return None if amount is None else money.to_proto(amount)
