"""Keys for providers as JSON: a secret comes in and never out again. Pure."""

from datetime import datetime

import msgspec

from pantheon.catalog.v1.catalog_service_pb2 import CreateProviderKeyRequest
from pantheon.catalog.v1.provider_key_pb2 import ProviderKey
from services.edge.rest import instants
from services.edge.rest.members import Members
from services.edge.rest.names import KEY_SOURCES, KEY_STATUSES


class ProviderKeyBody(msgspec.Struct, frozen=True, kw_only=True):
    """A key without its secret. No organisation: the platform's; no status: the provider was not asked, or can't be."""

    id: str
    provider: str
    organisation_id: str | None
    label: str
    last_four: str
    source: str | None
    status: str | None
    status_time: datetime | None
    create_time: datetime | None


class ProviderKeysBody(msgspec.Struct, frozen=True):
    """A page of keys. No token: this is the last."""

    provider_keys: list[ProviderKeyBody]
    next_page_token: str | None


def key_request(body: Members, request_id: str = "") -> CreateProviderKeyRequest:
    """What the body asks for.

    Raises:
        InvalidField: a member is unknown or of the wrong type.
    """
    body.only(("provider", "label", "secret", "platform_wide"))
    return CreateProviderKeyRequest(
        provider_key=ProviderKey(provider=body.text("provider") or "", label=body.text("label") or ""),
        secret=body.secret("secret"),
        platform_wide=body.flag("platform_wide"),
        request_id=request_id,
    )


def provider_key_body(key: ProviderKey) -> ProviderKeyBody:
    """One as it is shown."""
    return ProviderKeyBody(
        id=key.id,
        provider=key.provider,
        organisation_id=key.organisation_id or None,
        label=key.label,
        last_four=key.last_four,
        source=KEY_SOURCES.of(key.source),
        status=KEY_STATUSES.of(key.status),
        status_time=instants.shown(key, "status_time"),
        create_time=instants.shown(key, "create_time"),
    )
