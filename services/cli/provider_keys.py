"""`pantheon keys provider`: keys for providers, of the caller's organisation or of the platform."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from rich.text import Text

from pantheon.catalog.v1.catalog_service_pb2 import (
    CheckProviderKeyRequest,
    CreateProviderKeyRequest,
    DeleteProviderKeyRequest,
    ListProviderKeysRequest,
)
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from pantheon.catalog.v1.provider_key_pb2 import ProviderKey, ProviderKeySource, ProviderKeyStatus
from services.cli.calling import Caller
from services.cli.documents import STDIN, SecretSource
from services.cli.output import UNKNOWN, console, moment, print_json, table
from services.cli.running import WRONG_INPUT, CommandFailed
from services.runtime import times

_UNASKED = "unknown"


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key without its secret. `organisation_id` None: the platform's; times None: never, or from the environment."""

    id: str
    provider: str
    organisation_id: str | None
    label: str
    last_four: str
    source: str
    status: str
    status_time: datetime | None
    create_time: datetime | None


@dataclass(frozen=True, slots=True)
class RemovedKey:
    """What is no more."""

    id: str


async def add(caller: Caller, provider: str, secret: str, label: str, *, platform_wide: bool, as_json: bool) -> None:
    """Sets a key, once the provider has said that it takes it."""
    request = CreateProviderKeyRequest(
        provider_key=ProviderKey(provider=provider, label=label), secret=secret, platform_wide=platform_wide
    )
    async with caller:
        catalog = CatalogServiceStub(caller.channel)
        answer = await caller.call(catalog.CreateProviderKey, request)
    _print([_listed(answer.provider_key)], as_json=as_json, single=True)


async def list_keys(caller: Caller, provider: str, *, as_json: bool) -> None:
    """Prints keys in the order in which routers begin with them."""
    async with caller:
        catalog = CatalogServiceStub(caller.channel)
        pages = caller.pages(catalog.ListProviderKeys, ListProviderKeysRequest(provider=provider))
        found = [_listed(key) async for page in pages for key in page.provider_keys]
    _print(found, as_json=as_json)


async def check(caller: Caller, key_id: str, *, as_json: bool) -> int:
    """Asks the provider again; 1 where it refuses the key."""
    async with caller:
        catalog = CatalogServiceStub(caller.channel)
        answer = await caller.call(catalog.CheckProviderKey, CheckProviderKeyRequest(id=key_id))
    _print([_listed(answer.provider_key)], as_json=as_json, single=True)
    return int(answer.provider_key.status == ProviderKeyStatus.PROVIDER_KEY_STATUS_INVALID)


async def remove(caller: Caller, key_id: str, *, as_json: bool) -> None:
    """Removes a key for good."""
    async with caller:
        catalog = CatalogServiceStub(caller.channel)
        await caller.call(catalog.DeleteProviderKey, DeleteProviderKeyRequest(id=key_id))
    if as_json:
        print_json(RemovedKey(key_id))
    else:
        console().print(f"key {key_id} is gone; routers use it no longer within a second")


def read_secret(source: str) -> str:
    """What is typed unseen, or the first line of standard input where `source` is "-".

    Raises CommandFailed: there is none, or it was typed where the shell's history and others can see it.
    """
    if source not in ("", STDIN):
        raise CommandFailed(
            "a secret is no argument: leave it out to be asked for it, or pipe it in with -", WRONG_INPUT
        )
    if not source and not sys.stdin.isatty():
        raise CommandFailed("there is no terminal to type the secret at: pipe it in with -", WRONG_INPUT)
    return SecretSource(called="secret", prompt=not source, stdin=bool(source)).read() or ""


def _print(keys: Iterable[ListedKey], *, as_json: bool, single: bool = False) -> None:
    listed = list(keys)
    if as_json:
        print_json(listed[0] if single else listed)
        return
    made = table("id", "provider", "for", "label", "ends in", "from", "status", "as of")
    for key in listed:
        made.add_row(
            key.id,
            key.provider,
            key.organisation_id or "everybody",
            Text(key.label),
            Text(key.last_four or UNKNOWN),
            key.source,
            key.status,
            moment(key.status_time) if key.status_time else UNKNOWN,
        )
    console().print(made)


def _listed(message: ProviderKey) -> ListedKey:
    return ListedKey(
        id=message.id,
        provider=message.provider,
        organisation_id=message.organisation_id or None,
        label=message.label,
        last_four=message.last_four,
        source=_word(ProviderKeySource.Name(message.source), "PROVIDER_KEY_SOURCE_"),
        status=_word(ProviderKeyStatus.Name(message.status), "PROVIDER_KEY_STATUS_"),
        status_time=times.from_timestamp(message.status_time) if message.HasField("status_time") else None,
        create_time=times.from_timestamp(message.create_time) if message.HasField("create_time") else None,
    )


def _word(name: str, prefix: str) -> str:
    """As people say it: "rate-limited" for PROVIDER_KEY_STATUS_RATE_LIMITED."""
    word = name.removeprefix(prefix).lower().replace("_", "-")
    return _UNASKED if word == "unspecified" else word
