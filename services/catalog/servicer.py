"""The catalog over gRPC: maps messages, asks the rules, writes through the store."""

from collections.abc import Mapping
from dataclasses import replace

from pantheon.catalog.v1 import catalog_service_pb2_grpc
from pantheon.catalog.v1.catalog_service_pb2 import (
    GetModelRequest,
    GetModelResponse,
    GetUserSettingsRequest,
    GetUserSettingsResponse,
    ListModelsRequest,
    ListModelsResponse,
    ListProviderKeysRequest,
    ListProviderKeysResponse,
    ListProvidersRequest,
    ListProvidersResponse,
    UpdateUserSettingsRequest,
    UpdateUserSettingsResponse,
)
from pantheon.events.v1.change_pb2 import Change, SettingsChanged
from services.catalog import messages
from services.catalog.entities import UserSettings
from services.catalog.providers import Circumstances
from services.catalog.store import models, providers, settings
from services.catalog.user_settings import check_settings, merged, written_paths
from services.runtime import times
from services.runtime.auth import current_principal
from services.runtime.db import WriteConnection
from services.runtime.errors import InvalidField, ModelNotFound, ResourceNotFound
from services.runtime.outbox import Outbox
from services.runtime.paging import decode_token, encode_token, page_size
from services.runtime.rpc import RpcContext

_PAGE_DEFAULT = 100
_PAGE_MOST = 1_000


class CatalogServicer(catalog_service_pb2_grpc.CatalogServiceServicer):
    """Serves one catalog; `found` is what the environment says of each provider, keys included."""

    def __init__(self, outbox: Outbox, found: Mapping[str, Circumstances]) -> None:
        self._outbox = outbox
        self._db = outbox.db
        self._found = found

    async def ListProviders(self, request: ListProvidersRequest, context: RpcContext) -> ListProvidersResponse:
        size = page_size(request.page_size, _PAGE_DEFAULT, _PAGE_MOST)
        query = ("ListProviders", request.configured_only)
        (after,) = decode_token(request.page_token, query, 1) or ("",)
        async with self._db.read() as connection:
            rows = await providers.page(
                connection,
                after=_storable("page_token", after),
                limit=size + 1,
                configured_only=request.configured_only,
            )
        return ListProvidersResponse(
            providers=map(messages.provider_message, rows[:size]),
            next_page_token=encode_token(query, rows[size - 1].name) if len(rows) > size else "",
        )

    async def ListModels(self, request: ListModelsRequest, context: RpcContext) -> ListModelsResponse:
        size = page_size(request.page_size, _PAGE_DEFAULT, _PAGE_MOST)
        query = ("ListModels", request.provider, request.available_only, request.search)
        (after,) = decode_token(request.page_token, query, 1) or ("",)
        async with self._db.snapshot() as connection:
            rows = await models.page(
                connection,
                after=_storable("page_token", after),
                limit=size + 1,
                provider=_storable("provider", request.provider),
                available_only=request.available_only,
                search=_storable("search", request.search),
            )
        return ListModelsResponse(
            models=map(messages.model_message, rows[:size]),
            next_page_token=encode_token(query, rows[size - 1].id) if len(rows) > size else "",
        )

    async def GetModel(self, request: GetModelRequest, context: RpcContext) -> GetModelResponse:
        async with self._db.snapshot() as connection:
            model = await models.find(connection, _storable("model_id", request.model_id))
        if model is None:
            raise ModelNotFound(request.model_id)
        return GetModelResponse(model=messages.model_message(model))

    async def GetUserSettings(self, request: GetUserSettingsRequest, context: RpcContext) -> GetUserSettingsResponse:
        async with self._db.read() as connection:
            kept = await settings.get(connection, current_principal().user_id)
        return GetUserSettingsResponse(settings=messages.settings_message(kept))

    async def UpdateUserSettings(
        self, request: UpdateUserSettingsRequest, context: RpcContext
    ) -> UpdateUserSettingsResponse:
        given = messages.given_settings(request.settings, current_principal().user_id)
        paths = written_paths(request.update_mask.paths)
        _storable("preferred_model", given.preferred_model)
        async with self._db.write() as connection:
            kept = await self._change_settings(connection, given, paths)
        return UpdateUserSettingsResponse(settings=messages.settings_message(kept))

    async def ListProviderKeys(self, request: ListProviderKeysRequest, context: RpcContext) -> ListProviderKeysResponse:
        if request.provider and request.provider not in self._found:
            raise ResourceNotFound("provider", request.provider)
        names = [request.provider] if request.provider else sorted(self._found)
        configured = ((name, self._found[name]) for name in names if self._found[name].configured)
        keys = (messages.keys_message(name, found.keys) for name, found in configured)
        return ListProviderKeysResponse(provider_keys=keys)

    async def _change_settings(
        self, connection: WriteConnection, given: UserSettings, paths: frozenset[str]
    ) -> UserSettings:
        await settings.lock(connection, given.user_id)
        kept = await settings.get(connection, given.user_id)
        wanted = merged(kept, given, paths)
        if wanted == kept:
            return kept
        model = await models.find(connection, wanted.preferred_model) if wanted.preferred_model else None
        configured = await providers.page(connection, configured_only=True)
        check_settings(wanted, paths, model, configured)
        wanted = replace(wanted, update_time=times.now())
        await settings.write(connection, wanted)
        event = SettingsChanged(settings=messages.settings_message(wanted))
        await self._outbox.add(connection, Change(settings_changed=event))
        return wanted


def _storable(field: str, text: str) -> str:
    """Text that Postgres takes.

    Raises:
        InvalidField: it holds U+0000, which Postgres has no text with.
    """
    if "\0" in text:
        raise InvalidField(field, text, "text without U+0000")
    return text
