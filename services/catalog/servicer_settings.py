"""Users' settings."""

from dataclasses import replace

from pantheon.catalog.v1.catalog_service_pb2 import (
    GetUserSettingsRequest,
    GetUserSettingsResponse,
    UpdateUserSettingsRequest,
    UpdateUserSettingsResponse,
)
from pantheon.events.v1.change_pb2 import Change, SettingsChanged
from services.catalog import messages
from services.catalog.entities import UserSettings
from services.catalog.fields import storable
from services.catalog.resources import Resources
from services.catalog.store import models, providers, settings
from services.catalog.user_settings import check_settings, merged, written_paths
from services.runtime import times
from services.runtime.auth import current_principal
from services.runtime.db import WriteConnection
from services.runtime.rpc import RpcContext


class SettingsRpcs:
    """The caller's own settings."""

    resources: Resources

    async def GetUserSettings(self, request: GetUserSettingsRequest, context: RpcContext) -> GetUserSettingsResponse:
        async with self.resources.db.read() as connection:
            kept = await settings.get(connection, current_principal().user_id)
        return GetUserSettingsResponse(settings=messages.settings_message(kept))

    async def UpdateUserSettings(
        self, request: UpdateUserSettingsRequest, context: RpcContext
    ) -> UpdateUserSettingsResponse:
        given = messages.given_settings(request.settings, current_principal().user_id)
        paths = written_paths(request.update_mask.paths)
        storable("preferred_model", given.preferred_model)
        async with self.resources.db.write() as connection:
            kept = await self._change_settings(connection, given, paths)
        return UpdateUserSettingsResponse(settings=messages.settings_message(kept))

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
        await self.resources.outbox.add(connection, Change(settings_changed=event))
        return wanted
