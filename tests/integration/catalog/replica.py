"""A replica of the catalog in this process, and what calls it. Users need no auth service."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grpc.aio import Channel

from pantheon.auth.v1.access_pb2 import ROLE_MEMBER, Role
from pantheon.catalog.v1 import catalog_service_pb2_grpc
from pantheon.events.v1 import change_feed_service_pb2_grpc
from pantheon.events.v1.change_feed_service_pb2 import GetSnapshotRequest, ListChangesRequest
from pantheon.events.v1.change_pb2 import Change
from services.catalog.provider_keys import OpenKey
from services.catalog.provider_requests import provider_client
from services.catalog.resources import SEALING_PURPOSE, Resources
from services.catalog.rotation import check_master_keys
from services.catalog.seed_changes import Seed
from services.catalog.seeding import Surroundings, prepare
from services.catalog.servicer import CatalogServicer
from services.catalog.snapshot import snapshot
from services.catalog.tables import SCHEMA
from services.runtime.auth import ALL_SCOPES, Principal
from services.runtime.bus import Bus
from services.runtime.client import connect
from services.runtime.db import Database
from services.runtime.egress import EgressPolicy
from services.runtime.egress.transport import Lookup, system_lookup
from services.runtime.errors import CredentialsInvalid
from services.runtime.identity import ServiceIdentity, ServiceTrust
from services.runtime.ids import uuid7
from services.runtime.outbox import ChangeFeedServicer, Outbox, OutboxRelay, current_revision
from services.runtime.sealing import Sealer
from services.runtime.server import GrpcServer
from services.runtime.tasks import Tasks
from tests.unit.catalog.samples import SEED

PEPPER = b"p" * 32
LOCAL = {"LOCAL_BASE_URL": "http://127.0.0.1:11434/v1"}
ENVIRONMENT = {"OPENAI_API_KEY": "sk-openai-0123456789abcdef", **LOCAL}

Metadata = tuple[tuple[str, str], ...]
StartCatalog = Callable[..., Awaitable["Catalog"]]


class Users:
    """An Authenticator: a credential is the id of the user it belongs to, or what `as_user` makes of one."""

    async def authenticate(self, credential: str) -> Principal:
        if not credential.startswith("0"):
            raise CredentialsInvalid
        nobody = str(uuid7())
        user_id, organisation, project, role = (*credential.split("/"), "", "", "")[:4]
        return Principal(user_id, organisation or nobody, project or nobody, "", int(role or ROLE_MEMBER), ALL_SCOPES)


def as_user(
    user_id: str = "", *, organisation: str = "", project: str = "", role: Role.ValueType = ROLE_MEMBER
) -> Metadata:
    """The metadata of a call by this user; by a new one if none is given, of an organisation and project of its own."""
    return (("authorization", f"Bearer {user_id or uuid7()}/{organisation}/{project}/{role}"),)


def changed(change: Change) -> str:
    """What a change is about: "model_changed openai/gpt-4"."""
    subjects = {
        "provider_changed": change.provider_changed.provider.name,
        "model_changed": change.model_changed.model.id,
        "model_removed": change.model_removed.model_id,
        "settings_changed": change.settings_changed.settings.user_id,
        "price_override_added": change.price_override_added.price_override.id,
        "custom_model_changed": change.custom_model_changed.custom_model.id,
        "custom_model_removed": change.custom_model_removed.custom_model_id,
        "use_cases_changed": change.use_cases_changed.organisation_id or "platform",
        "provider_keys_changed": " ".join(
            filter(None, (change.provider_keys_changed.provider, change.provider_keys_changed.organisation_id))
        ),
    }
    event = str(change.WhichOneof("event"))
    return f"{event} {subjects[event]}"


@dataclass(frozen=True, slots=True)
class Catalog:
    """One replica, and where it is. `environment_keys` is what it read from its environment."""

    db: Database
    environment_keys: Sequence[OpenKey]
    address: str
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


async def started(
    stack: AsyncExitStack,
    dsn: str,
    keys: Path,
    seed: Seed = SEED,
    *,
    environment: Mapping[str, str] = ENVIRONMENT,
    sandbox_url: str = "",
    bus: Bus | None = None,
    egress_allow: str = "",
    lookup: Lookup = system_lookup,
    master_keys: Sequence[bytes] = (bytes(32),),
) -> Catalog:
    """A replica on a migrated database, which serves until the stack is closed; without `bus` it publishes nothing.

    `keys` holds the identities of "catalog" and "router".
    """
    db = Database(dsn, schema=SCHEMA)
    stack.push_async_callback(db.close)
    sealer = Sealer(master_keys, SEALING_PURPOSE)
    await check_master_keys(db, sealer)
    outbox = Outbox(db, "catalog")
    keys_there = await prepare(outbox, seed, Surroundings(environment, sandbox_url, PEPPER))
    if bus is not None:
        tasks = Tasks()
        tasks.start("outbox", OutboxRelay(outbox, bus).run())
        stack.push_async_callback(tasks.close)
    http = provider_client()
    stack.push_async_callback(http.aclose)
    resources = Resources(outbox, keys_there, PEPPER, sealer, EgressPolicy.parse(egress_allow), http, lookup)
    server = GrpcServer("127.0.0.1:0", Users(), ServiceTrust.load(keys, "catalog"))
    server.add(
        catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server,
        CatalogServicer(resources),
        "pantheon.catalog.v1.CatalogService",
    )
    server.add(
        change_feed_service_pb2_grpc.add_ChangeFeedServiceServicer_to_server,
        ChangeFeedServicer(db, snapshot),
        "pantheon.events.v1.ChangeFeedService",
    )
    await server.start()
    stack.push_async_callback(server.stop, 0)
    target = f"127.0.0.1:{server.port}"
    channel, router = connect(target), connect(target, ServiceIdentity.load(keys, "router"), "catalog")
    stack.push_async_callback(channel.close)
    stack.push_async_callback(router.close)
    return Catalog(db, keys_there, target, channel, router)
