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
    held = await provider_keys.count(connection, provider.name, organisation_id)
    if not organisation_id:
        present = with_set_keys(provider, held)
        held += provider.environment_keys
        if present != provider:
            await providers.write_circumstances(connection, present)
            await outbox.add(connection, messages.provider_changed(present))
    await outbox.add(connection, keys_changed(provider.name, organisation_id, held))
