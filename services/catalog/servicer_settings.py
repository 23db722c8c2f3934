"""Users' settings."""

from dataclasses import replace

from pantheon.catalog.v1.catalog_service_pb2 import (
    GetUserSettingsRequest,
    GetUserSettingsResponse,
    UpdateUserSettingsRequest,
    UpdateUserSettingsResponse,
)
from services.catalog import user_settings_messages as messages
from services.catalog.choices import offers
from services.catalog.entities import UserSettings
from services.catalog.fields import storable
from services.catalog.resources import Resources
from services.catalog.store import settings
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
        for name, choice in given.use_cases.items():
            storable(f"use_cases.{name}", choice.model)
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
        names = {wanted.preferred_model, *(choice.model for choice in given.use_cases.values())}
        check_settings(wanted, paths, await offers(connection, current_principal(), names))
        wanted = replace(wanted, update_time=times.now())
        await settings.write(connection, wanted)
        await self.resources.outbox.add(connection, messages.changed(wanted))
        return wanted
