"""`pantheon models sync`, `syncs` and `revert`: the catalog against what providers list."""

from collections import Counter
from collections.abc import Sequence
from types import MappingProxyType

from rich.table import Table

from pantheon.catalog.v1.catalog_service_pb2 import (
    ListSyncsRequest,
    RevertSyncRequest,
    SyncModelsRequest,
)
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from services.cli.asking import confirm
from services.cli.calling import Caller
from services.cli.output import UNKNOWN, console, count, moment, print_json, table
from services.edge.rest.sync_bodies import OutcomeBody, SyncBody, outcome_body, sync_body

# Providers are asked meanwhile.
_SYNC_SECONDS = 120.0
_NAMES = MappingProxyType({"providers": "PROVIDER"})
_KINDS = ("added", "changed", "removed")


async def sync(
    caller: Caller, providers: Sequence[str], *, apply: bool, remove_missing: bool, yes: bool, as_json: bool
) -> int:
    """Prints how the catalog differs from providers' lists and, if asked to, makes it the same; 1: no list was usable.

    What is applied is exactly what was shown: where lists have changed since, nothing is. Raises CommandFailed.
    """
    request = SyncModelsRequest(providers=providers, dry_run=True, remove_missing=remove_missing)
    async with caller:
        outcome = await _ask(caller, request)
        if not as_json:
            print_outcome(outcome)
        if apply and outcome.differences:
            await confirm(f"Apply this: {_sums(outcome)}?", yes=yes)
            request.dry_run, request.expected_digest = False, outcome.digest
            outcome = await _ask(caller, request)
    if as_json:
        print_json(outcome)
    elif outcome.sync is not None:
        console().print(f"applied as {outcome.sync.id}; `pantheon models revert {outcome.sync.id}` takes it back")
    return 1 if outcome.listings and all(listing.fault for listing in outcome.listings) else 0


async def list_syncs(caller: Caller, *, as_json: bool) -> None:
    """Prints what syncs have changed, newest first."""
    async with caller:
        pages = caller.pages(CatalogServiceStub(caller.channel).ListSyncs, ListSyncsRequest())
        found = [sync_body(one) async for page in pages for one in page.syncs]
    if as_json:
        print_json(found)
        return
    made = table("id", "applied", "providers", *_KINDS, "undone", "by", right=_KINDS)
    for one in found:
        figures = map(count, (one.added, one.changed, one.removed))
        made.add_row(one.id, _moment(one), ", ".join(one.providers), *figures, _end(one), one.user_id)
    console().print(made)


async def revert(caller: Caller, sync_id: str, *, as_json: bool) -> None:
    """Undoes the latest sync that stands."""
    async with caller:
        catalog = CatalogServiceStub(caller.channel)
        answer = await caller.call(catalog.RevertSync, RevertSyncRequest(sync_id=sync_id), _SYNC_SECONDS)
    undone = sync_body(answer.sync)
    if as_json:
        print_json(undone)
    else:
        console().print(f"sync {undone.id} is undone: models are what they were before it")


def print_outcome(outcome: OutcomeBody) -> None:
    """What became of each list, and each difference."""
    screen = console()
    listings = table("provider", "models", "fault", right=("models",))
    for listing in outcome.listings:
        listings.add_row(listing.provider, count(listing.models), listing.fault or "")
    screen.print(listings)
    if outcome.differences:
        screen.print(differences_table(outcome))
    screen.print(_sums(outcome))


def differences_table(outcome: OutcomeBody) -> Table:
    """A line a value that differs."""
    made = table("model", "", "what", "in the catalog", "in the list")
    for difference in outcome.differences:
        rows = [(entry.field, entry.before or UNKNOWN, entry.after or UNKNOWN) for entry in difference.fields]
        for place, row in enumerate(rows or [("", "", "")]):
            begin = (difference.model_id, difference.kind or UNKNOWN) if place == 0 else ("", "")
            made.add_row(*begin, *row)
    return made


async def _ask(caller: Caller, request: SyncModelsRequest) -> OutcomeBody:
    who = ", ".join(request.providers) or "all providers that are set up"
    catalog = CatalogServiceStub(caller.channel)
    with console(stderr=True).status(f"asking {who}"):
        return outcome_body(await caller.call(catalog.SyncModels, request, _SYNC_SECONDS, _NAMES))


def _sums(outcome: OutcomeBody) -> str:
    if not outcome.differences:
        return "no difference"
    kinds = Counter(difference.kind for difference in outcome.differences)
    return ", ".join(f"{count(kinds[kind])} {kind}" for kind in _KINDS if kinds[kind])


def _moment(sync: SyncBody) -> str:
    return moment(sync.create_time) if sync.create_time else UNKNOWN


def _end(sync: SyncBody) -> str:
    return moment(sync.revert_time) if sync.revert_time else ""
