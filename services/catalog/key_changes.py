"""What follows when a provider's keys change: whether it is configured, and that everybody hears of it."""

from services.catalog import messages
from services.catalog.entities import Provider
from services.catalog.provider_key_messages import keys_changed
from services.catalog.providers import with_set_keys
from services.catalog.store import provider_keys, providers
from services.runtime.db import WriteConnection
from services.runtime.outbox import Outbox


async def follow_up(outbox: Outbox, connection: WriteConnection, provider: Provider, organisation_id: str) -> None:
    """To be called once keys of a locked provider were set or removed; without an organisation the platform's."""
    if not organisation_id:
        present = with_set_keys(provider, await provider_keys.count(connection, provider.name, ""))
        if present != provider:
            await providers.write_circumstances(connection, present)
            await outbox.add(connection, messages.provider_changed(present))
    await announce_count(outbox, connection, provider, organisation_id)


async def announce_count(
    outbox: Outbox, connection: WriteConnection, provider: Provider, organisation_id: str = ""
) -> None:
    """Says how many keys there are now; without an organisation the platform has."""
    held = await provider_keys.count(connection, provider.name, organisation_id)
    if not organisation_id:
        held += provider.environment_keys
    await outbox.add(connection, keys_changed(provider.name, organisation_id, held))
