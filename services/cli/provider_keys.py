"""`pantheon keys provider`: keys for providers, of the caller's organisation or of the platform."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from pantheon.catalog.v1.catalog_service_pb2 import (
    CheckProviderKeyRequest,
    CreateProviderKeyRequest,
    DeleteProviderKeyRequest,
    ListProviderKeysRequest,
)
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from pantheon.catalog.v1.provider_key_pb2 import ProviderKey, ProviderKeyStatus
from services.cli.calling import Caller
from services.cli.documents import STDIN, SecretSource
from services.cli.output import UNKNOWN, console, moment, print_json, table
from services.cli.running import WRONG_INPUT, CommandFailed
from services.edge.rest.provider_key_bodies import ProviderKeyBody, provider_key_body

_UNASKED = "unknown"


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
    _print([provider_key_body(answer.provider_key)], as_json=as_json, single=True)


async def list_keys(caller: Caller, provider: str, *, as_json: bool) -> None:
    """Prints keys in the order in which routers begin with them."""
    async with caller:
        catalog = CatalogServiceStub(caller.channel)
        pages = caller.pages(catalog.ListProviderKeys, ListProviderKeysRequest(provider=provider))
        found = [provider_key_body(key) async for page in pages for key in page.provider_keys]
    _print(found, as_json=as_json)


async def check(caller: Caller, key_id: str, *, as_json: bool) -> int:
    """Asks the provider again; 1 where it refuses the key."""
    async with caller:
        catalog = CatalogServiceStub(caller.channel)
        answer = await caller.call(catalog.CheckProviderKey, CheckProviderKeyRequest(id=key_id))
    _print([provider_key_body(answer.provider_key)], as_json=as_json, single=True)
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


def _print(keys: Iterable[ProviderKeyBody], *, as_json: bool, single: bool = False) -> None:
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
            key.label,
            key.last_four or UNKNOWN,
            key.source or UNKNOWN,
            (key.status or _UNASKED).replace("_", "-"),
            moment(key.status_time) if key.status_time else UNKNOWN,
        )
    console().print(made)
