"""Syncs of the catalog with what providers list."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from pantheon.catalog.v1.catalog_service_pb2 import (
    ListSyncsRequest,
    ListSyncsResponse,
    RevertSyncRequest,
    RevertSyncResponse,
    SyncModelsRequest,
    SyncModelsResponse,
)
from services.catalog import messages
from services.catalog.entities import Provider
from services.catalog.fields import PAGE_DEFAULT, PAGE_MOST
from services.catalog.listings.fetching import fetch_all
from services.catalog.listings.formats import LIST_FORMATS
from services.catalog.listings.listed import Listing
from services.catalog.resources import Resources
from services.catalog.store import model_writing, models, provider_keys, providers, syncs
from services.catalog.store.syncs import Sync
from services.catalog.sync.comparison import compare
from services.catalog.sync.differences import Kind, differences, kind_of
from services.catalog.sync.plan import CatalogState, SyncPlan
from services.catalog.sync.reverting import reverting
from services.catalog.sync.versions import new_versions
from services.catalog.sync_messages import difference_message, listing_message, sync_message
from services.runtime import times
from services.runtime.auth import current_principal
from services.runtime.db import ReadConnection, WriteConnection
from services.runtime.errors import Conflict, InvalidField, InvalidPageToken, ResourceNotFound
from services.runtime.ids import is_id, uuid7
from services.runtime.logging import get_logger
from services.runtime.paging import cut, decode_token, page_size
from services.runtime.rpc import RpcContext


class SyncRpcs:
    """The catalog against the lists of those it is about."""

    resources: Resources

    async def SyncModels(self, request: SyncModelsRequest, context: RpcContext) -> SyncModelsResponse:
        async with self.resources.db.read() as connection:
            known, secrets = await providers.page(connection), await self._secrets(connection)
        asked = _asked(known, request.providers)
        listings = await fetch_all(self.resources.http, asked, secrets)
        if request.dry_run:
            async with self.resources.db.snapshot() as connection:
                return (await _compared(connection, known, listings, request))[0]
        async with self.resources.db.write() as connection:
            await model_writing.lock(connection)
            response, plan, state = await _compared(connection, known, listings, request)
            if request.expected_digest and request.expected_digest != response.digest:
                raise Conflict(
                    "The difference is no longer the one that was shown",
                    expected_digest=request.expected_digest[:200],
                    digest=response.digest,
                )
            if plan.changes:
                sync = await self._apply(connection, plan, state, asked)
                response.sync.CopyFrom(sync_message(sync))
        return response

    async def ListSyncs(self, request: ListSyncsRequest, context: RpcContext) -> ListSyncsResponse:
        size = page_size(request.page_size, PAGE_DEFAULT, PAGE_MOST)
        (before,) = decode_token(request.page_token, "ListSyncs", 1) or ("",)
        if before and not is_id(before):
            raise InvalidPageToken
        async with self.resources.db.read() as connection:
            rows = await syncs.newest_first(connection, before=before, limit=size + 1)
        shown, following = cut(rows, size, "ListSyncs", lambda row: (row.id,))
        return ListSyncsResponse(syncs=map(sync_message, shown), next_page_token=following)

    async def RevertSync(self, request: RevertSyncRequest, context: RpcContext) -> RevertSyncResponse:
        if not is_id(request.sync_id):
            raise ResourceNotFound("sync", request.sync_id)
        async with self.resources.db.write() as connection:
            await model_writing.lock(connection)
            sync = await syncs.get(connection, request.sync_id)
            if sync is None:
                raise ResourceNotFound("sync", request.sync_id)
            (latest,) = await syncs.newest_first(connection, limit=1, standing=True) or (None,)
            if latest is None or latest.id != sync.id:
                raise Conflict(
                    f"Sync {sync.id} is not the latest that stands", sync_id=sync.id, latest=latest.id if latest else ""
                )
            now, state = times.now(), await syncs.state(connection)
            plan = reverting(await syncs.models_before(connection, sync.id), state, sync.created, now)
            await self._carry_out(connection, plan, state, now)
            await syncs.note_reverted(connection, sync.id, now)
        get_logger().info("catalog.sync_reverted", sync_id=sync.id, models=len(plan.changes))
        return RevertSyncResponse(sync=sync_message(replace(sync, reverted=now)))

    async def _apply(
        self, connection: WriteConnection, plan: SyncPlan, state: CatalogState, asked: Sequence[Provider]
    ) -> Sync:
        now = times.now()
        kinds = Counter(map(kind_of, plan.changes))
        sync = Sync(
            id=str(uuid7()),
            user_id=current_principal().user_id,
            providers=tuple(provider.name for provider in asked),
            added=kinds[Kind.ADDED],
            changed=kinds[Kind.CHANGED],
            removed=kinds[Kind.REMOVED],
            created=now,
        )
        await self._carry_out(connection, plan, state, now)
        await syncs.keep(connection, sync, plan)
        get_logger().info(
            "catalog.sync_applied",
            sync_id=sync.id,
            providers=sync.providers,
            added=sync.added,
            changed=sync.changed,
            removed=sync.removed,
        )
        return sync

    async def _carry_out(self, connection: WriteConnection, plan: SyncPlan, state: CatalogState, now: datetime) -> None:
        """Changes the models, and announces each."""
        touched = await syncs.apply(connection, plan, new_versions(plan, state, now), now)
        present = {model.id: model for model in await models.by_id(connection, touched)}
        for model_id in sorted(touched):
            model = present.get(model_id)
            event = messages.model_changed(model) if model else messages.model_removed(model_id)
            await self.resources.outbox.add(connection, event)

    async def _secrets(self, connection: ReadConnection) -> dict[str, str]:
        """One of the platform's keys by provider: the first from the environment, else the oldest that was set."""
        secrets = {entry.key.provider: entry.secret for entry in reversed(self.resources.environment_keys)}
        for sealed in await provider_keys.everything(connection):
            if sealed.key.organisation_id or sealed.key.provider in secrets:
                continue
            if secret := self.resources.opened(sealed.sealed, sealed.label):
                secrets[sealed.key.provider] = secret
        return secrets


def _asked(known: Sequence[Provider], names: Sequence[str]) -> list[Provider]:
    """The providers to ask, by name.

    Raises:
        InvalidField: a name is no provider's, or one's that lists no models.
    """
    listing = {
        provider.name: provider for provider in known if provider.models_url and provider.wire_format in LIST_FORMATS
    }
    if not names:
        return [provider for provider in listing.values() if provider.configured]
    for name in names:
        if name not in listing:
            raise InvalidField("providers", name, f"a provider that lists its models: {', '.join(listing)}")
    return [listing[name] for name in sorted(set(names))]


async def _compared(
    connection: ReadConnection, known: Sequence[Provider], listings: Sequence[Listing], request: SyncModelsRequest
) -> tuple[SyncModelsResponse, SyncPlan, CatalogState]:
    """What the lists would change in the catalog as it is now."""
    state, now = await syncs.state(connection), times.now()
    aggregators = frozenset(provider.name for provider in known if provider.flags.aggregates_vendors)
    judged, plan = compare(state, listings, aggregators, now, remove_missing=request.remove_missing)
    response = SyncModelsResponse(
        listings=map(listing_message, judged),
        differences=map(difference_message, differences(plan, now)),
        digest=plan.digest,
    )
    return response, plan, state
