"""A replica of the catalog in this process, and what calls it. Users need no auth service."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grpc.aio import Channel

from pantheon.auth.v1.access_pb2 import ROLE_MEMBER
from pantheon.catalog.v1 import catalog_service_pb2_grpc
from pantheon.events.v1 import change_feed_service_pb2_grpc
from pantheon.events.v1.change_feed_service_pb2 import GetSnapshotRequest, ListChangesRequest
from pantheon.events.v1.change_pb2 import Change
from services.catalog.providers import Circumstances
from services.catalog.servicer import CatalogServicer
from services.catalog.snapshot import snapshot
from services.runtime.auth import ALL_SCOPES, Principal
from services.runtime.client import connect
from services.runtime.db import Database
from services.runtime.errors import CredentialsInvalid
from services.runtime.identity import ServiceIdentity, ServiceTrust
from services.runtime.ids import uuid7
from services.runtime.outbox import ChangeFeedServicer, Outbox, current_revision
from services.runtime.server import GrpcServer

PEPPER = b"p" * 32
ENVIRONMENT = {"OPENAI_API_KEY": "sk-openai-0123456789abcdef"}

Metadata = tuple[tuple[str, str], ...]
StartCatalog = Callable[..., Awaitable["Catalog"]]


class Users:
    """An Authenticator: a credential is the id of the user it belongs to."""

    async def authenticate(self, credential: str) -> Principal:
        if not credential.startswith("0"):
            raise CredentialsInvalid
        nobody = str(uuid7())
        return Principal(credential, nobody, nobody, "", ROLE_MEMBER, ALL_SCOPES)


def as_user(user_id: str = "") -> Metadata:
    """The metadata of a call by this user; by a new one if none is given."""
    return (("authorization", f"Bearer {user_id or uuid7()}"),)


def changed(change: Change) -> str:
    """What a change is about: "model_changed openai/gpt-4"."""
    subjects = {
        "provider_changed": change.provider_changed.provider.name,
        "model_changed": change.model_changed.model.id,
        "model_removed": change.model_removed.model_id,
        "settings_changed": change.settings_changed.settings.user_id,
    }
    event = str(change.WhichOneof("event"))
    return f"{event} {subjects[event]}"


@dataclass(frozen=True, slots=True)
class Catalog:
    """One replica. `found` is what it read from its environment."""

    db: Database
    found: Mapping[str, Circumstances]
    # Without an identity, and signed as a router.
    channel: Channel
    router: Channel

    @property
    def stub(self) -> Any:
        return catalog_service_pb2_grpc.CatalogServiceStub(self.channel)

    @property
    def internal(self) -> Any:
        return catalog_service_pb2_grpc.CatalogServiceStub(self.router)

    @property
    def feed(self) -> Any:
        return change_feed_service_pb2_grpc.ChangeFeedServiceStub(self.router)

    async def revision(self) -> int:
        async with self.db.read() as connection:
            return await current_revision(connection)

    async def changes_after(self, revision: int) -> list[Change]:
        """What was announced since."""
        answer = await self.feed.ListChanges(ListChangesRequest(after_revision=revision))
        return list(answer.changes)

    async def state(self) -> dict[str, Change]:
        """The snapshot by what its changes are about."""
        parts = self.feed.GetSnapshot(GetSnapshotRequest())
        return {changed(change): change async for part in parts for change in part.changes}


async def serve(stack: AsyncExitStack, outbox: Outbox, found: Mapping[str, Circumstances], keys: Path) -> Catalog:
    """Serves a catalog until the stack is closed; `keys` holds the identities of "catalog" and "router"."""
    server = GrpcServer("127.0.0.1:0", Users(), ServiceTrust.load(keys))
    server.add(
        catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server,
        CatalogServicer(outbox, found),
        "pantheon.catalog.v1.CatalogService",
    )
    server.add(
        change_feed_service_pb2_grpc.add_ChangeFeedServiceServicer_to_server,
        ChangeFeedServicer(outbox.db, snapshot),
        "pantheon.events.v1.ChangeFeedService",
    )
    await server.start()
    stack.push_async_callback(server.stop, 0)
    target = f"127.0.0.1:{server.port}"
    channel, router = connect(target), connect(target, ServiceIdentity.load(keys, "router"))
    stack.push_async_callback(channel.close)
    stack.push_async_callback(router.close)
    return Catalog(outbox.db, found, channel, router)
