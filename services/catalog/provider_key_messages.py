"""Keys for providers as messages of pantheon.catalog.v1 and pantheon.events.v1."""

from collections.abc import Iterable

from pantheon.catalog.v1 import provider_key_pb2
from pantheon.events.v1.change_pb2 import Change, ProviderKeysChanged
from services.catalog.custom_model_entities import SealedKey as SealedModelKey
from services.catalog.provider_keys import KeyStatus, OpenKey, ProviderKey
from services.runtime.times import to_timestamp


def key_message(key: ProviderKey, status: KeyStatus | None) -> provider_key_pb2.ProviderKey:
    """A key without its secret, with what its provider last said of it."""
    from_environment = key.create_time is None
    return provider_key_pb2.ProviderKey(
        id=key.id,
        provider=key.provider,
        organisation_id=key.organisation_id,
        label=key.label,
        last_four=key.last_four,
        source=(
            provider_key_pb2.PROVIDER_KEY_SOURCE_ENVIRONMENT
            if from_environment
            else provider_key_pb2.PROVIDER_KEY_SOURCE_API
        ),
        status=status.status if status else provider_key_pb2.PROVIDER_KEY_STATUS_UNSPECIFIED,
        status_time=to_timestamp(status.time) if status else None,
        create_time=to_timestamp(key.create_time) if key.create_time else None,
    )


def keys_changed(provider: str, organisation_id: str, count: int) -> Change:
    """The event that says how many keys there are now."""
    event = ProviderKeysChanged(provider=provider, organisation_id=organisation_id, count=count)
    return Change(provider_keys_changed=event)


def secrets_messages(keys: Iterable[OpenKey]) -> list[provider_key_pb2.ProviderSecrets]:
    """Secret keys by provider and organisation, in their order: for an answer of ListSecrets only."""
    found: dict[tuple[str, str], provider_key_pb2.ProviderSecrets] = {}
    for entry in keys:
        whose = (entry.key.provider, entry.key.organisation_id)
        if whose not in found:
            found[whose] = provider_key_pb2.ProviderSecrets(provider=whose[0], organisation_id=whose[1])
        found[whose].secrets.add(key_id=entry.key.id, secret=entry.secret)
    return [found[whose] for whose in sorted(found)]


def model_secret_message(key: SealedModelKey, secret: str) -> provider_key_pb2.CustomModelSecret:
    """A custom model's secret key: for an answer of ListSecrets only."""
    return provider_key_pb2.CustomModelSecret(
        custom_model_id=key.custom_model_id, key_version=key.key_version, origin=key.origin, secret=secret
    )
