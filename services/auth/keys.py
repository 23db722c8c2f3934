"""Rules about API keys: how they look, what they may be used for, who may have and revoke them. Pure functions."""

import secrets
from collections.abc import Iterable
from datetime import datetime

from pantheon.auth.v1 import key_pb2
from pantheon.auth.v1.access_pb2 import Role, Scope
from services.auth.entities import ApiKey
from services.runtime import times
from services.runtime.auth import ALL_SCOPES, KEY_PREFIX, Principal
from services.runtime.errors import AccessDenied, InvalidField, ResourceNotFound

DEFAULT_SCOPES = (Scope.SCOPE_INFERENCE, Scope.SCOPE_USAGE_READ, Scope.SCOPE_SETTINGS)

_SECRET_BYTES = 32
_SHOWN_CHARACTERS = 8


def new_secret() -> str:
    """A secret of 256 random bits: "pan-" and 43 characters."""
    return KEY_PREFIX + secrets.token_urlsafe(_SECRET_BYTES)


def shown_prefix(secret: str) -> str:
    """What of the secret is kept, to recognise a key by; 24 random bits of 256."""
    return secret[:_SHOWN_CHARACTERS]


def scopes(field: str, asked: Iterable[Scope.ValueType]) -> tuple[Scope.ValueType, ...]:
    """The scopes asked for, each once, ascending; the usual ones where none was.

    Raises:
        InvalidField: there is no such scope.
    """
    found = sorted(set(asked)) or DEFAULT_SCOPES
    for scope in found:
        if scope not in ALL_SCOPES:
            allowed = ", ".join(f"{Scope.Name(known)} ({known})" for known in sorted(ALL_SCOPES))
            raise InvalidField(field, scope, f"any of {allowed}")
    return tuple(found)


def check_has(caller: Principal, wanted: Iterable[Scope.ValueType], method: str) -> None:
    """A key can't do what the credential that made it can't.

    Raises:
        AccessDenied: it would; names the first scope that is missing.
    """
    for scope in wanted:
        if scope not in caller.scopes:
            required = Scope.Name(scope)
            raise AccessDenied(f"{method} of a key with {required} needs that scope", method=method, required=required)


def expiry(field: str, asked: key_pb2.ApiKey, now: datetime) -> datetime | None:
    """When the key asked for is to stop working; None: never.

    Raises:
        InvalidField: it is past, or no instant of the calendar.
    """
    if not asked.HasField("expire_time"):
        return None
    allowed = f"an instant after {now.isoformat(timespec='seconds')} and before the year 10000"
    try:
        instant = times.from_timestamp(asked.expire_time)
    except OverflowError:
        raise InvalidField(field, f"{asked.expire_time.seconds} seconds", allowed) from None
    if instant <= now:
        raise InvalidField(field, instant.isoformat(), allowed)
    return instant


def check_may_revoke(caller: Principal, key: ApiKey) -> None:
    """One's own keys; for administrators of the organisation, each of its keys.

    Raises:
        ResourceNotFound: the caller may not even know that there is such a key.
    """
    own = str(key.user_id) == caller.user_id
    administered = str(key.organisation_id) == caller.organisation_id and caller.role >= Role.ROLE_ORGANISATION_ADMIN
    if not own and not administered:
        raise ResourceNotFound("api_key", str(key.id))
