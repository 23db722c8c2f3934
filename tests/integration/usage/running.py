"""The parts of the usage service on real servers, and what tests ask of them."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import grpc
from nats.errors import Error as NatsError
from nats.js.api import ConsumerInfo
from nats.js.errors import NotFoundError

from pantheon.auth.v1.access_pb2 import ROLE_PLATFORM_ADMIN, Role
from pantheon.events.v1.completion_pb2 import CompletionEvent
from pantheon.usage.v1 import usage_service_pb2_grpc
from services.runtime.auth import ALL_SCOPES, Principal
from services.runtime.bus import COMPLETIONS, Bus
from services.runtime.client import connect
from services.runtime.db import Database, driver
from services.runtime.errors import CredentialsInvalid
from services.runtime.identity import ServiceIdentity, ServiceTrust
from services.runtime.ids import uuid7
from services.runtime.server import GrpcServer
from services.usage.batch import Batch, read
from services.usage.booking import Booking
from services.usage.consumer import Consumer
from services.usage.dead_letter_limit import DeadLetterLimit
from services.usage.events import Bounds
from services.usage.feed import DURABLE
from services.usage.ingest import Committed, Ingest
from services.usage.periods import Period, quarter_floor
from services.usage.servicer import UsageServicer
from services.usage.store import verification
from services.usage.store.partitions import Partitions
from services.usage.store.series import SeriesIndex
from services.usage.store.verification import Discrepancy
from services.usage.sweeper import Sweeper
from services.usage.tables import SCHEMA
from tests.fixtures.completion_events import Message
from tests.fixtures.eventually import eventually

RETENTION = timedelta(days=400)
LONGEST_ATTEMPT = timedelta(minutes=30)


def bounds() -> Bounds:
    return Bounds.now(RETENTION)


class Replica:
    """One replica's view of a database, without a bus: messages are handed to it."""

    def __init__(self, dsn: str) -> None:
        self.db = Database(dsn, schema=SCHEMA, pool_size=4)
        self.partitions = Partitions(self.db, RETENTION)
        self.booking = Booking(SeriesIndex(self.db), self.partitions)
        self.ingest = Ingest(self.db, self.booking)
        self.sweeper = Sweeper(self.db, self.booking, bounds, LONGEST_ATTEMPT)

    async def take(self, *messages: Message) -> Committed:
        """Commits the messages as one batch."""
        batch = Batch()
        for message in messages:
            batch.add(read(message.headers, message.payload), bounds())
        return await self.ingest.commit(batch)

    async def fetch(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        async with self.db.read() as connection:
            raw = await driver(connection)
            return [tuple(record.values()) for record in await raw.fetch(query, *parameters)]

    async def value(self, query: str, *parameters: object) -> Any:
        ((value,),) = await self.fetch(query, *parameters)
        return value

    async def execute(self, statement: str, *parameters: object) -> None:
        async with self.db.write() as connection:
            await (await driver(connection)).execute(statement, *parameters)

    async def ids(self) -> list[str]:
        """The ids of the ledger's rows, ascending."""
        return [str(row_id) for (row_id,) in await self.fetch("SELECT id FROM ledger ORDER BY id")]

    async def discrepancies(self) -> list[Discrepancy]:
        """What verification finds, over everything there is."""
        async with self.db.snapshot() as connection:
            raw = await driver(connection)
            start = await verification.earliest(raw)
            if start is None:
                return []
            end = quarter_floor(await raw.fetchval("SELECT now() + interval '2 days'"))
            return await verification.discrepancies(raw, Period(start, end))


@asynccontextmanager
async def replica_of(dsn: str) -> AsyncIterator[Replica]:
    """A replica until the block ends."""
    replica = Replica(dsn)
    try:
        yield replica
    finally:
        await replica.db.close()


@asynccontextmanager
async def consuming(replica: Replica, bus: Bus, limit: DeadLetterLimit | None = None) -> AsyncIterator[Consumer]:
    """A consumer that runs until the block ends, then drains."""
    consumer = Consumer(bus, replica.ingest, bounds, limit or DeadLetterLimit())
    task = asyncio.create_task(consumer.run())
    try:
        yield consumer
    finally:
        await consumer.stop(10)
        await task


async def publish(bus: Bus, messages: Iterable[Message]) -> None:
    """Publishes, each message confirmed by the stream."""
    for message in messages:
        await bus.jetstream.publish(message.subject, message.payload, headers=message.headers)


async def consumer_info(bus: Bus) -> ConsumerInfo | None:
    """What NATS says of the durable consumer; None while there is none or NATS is silent."""
    try:
        info: ConsumerInfo = await bus.jetstream.consumer_info(COMPLETIONS.name, DURABLE)
    except (NotFoundError, NatsError):
        return None
    return info


async def settled(bus: Bus, timeout: float = 30) -> None:
    """Returns once every message of the stream is acknowledged."""

    async def nothing_left() -> bool:
        # Not `num_pending`: that lags behind what the stream has confirmed.
        info = await consumer_info(bus)
        last = (await bus.jetstream.stream_info(COMPLETIONS.name)).state.last_seq
        return info is not None and info.ack_floor is not None and info.ack_floor.stream_seq == last

    await eventually(nothing_left, timeout=timeout)


def finish_ids(events: Sequence[CompletionEvent]) -> list[str]:
    """The ids of the ledger rows these events make, ascending."""
    return sorted(event.finished.event_id for event in events if event.HasField("finished"))


class Callers:
    """An Authenticator that knows principals by made-up credentials."""

    def __init__(self) -> None:
        self._known: dict[str, Principal] = {}

    async def authenticate(self, credential: str) -> Principal:
        if credential not in self._known:
            raise CredentialsInvalid
        return self._known[credential]

    def login(
        self, user_id: str, organisation_id: str, project_id: str, role: Role.ValueType
    ) -> tuple[tuple[str, str], ...]:
        """The metadata of calls by this user."""
        credential = str(uuid7())
        self._known[credential] = Principal(user_id, organisation_id, project_id, "", role, ALL_SCOPES)
        return (("authorization", f"Bearer {credential}"),)

    def operator(self) -> tuple[tuple[str, str], ...]:
        """The metadata of calls by a platform administrator."""
        return self.login(str(uuid7()), str(uuid7()), str(uuid7()), ROLE_PLATFORM_ADMIN)


class Service:
    """The usage service over gRPC: `stub` calls it as people do, `internal` as a router."""

    def __init__(self, people: grpc.aio.Channel, router: grpc.aio.Channel, callers: Callers) -> None:
        self.callers = callers
        self.stub: Any = usage_service_pb2_grpc.UsageServiceStub(people)
        self.internal: Any = usage_service_pb2_grpc.UsageServiceStub(router)


@asynccontextmanager
async def serving(replica: Replica, trust: ServiceTrust, router: ServiceIdentity) -> AsyncIterator[Service]:
    """Serves on a free port until the block ends."""
    callers = Callers()
    server = GrpcServer("127.0.0.1:0", callers, trust)
    server.add(
        usage_service_pb2_grpc.add_UsageServiceServicer_to_server,
        UsageServicer(replica.db),
        "pantheon.usage.v1.UsageService",
    )
    await server.start()
    target = f"127.0.0.1:{server.port}"
    people, internal = connect(target), connect(target, router, "usage")
    try:
        yield Service(people, internal, callers)
    finally:
        await people.close()
        await internal.close()
        await server.stop(0)
