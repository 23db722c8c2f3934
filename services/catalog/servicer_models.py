"""Providers and models."""

from pantheon.catalog.v1.catalog_service_pb2 import (
    GetModelRequest,
    GetModelResponse,
    ListModelsRequest,
    ListModelsResponse,
    ListProvidersRequest,
    ListProvidersResponse,
)
from services.catalog import messages
from services.catalog.fields import PAGE_DEFAULT, PAGE_MOST, storable
from services.catalog.model_query import model_query, position_of, token_of
from services.catalog.resources import Resources
from services.catalog.store import model_pages, models, providers
from services.runtime import times
from services.runtime.auth import current_principal
from services.runtime.errors import ModelNotFound
from services.runtime.paging import cut, decode_token, page_size
from services.runtime.rpc import RpcContext


class ModelRpcs:
    """What is offered, and at what prices."""

    resources: Resources

    async def ListProviders(self, request: ListProvidersRequest, context: RpcContext) -> ListProvidersResponse:
        size = page_size(request.page_size, PAGE_DEFAULT, PAGE_MOST)
        query = ("ListProviders", request.configured_only)
        (after,) = decode_token(request.page_token, query, 1) or ("",)
        async with self.resources.db.read() as connection:
            rows = await providers.page(
                connection,
                after=storable("page_token", after),
                limit=size + 1,
                configured_only=request.configured_only,
            )
        shown, following = cut(rows, size, query, lambda row: (row.name,))
        return ListProvidersResponse(providers=map(messages.provider_message, shown), next_page_token=following)

    async def ListModels(self, request: ListModelsRequest, context: RpcContext) -> ListModelsResponse:
        size = page_size(request.page_size, PAGE_DEFAULT, PAGE_MOST)
        query = model_query(request, current_principal().organisation_id, times.now())
        after = position_of(request.page_token, query)
        async with self.resources.db.snapshot() as connection:
            page = await model_pages.page(connection, query, after, size)
        return ListModelsResponse(
            models=map(messages.model_message, page.models),
            next_page_token=token_of(page.following, query) if page.following else "",
            total_size=page.total,
        )

    async def GetModel(self, request: GetModelRequest, context: RpcContext) -> GetModelResponse:
        async with self.resources.db.snapshot() as connection:
            model = await models.find(connection, storable("model_id", request.model_id))
        if model is None:
            raise ModelNotFound(request.model_id)
        return GetModelResponse(model=messages.model_message(model))
