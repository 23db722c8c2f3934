"""The whole state of the catalog as changes, for who keeps a copy of it."""

from collections.abc import AsyncIterator

from pantheon.events.v1.change_pb2 import Change
from services.catalog import (
    custom_model_messages,
    messages,
    price_messages,
    use_case_messages,
    user_settings_messages,
)
from services.catalog.provider_key_messages import keys_changed
from services.catalog.store import custom_models, models, prices, provider_keys, providers, settings, use_cases
from services.runtime.db import ReadConnection

_BATCH = 500


async def snapshot(connection: ReadConnection) -> AsyncIterator[Change]:
    """All providers and how many keys they have, all models with endpoints and prices, what organisations pay
    instead, custom models, what use cases stand for, then all users' settings.
    """
    for provider in await providers.page(connection):
        yield messages.provider_changed(provider)
    for part in (_provider_keys, _models, _price_overrides, _custom_models, _use_cases, _settings):
        async for change in part(connection):
            yield change


async def _models(connection: ReadConnection) -> AsyncIterator[Change]:
    after = ""
    while batch := await models.page(connection, after=after, limit=_BATCH):
        for model in batch:
            yield messages.model_changed(model)
        after = batch[-1].id


async def _price_overrides(connection: ReadConnection) -> AsyncIterator[Change]:
    after = ""
    while batch := await prices.all_overrides(connection, after=after, limit=_BATCH):
        for override in batch:
            yield price_messages.override_added(override)
        after = batch[-1].id


async def _custom_models(connection: ReadConnection) -> AsyncIterator[Change]:
    after = ""
    while batch := await custom_models.page_of_all(connection, after=after, limit=_BATCH):
        for model in batch:
            yield custom_model_messages.changed(model)
        after = batch[-1].id


async def _use_cases(connection: ReadConnection) -> AsyncIterator[Change]:
    """The platform's defaults as they were announced, then the choices of organisations."""
    yield use_case_messages.platform_changed(await use_cases.get(connection, use_cases.PLATFORM))
    for organisation_id, choices in (await use_cases.all_organisations(connection)).items():
        yield use_case_messages.organisation_changed(organisation_id, choices)


async def _settings(connection: ReadConnection) -> AsyncIterator[Change]:
    after = ""
    while users := await settings.page(connection, after=after, limit=_BATCH):
        for user in users:
            yield user_settings_messages.changed(user)
        after = users[-1].user_id


async def _provider_keys(connection: ReadConnection) -> AsyncIterator[Change]:
    """How many keys each provider has, of the platform and of each organisation that has any."""
    held = await provider_keys.counts(connection)
    for provider in await providers.page(connection):
        if provider.environment_keys:
            held[provider.name, ""] = held.get((provider.name, ""), 0) + provider.environment_keys
    for (name, organisation_id), count in sorted(held.items()):
        yield keys_changed(name, organisation_id, count)
