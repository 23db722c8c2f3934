"""The whole state of the catalog as changes, for who keeps a copy of it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from operator import attrgetter
from typing import TypeVar

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

Row = TypeVar("Row")


async def snapshot(connection: ReadConnection) -> AsyncIterator[Change]:
    """All providers and how many keys they have, all models with endpoints and prices, what organisations pay
    instead, custom models, what use cases stand for, then all users' settings.
    """
    for provider in await providers.page(connection):
        yield messages.provider_changed(provider)
    parts = (
        _provider_keys(connection),
        _paged(connection, models.page, attrgetter("id"), messages.model_changed),
        _paged(connection, prices.all_overrides, attrgetter("id"), price_messages.override_added),
        _paged(connection, custom_models.page_of_all, attrgetter("id"), custom_model_messages.changed),
        _use_cases(connection),
        _paged(connection, settings.page, attrgetter("user_id"), user_settings_messages.changed),
    )
    for part in parts:
        async for change in part:
            yield change


async def _paged(
    connection: ReadConnection,
    page: Callable[..., Awaitable[Sequence[Row]]],
    key: Callable[[Row], str],
    changed: Callable[[Row], Change],
) -> AsyncIterator[Change]:
    """All rows, a batch at a time; `key` is what they are ordered by."""
    after = ""
    while batch := await page(connection, after=after, limit=_BATCH):
        for row in batch:
            yield changed(row)
        after = key(batch[-1])


async def _use_cases(connection: ReadConnection) -> AsyncIterator[Change]:
    """The platform's defaults as they were announced, then the choices of organisations."""
    yield use_case_messages.platform_changed(await use_cases.get(connection, use_cases.PLATFORM))
    for organisation_id, choices in (await use_cases.all_organisations(connection)).items():
        yield use_case_messages.organisation_changed(organisation_id, choices)


async def _provider_keys(connection: ReadConnection) -> AsyncIterator[Change]:
    """How many keys each provider has, of the platform and of each organisation that has any."""
    held = await provider_keys.counts(connection)
    for provider in await providers.page(connection):
        if provider.environment_keys:
            held[provider.name, ""] = held.get((provider.name, ""), 0) + provider.environment_keys
    for (name, organisation_id), count in sorted(held.items()):
        yield keys_changed(name, organisation_id, count)
