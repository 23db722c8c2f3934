"""Syncs, and what they change, as messages of pantheon.catalog.v1."""

from pantheon.catalog.v1 import sync_pb2
from services.catalog.listings.listed import Listing
from services.catalog.store.syncs import Sync
from services.catalog.sync.differences import ModelDifference
from services.runtime.times import to_timestamp


def sync_message(sync: Sync) -> sync_pb2.CatalogSync:
    """A sync as it was applied."""
    return sync_pb2.CatalogSync(
        id=sync.id,
        create_time=to_timestamp(sync.created),
        user_id=sync.user_id,
        providers=sync.providers,
        added=sync.added,
        changed=sync.changed,
        removed=sync.removed,
        revert_time=to_timestamp(sync.reverted) if sync.reverted else None,
    )


def listing_message(listing: Listing) -> sync_pb2.ProviderListing:
    """What became of a provider's list."""
    return sync_pb2.ProviderListing(provider=listing.provider.name, models=len(listing.models), fault=listing.fault)


def difference_message(difference: ModelDifference) -> sync_pb2.ModelDifference:
    """How a model differs."""
    fields = (
        sync_pb2.FieldDifference(field=entry.field, before=entry.before, after=entry.after)
        for entry in difference.fields
    )
    return sync_pb2.ModelDifference(
        model_id=difference.model_id, kind=sync_pb2.DifferenceKind.ValueType(difference.kind), fields=fields
    )
