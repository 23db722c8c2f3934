"""Dated prices, and what organisations pay instead."""

from pantheon.catalog.v1.catalog_service_pb2 import (
    AddPriceOverrideRequest,
    AddPriceOverrideResponse,
    AddPriceRequest,
    AddPriceResponse,
    ListPriceOverridesRequest,
    ListPriceOverridesResponse,
)
from services.catalog import messages, overrides, price_messages
from services.catalog.fields import PAGE_DEFAULT, PAGE_MOST, storable
from services.catalog.prices import asked_price, recorded_after
from services.catalog.resources import Resources
from services.catalog.store import models, prices
from services.runtime import times
from services.runtime.auth import current_principal
from services.runtime.errors import InvalidPageToken, ResourceNotFound
from services.runtime.ids import is_id, uuid7
from services.runtime.paging import cut, decode_token, page_size
from services.runtime.rpc import RpcContext


class PriceRpcs:
    """What things cost."""

    resources: Resources

    async def AddPrice(self, request: AddPriceRequest, context: RpcContext) -> AddPriceResponse:
        endpoint_id = storable("endpoint_id", request.endpoint_id)
        asked = asked_price(request.price, times.now(), _new_id)
        async with self.resources.db.write() as connection:
            endpoint = await prices.lock_endpoint(connection, endpoint_id)
            if endpoint is None:
                raise ResourceNotFound("endpoint", endpoint_id)
            version = recorded_after(asked, endpoint.last_recorded)
            await prices.append(connection, [(endpoint_id, version)], seeded=False)
            for model in await models.by_id(connection, [endpoint.model_id]):
                await self.resources.outbox.add(connection, messages.model_changed(model))
        return AddPriceResponse(price=price_messages.price_version_message(version))

    async def ListPriceOverrides(
        self, request: ListPriceOverridesRequest, context: RpcContext
    ) -> ListPriceOverridesResponse:
        caller = current_principal()
        organisation_id = overrides.organisation(
            "organisation_id", request.organisation_id, caller, "ListPriceOverrides"
        )
        size = page_size(request.page_size, PAGE_DEFAULT, PAGE_MOST)
        query = ("ListPriceOverrides", organisation_id)
        (before,) = decode_token(request.page_token, query, 1) or ("",)
        if before and not is_id(before):
            raise InvalidPageToken
        async with self.resources.db.snapshot() as connection:
            rows = await prices.overrides_of(connection, organisation_id, before=before, limit=size + 1)
        shown, following = cut(rows, size, query, lambda row: (row.id,))
        return ListPriceOverridesResponse(
            price_overrides=map(price_messages.override_message, shown), next_page_token=following
        )

    async def AddPriceOverride(self, request: AddPriceOverrideRequest, context: RpcContext) -> AddPriceOverrideResponse:
        given, caller = request.price_override, current_principal()
        organisation_id = overrides.organisation(
            "price_override.organisation_id", given.organisation_id, caller, "AddPriceOverride"
        )
        override = overrides.asked_override(given, organisation_id, times.now(), _new_id)
        async with self.resources.db.write() as connection:
            await prices.lock_overrides(connection, organisation_id)
            overrides.check_room(await prices.number_of_overrides(connection, organisation_id))
            overrides.check_target(override, await prices.target(connection, override.provider, override.endpoint_id))
            await prices.add_override(connection, override)
            await self.resources.outbox.add(connection, price_messages.override_added(override))
        return AddPriceOverrideResponse(price_override=price_messages.override_message(override))


def _new_id() -> str:
    return str(uuid7())
