"""A service that does nothing but change: names, kept in Postgres, published and followed as catalog and auth are."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import grpc
from sqlalchemy import text

from pantheon.auth.v1.identity_pb2 import Organisation
from pantheon.events.v1 import change_feed_service_pb2_grpc
from pantheon.events.v1.change_pb2 import Change, OrganisationChanged
from services.runtime import outbox
from services.runtime.auth import Principal
from services.runtime.client import connect
from services.runtime.db import Database, ReadConnection
from services.runtime.errors import CredentialsInvalid
from services.runtime.identity import ServiceIdentity, ServiceTrust, generate
from services.runtime.outbox import ChangeFeedServicer, Outbox, current_revision
from services.runtime.server import GrpcServer

SOURCE = "source"


async def make_schema(dsn: str) -> None:
    """An outbox and a table of names."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"CREATE SCHEMA {SOURCE}; SET search_path TO {SOURCE}")
        for statement in (*outbox.DDL, "CREATE TABLE names (id text PRIMARY KEY, name text NOT NULL)"):
            await connection.execute(statement)
    finally:
        await connection.close()


def renamed(id_: str, name: str) -> Change:
    return Change(organisation_changed=OrganisationChanged(organisation=Organisation(id=id_, name=name)))


class ChangingSource:
    """The write side."""

    def __init__(self, dsn: str) -> None:
        self.db = Database(dsn, schema=SOURCE, pool_size=25)
        self.outbox = Outbox(self.db, SOURCE)
        self.snapshot_begun = asyncio.Event()
        self.snapshot_may_go_on = asyncio.Event()
        self.snapshot_may_go_on.set()

    async def put(self, id_: str, name: str) -> int:
        """Renames, and returns the revision."""
        async with self.db.write() as connection:
            await connection.execute(
                text("INSERT INTO names VALUES (:id, :name) ON CONFLICT (id) DO UPDATE SET name = :name"),
                {"id": id_, "name": name},
            )
            return await self.outbox.add(connection, renamed(id_, name))

    async def names(self) -> dict[str, str]:
        async with self.db.read() as connection:
            return {row.id: row.name for row in await connection.execute(text("SELECT id, name FROM names"))}

    async def execute(self, statement: str) -> None:
        async with self.db.write() as connection:
            await connection.execute(text(statement))

    async def revision(self) -> int:
        async with self.db.read() as connection:
            return await current_revision(connection)

    async def snapshot(self, connection: ReadConnection) -> AsyncIterator[Change]:
        self.snapshot_begun.set()
        await self.snapshot_may_go_on.wait()
        for row in await connection.execute(text("SELECT id, name FROM names ORDER BY id")):
            yield renamed(row.id, row.name)


class Nobody:
    """Lets no person in."""

    async def authenticate(self, credential: str) -> Principal:
        raise CredentialsInvalid


@asynccontextmanager
async def serving(source: ChangingSource, directory: Path) -> AsyncIterator[int]:
    """Serves the source's change feed until the block ends; yields the port."""
    generate(directory, (SOURCE, "router"))
    server = GrpcServer("127.0.0.1:0", Nobody(), ServiceTrust.load(directory, SOURCE))
    add = change_feed_service_pb2_grpc.add_ChangeFeedServiceServicer_to_server
    server.add(add, ChangeFeedServicer(source.db, source.snapshot), "pantheon.events.v1.ChangeFeedService")
    await server.start()
    try:
        yield server.port
    finally:
        await server.stop(1)


def channel_of_a_follower(port: int, directory: Path) -> grpc.aio.Channel:
    return connect(f"127.0.0.1:{port}", ServiceIdentity.load(directory, "router"), SOURCE)
