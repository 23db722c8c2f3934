"""Models that users have described."""

from pantheon.catalog.v1.catalog_service_pb2 import (
    CheckCustomModelRequest,
    CheckCustomModelResponse,
    CreateCustomModelRequest,
    CreateCustomModelResponse,
    DeleteCustomModelRequest,
    DeleteCustomModelResponse,
    GetCustomModelRequest,
    GetCustomModelResponse,
    ListCustomModelsRequest,
    ListCustomModelsResponse,
    UpdateCustomModelRequest,
    UpdateCustomModelResponse,
)
from services.catalog import custom_model_messages as messages
from services.catalog import custom_models as rules
from services.catalog.custom_model_changes import CustomModelChanges
from services.catalog.fields import PAGE_DEFAULT, PAGE_MOST, storable
from services.catalog.resources import Resources
from services.catalog.store import custom_models as kept
from services.runtime.auth import current_principal
from services.runtime.errors import InvalidPageToken
from services.runtime.ids import is_id
from services.runtime.paging import cut, decode_token, page_size
from services.runtime.rpc import RpcContext


class CustomModelRpcs:
    """The caller's own models, and those shared in the caller's project."""

    resources: Resources

    async def ListCustomModels(self, request: ListCustomModelsRequest, context: RpcContext) -> ListCustomModelsResponse:
        caller, size = current_principal(), page_size(request.page_size, PAGE_DEFAULT, PAGE_MOST)
        query = ("ListCustomModels", caller.user_id, caller.project_id)
        after = decode_token(request.page_token, query, 2)
        async with self.resources.db.snapshot() as connection:
            rows = await kept.page(
                connection, caller.user_id, caller.project_id, after=_position(after), limit=size + 1
            )
        shown, following = cut(rows, size, query, lambda row: (row.description.model_id, row.id))
        return ListCustomModelsResponse(
            custom_models=map(messages.custom_model_message, shown), next_page_token=following
        )

    async def GetCustomModel(self, request: GetCustomModelRequest, context: RpcContext) -> GetCustomModelResponse:
        caller, name = current_principal(), storable("id", request.id)
        async with self.resources.db.snapshot() as connection:
            found = rules.visible(caller, await kept.named(connection, name, caller.user_id, caller.project_id), name)
        return GetCustomModelResponse(custom_model=messages.custom_model_message(found))

    async def CreateCustomModel(
        self, request: CreateCustomModelRequest, context: RpcContext
    ) -> CreateCustomModelResponse:
        given = messages.described(request.custom_model, rules.written_paths(()))
        made = await self._changes().create(given, request.api_key, request.request_id)
        return CreateCustomModelResponse(custom_model=messages.custom_model_message(made))

    async def UpdateCustomModel(
        self, request: UpdateCustomModelRequest, context: RpcContext
    ) -> UpdateCustomModelResponse:
        paths = rules.written_paths(request.update_mask.paths)
        given = messages.described(request.custom_model, paths)
        name = storable("custom_model.id", request.custom_model.id)
        api_key = request.api_key if request.HasField("api_key") else None
        changed = await self._changes().update(name, given, paths, api_key)
        return UpdateCustomModelResponse(custom_model=messages.custom_model_message(changed))

    async def DeleteCustomModel(
        self, request: DeleteCustomModelRequest, context: RpcContext
    ) -> DeleteCustomModelResponse:
        await self._changes().remove(storable("id", request.id))
        return DeleteCustomModelResponse()

    async def CheckCustomModel(self, request: CheckCustomModelRequest, context: RpcContext) -> CheckCustomModelResponse:
        given = messages.described(request.custom_model, rules.written_paths(()))
        checked = await self._changes().check(given)
        return CheckCustomModelResponse(custom_model=messages.custom_model_message(checked))

    def _changes(self) -> CustomModelChanges:
        return CustomModelChanges(self.resources, current_principal())


def _position(after: tuple[str, ...] | None) -> tuple[str, str]:
    """Model id and id of the row before a page."""
    if after is None:
        return kept.START
    model_id, id_ = after
    if not is_id(id_):
        raise InvalidPageToken
    return storable("page_token", model_id), id_
