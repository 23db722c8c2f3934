"""`/api/prices`, `/api/price-overrides`: what models cost, and what an organisation pays instead."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pantheon.catalog.v1.catalog_service_pb2 import (
    AddPriceOverrideRequest,
    AddPriceRequest,
    ListPriceOverridesRequest,
)
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from pantheon.catalog.v1.price_pb2 import PriceOverride, PriceVersion
from services.edge.rest.answers import answer
from services.edge.rest.bodies import read_object
from services.edge.rest.calls import call, credentials
from services.edge.rest.members import Members
from services.edge.rest.price_bodies import given_time, given_unit_prices, price_version_body, spelt
from services.edge.rest.price_override_bodies import PriceOverrideBody, price_override_body
from services.edge.rest.queries import PAGE, Query
from services.runtime.errors import InvalidField


class PriceOverridesBody(msgspec.Struct, frozen=True):
    """A page of overrides, newest first. No token: this is the last."""

    price_overrides: list[PriceOverrideBody]
    next_page_token: str | None


class PriceRoutes:
    """`POST /api/prices`, `GET|POST /api/price-overrides`. What they append has no address."""

    def __init__(self, catalog: CatalogServiceStub) -> None:
        self._catalog = catalog

    def routes(self) -> list[BaseRoute]:
        """The routes of this area."""
        return [
            Route("/api/prices", self.add_price, methods=["POST"]),
            Route("/api/price-overrides", self.list_overrides, methods=["GET"]),
            Route("/api/price-overrides", self.add_override, methods=["POST"]),
        ]

    async def add_price(self, request: Request) -> Response:
        """Appends a version to an endpoint's prices."""
        metadata = credentials(request)
        message = price_request(await read_object(request))
        try:
            response = await call(self._catalog.AddPrice, message, metadata, service="catalog", prefix="price.")
        except InvalidField as error:
            raise spelt(error) from None
        return answer(price_version_body(response.price), 201)

    async def list_overrides(self, request: Request) -> Response:
        """The organisation's."""
        metadata = credentials(request)
        query = Query(request.query_params.multi_items(), ("organisation_id", *PAGE))
        message = ListPriceOverridesRequest(
            page_size=query.page_size, page_token=query.page_token, organisation_id=query.text("organisation_id")
        )
        response = await call(self._catalog.ListPriceOverrides, message, metadata, service="catalog")
        overrides = [price_override_body(override) for override in response.price_overrides]
        return answer(PriceOverridesBody(overrides, response.next_page_token or None))

    async def add_override(self, request: Request) -> Response:
        """Appends one."""
        metadata = credentials(request)
        message = AddPriceOverrideRequest(price_override=given_override(await read_object(request)))
        try:
            response = await call(
                self._catalog.AddPriceOverride, message, metadata, service="catalog", prefix="price_override."
            )
        except InvalidField as error:
            raise spelt(error) from None
        return answer(price_override_body(response.price_override), 201)


def price_request(body: Members) -> AddPriceRequest:
    """What the body asks for.

    Raises:
        InvalidField: a member is unknown or of the wrong type.
    """
    body.only(("endpoint_id", "effective_time", "unit_prices", "source"))
    price = PriceVersion(
        effective_time=given_time(body, "effective_time"),
        unit_prices=given_unit_prices(body),
        source=body.text("source") or "",
    )
    return AddPriceRequest(endpoint_id=body.text("endpoint_id") or "", price=price)


def given_override(body: Members) -> PriceOverride:
    """What the body asks for.

    Raises:
        InvalidField: a member is unknown or of the wrong type.
    """
    body.only(("organisation_id", "provider", "endpoint_id", "effective_time", "factor", "unit_prices", "source"))
    return PriceOverride(
        organisation_id=body.text("organisation_id") or "",
        provider=body.text("provider") or "",
        endpoint_id=body.text("endpoint_id") or "",
        effective_time=given_time(body, "effective_time"),
        factor=body.money("factor"),
        unit_prices=given_unit_prices(body),
        source=body.text("source") or "",
    )
