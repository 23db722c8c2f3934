"""The whole state of the catalog as changes, for who keeps a copy of it."""

from collections.abc import AsyncIterator

from pantheon.events.v1.change_pb2 import Change, ModelChanged, ProviderChanged, SettingsChanged
from services.catalog import messages
from services.catalog.provider_key_messages import keys_changed
from services.catalog.store import models, provider_keys, providers, settings
from services.runtime.db import ReadConnection

_BATCH = 500


async def snapshot(connection: ReadConnection) -> AsyncIterator[Change]:
    """All providers and how many keys they have, all models with endpoints and prices, then all users' settings."""
    for provider in await providers.page(connection):
        yield Change(provider_changed=ProviderChanged(provider=messages.provider_message(provider)))
    async for change in _provider_keys(connection):
        yield change
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


async def _provider_keys(connection: ReadConnection) -> AsyncIterator[Change]:
    """How many keys each provider has, of the platform and of each organisation that has any."""
    held = await provider_keys.counts(connection)
    for provider in await providers.page(connection):
        if provider.environment_keys:
            held[provider.name, ""] = held.get((provider.name, ""), 0) + provider.environment_keys
    for (name, organisation_id), count in sorted(held.items()):
        yield keys_changed(name, organisation_id, count)
