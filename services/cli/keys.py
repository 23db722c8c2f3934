"""`pantheon keys`: API keys of the caller, or of the organisation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pantheon.auth.v1.access_pb2 import Scope
from pantheon.auth.v1.auth_service_pb2 import CreateApiKeyRequest, ListApiKeysRequest, RevokeApiKeyRequest
from pantheon.auth.v1.auth_service_pb2_grpc import AuthServiceStub
from pantheon.auth.v1.key_pb2 import ApiKey
from services.cli.calling import Caller
from services.cli.output import UNKNOWN, console, moment, print_json, table
from services.cli.times import parse_span
from services.edge.rest.names import Names
from services.runtime import times

_SCOPES = Names(Scope, "-")


@dataclass(frozen=True, slots=True)
class ListedKey:
    """An API key without its secret."""

    id: str
    name: str
    prefix: str
    user_id: str
    project_id: str
    scopes: tuple[str, ...]
    create_time: datetime
    expire_time: datetime | None
    revoke_time: datetime | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """An API key with its secret, which nobody will show again."""

    key: ListedKey
    secret: str


async def create(
    caller: Caller, name: str, scopes: Sequence[str], expires: str, user_id: str, project_id: str, *, as_json: bool
) -> None:
    """Makes a key and prints its secret, this once."""
    allowed = [_SCOPES.value(scope, "--scope") for scope in scopes]
    key = ApiKey(name=name, scopes=allowed, user_id=user_id, project_id=project_id)
    if lifetime := parse_span(expires, "--expires"):
        key.expire_time.CopyFrom(times.to_timestamp(times.now() + lifetime))
    async with caller:
        auth = AuthServiceStub(caller.channel)
        answer = await caller.call(auth.CreateApiKey, CreateApiKeyRequest(api_key=key))
    made = NewKey(_listed(answer.api_key), answer.secret)
    if as_json:
        print_json(made)
    else:
        console(stderr=True).print(f"key {made.key.name!r}, id {made.key.id}; the secret is shown this once:")
        console().print(made.secret, soft_wrap=True)


async def list_keys(caller: Caller, *, whole_organisation: bool, inactive: bool, as_json: bool) -> None:
    """Prints keys, newest first."""
    request = ListApiKeysRequest(whole_organisation=whole_organisation, include_inactive=inactive)
    async with caller:
        pages = caller.pages(AuthServiceStub(caller.channel).ListApiKeys, request)
        found = [_listed(key) async for page in pages for key in page.api_keys]
    if as_json:
        print_json(found)
        return
    made = table("id", "name", "key", "scopes", "user", "made", "ends")
    for key in found:
        made.add_row(
            key.id, key.name, key.prefix, ", ".join(key.scopes), key.user_id, moment(key.create_time), _end(key)
        )
    console().print(made)


async def revoke(caller: Caller, key_id: str, *, as_json: bool) -> None:
    """Revokes a key for good."""
    async with caller:
        auth = AuthServiceStub(caller.channel)
        answer = await caller.call(auth.RevokeApiKey, RevokeApiKeyRequest(key_id=key_id))
    key = _listed(answer.api_key)
    if as_json:
        print_json(key)
    else:
        console().print(f"key {key.name!r} ({key.id}) is {_end(key)}; routers refuse it within a second", markup=False)


def _listed(message: ApiKey) -> ListedKey:
    return ListedKey(
        id=message.id,
        name=message.name,
        prefix=message.prefix,
        user_id=message.user_id,
        project_id=message.project_id,
        scopes=tuple(_SCOPES.of(scope) or str(scope) for scope in message.scopes),
        create_time=times.from_timestamp(message.create_time),
        expire_time=times.from_timestamp(message.expire_time) if message.HasField("expire_time") else None,
        revoke_time=times.from_timestamp(message.revoke_time) if message.HasField("revoke_time") else None,
    )


def _end(key: ListedKey) -> str:
    if key.revoke_time is not None:
        return f"revoked {moment(key.revoke_time)}"
    return UNKNOWN if key.expire_time is None else moment(key.expire_time)
