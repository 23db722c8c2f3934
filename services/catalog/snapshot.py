"""The whole state of the catalog as changes, for who keeps a copy of it."""

from collections.abc import AsyncIterator

from pantheon.events.v1.change_pb2 import Change, ModelChanged, ProviderChanged, SettingsChanged
from services.catalog import messages
from services.catalog.store import models, providers, settings
from services.runtime.db import ReadConnection

_BATCH = 500


async def snapshot(connection: ReadConnection) -> AsyncIterator[Change]:
    """All providers, then all models with endpoints and prices, then all users' settings."""
    for provider in await providers.page(connection):
        yield Change(provider_changed=ProviderChanged(provider=messages.provider_message(provider)))
    after = ""
    while batch := await models.page(connection, after=after, limit=_BATCH):
        for model in batch:
            yield Change(model_changed=ModelChanged(model=messages.model_message(model)))
        after = batch[-1].id
    after = ""
    while users := await settings.page(connection, after=after, limit=_BATCH):
        for user in users:
            yield Change(settings_changed=SettingsChanged(settings=messages.settings_message(user)))
        after = users[-1].user_id
