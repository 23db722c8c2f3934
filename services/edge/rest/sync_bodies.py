"""Syncs as JSON: the difference between the catalog and what providers list, and what was applied of it. Pure."""

from datetime import datetime

import msgspec

from pantheon.catalog.v1.catalog_service_pb2 import SyncModelsResponse
from pantheon.catalog.v1.sync_pb2 import CatalogSync, ModelDifference
from services.edge.rest import instants
from services.edge.rest.names import DIFFERENCES


class SyncBody(msgspec.Struct, frozen=True, kw_only=True):
    """A sync that was applied. `revert_time` is null as long as it stands."""

    id: str
    create_time: datetime | None
    user_id: str
    providers: list[str]
    added: int
    changed: int
    removed: int
    revert_time: datetime | None


class ListingBody(msgspec.Struct, frozen=True):
    """What became of a provider's list; `fault` says why nothing was taken from it."""

    provider: str
    models: int
    fault: str | None


class FieldDifferenceBody(msgspec.Struct, frozen=True):
    """One value that differs; empty: unknown, or not there."""

    field: str
    before: str
    after: str


class DifferenceBody(msgspec.Struct, frozen=True):
    """How a model differs: added, changed or removed."""

    model_id: str
    kind: str | None
    fields: list[FieldDifferenceBody]


class OutcomeBody(msgspec.Struct, frozen=True):
    """The difference; `sync` is null where it was not applied."""

    listings: list[ListingBody]
    differences: list[DifferenceBody]
    digest: str
    sync: SyncBody | None


def outcome_body(response: SyncModelsResponse) -> OutcomeBody:
    """The difference as it is shown."""
    return OutcomeBody(
        [ListingBody(listing.provider, listing.models, listing.fault or None) for listing in response.listings],
        [_difference(difference) for difference in response.differences],
        response.digest,
        sync_body(response.sync) if response.HasField("sync") else None,
    )


def sync_body(sync: CatalogSync) -> SyncBody:
    """What was applied as it is shown."""
    return SyncBody(
        id=sync.id,
        create_time=instants.shown(sync, "create_time"),
        user_id=sync.user_id,
        providers=list(sync.providers),
        added=sync.added,
        changed=sync.changed,
        removed=sync.removed,
        revert_time=instants.shown(sync, "revert_time"),
    )


def _difference(difference: ModelDifference) -> DifferenceBody:
    fields = [FieldDifferenceBody(entry.field, entry.before, entry.after) for entry in difference.fields]
    return DifferenceBody(difference.model_id, DIFFERENCES.of(difference.kind), fields)
