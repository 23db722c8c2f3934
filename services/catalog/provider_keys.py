"""Keys for providers, without their secrets: where they come from, and who may know of them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid5

from pantheon.auth.v1.access_pb2 import Role
from pantheon.catalog.v1.provider_key_pb2 import ProviderKeyStatus
from pantheon.catalog.v1.provider_pb2 import AUTH_STYLE_NONE
from services.catalog.entities import Provider
from services.catalog.providers import Circumstances
from services.runtime.auth import Principal
from services.runtime.errors import AccessDenied, InvalidField
from services.runtime.secret_keys import fingerprint, last_four

_ENVIRONMENT = UUID("7d1f5ad1-4ccb-5b6f-9a2d-6a2e0c1b7e43")
"""The namespace of the ids of keys from the environment."""
_LABEL_LENGTH = 100
_MOST_KEYS = 32
"""Of one provider and organisation: routers are given all there are in one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderKey:
    """A key as people see it. Without an organisation it is the platform's, without a time from the environment."""

    id: str
    provider: str
    organisation_id: str = ""
    label: str = ""
    last_four: str = ""
    create_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """What a provider said of a key, and when."""

    status: ProviderKeyStatus.ValueType
    time: datetime


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A key in its envelope."""

    key: ProviderKey
    sealed: bytes = field(repr=False)

    @property
    def label(self) -> str:
        """What it is sealed under."""
        return envelope_label(self.key.id)


@dataclass(frozen=True, slots=True)
class OpenKey:
    """A key that can be used."""

    key: ProviderKey
    secret: str = field(repr=False)


def envelope_label(key_id: str) -> str:
    """What a key's envelope says it is."""
    return f"provider_key:{key_id}"


def environment_keys(found: Mapping[str, Circumstances], pepper: bytes) -> list[OpenKey]:
    """The keys in the environment, by provider, in the order in which they are given there."""
    return [
        OpenKey(
            ProviderKey(
                id=environment_key_id(name, key.secret, pepper),
                provider=name,
                label="" if key.label == last_four(key.secret) else key.label,
                last_four=last_four(key.secret),
            ),
            key.secret,
        )
        for name, said in sorted(found.items())
        for key in said.keys
    ]


def environment_key_id(provider: str, secret: str, pepper: bytes) -> str:
    """The same as long as the key is, on every replica; without the pepper it tells nothing of the key."""
    return str(uuid5(_ENVIRONMENT, f"{provider}:{fingerprint(pepper, secret).hex()}"))


def is_visible(key: ProviderKey, caller: Principal) -> bool:
    """Whether the caller, an administrator, may know of it: of the organisation's own, or of the platform's."""
    if key.organisation_id:
        return key.organisation_id == caller.organisation_id
    return sees_platform(caller)


def sees_platform(caller: Principal) -> bool:
    """Whether the platform's keys are the caller's business."""
    return caller.role >= Role.ROLE_PLATFORM_ADMIN


def check_platform(caller: Principal, method: str) -> None:
    """Lets those pass who may set keys for everybody.

    Raises:
        AccessDenied: the caller may not.
    """
    if not sees_platform(caller):
        required = Role.Name(Role.ROLE_PLATFORM_ADMIN)
        raise AccessDenied(f"A platform-wide key needs {required}", method=method, required=required)


def check_takes_keys(provider: Provider) -> None:
    """Lets providers pass that are sent keys.

    Raises:
        InvalidField: a key for this one would never be used.
    """
    if provider.auth_style == AUTH_STYLE_NONE:
        raise InvalidField("provider_key.provider", provider.name, "a provider that is sent a key; this one is not")


def check_room(provider: Provider, held: int) -> None:
    """Lets another key be set for a provider beside so many.

    Raises:
        InvalidField: these are as many as may be.
    """
    if held >= _MOST_KEYS:
        allowed = f"a provider that fewer than {_MOST_KEYS} keys are set for; remove one first"
        raise InvalidField("provider_key.provider", provider.name, allowed)


def label(value: str) -> str:
    """What people call a key.

    Raises:
        InvalidField: it is too long, or can't be shown.
    """
    text = value.strip()
    if len(text) > _LABEL_LENGTH or not text.isprintable():
        raise InvalidField("provider_key.label", value, f"at most {_LABEL_LENGTH} printable characters")
    return text
