"""The auth service as its process runs it, in this process and with a clock that can be turned."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import grpc
import pytest
from argon2 import PasswordHasher
from pydantic import SecretStr
from sqlalchemy import delete, text

from pantheon.auth.v1 import auth_service_pb2_grpc
from pantheon.auth.v1.access_pb2 import Role
from pantheon.auth.v1.auth_service_pb2 import (
    CreateApiKeyRequest,
    CreateOrganisationRequest,
    CreateUserRequest,
    LoginRequest,
    Tokens,
)
from pantheon.auth.v1.identity_pb2 import Organisation, User
from pantheon.auth.v1.key_pb2 import ApiKey
from pantheon.events.v1 import change_feed_service_pb2_grpc
from services.auth import creation, schema, signing
from services.auth.authenticator import OwnAuthenticator
from services.auth.entities import Organisation as KeptOrganisation
from services.auth.entities import User as KeptUser
from services.auth.passwords import Passwords
from services.auth.resources import Resources
from services.auth.servicer import AuthServicer
from services.auth.settings import AuthSettings
from services.auth.snapshot import snapshot
from services.auth.tables import metadata, signing_keys
from services.auth.tokens import TokenIssuer
from services.auth.writing import NOBODY, Write, writing
from services.runtime import times
from services.runtime.client import connect
from services.runtime.errors import PantheonError
from services.runtime.identity import ServiceIdentity, ServiceTrust, generate
from services.runtime.ids import uuid7
from services.runtime.outbox import ChangeFeedServicer, Outbox
from services.runtime.sealing import Sealer
from services.runtime.server import GrpcServer
from services.runtime.status import error_from_rpc

MASTER_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
PEPPER = "of-the-tests-and-long-enough-for-all"
ADMIN = "admin@pantheon.local"
PASSWORD = "correct horse battery staple"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

Refused = TypeVar("Refused", bound=PantheonError)
Metadata = Sequence[tuple[str, str]]


class Clock:
    """The present instant, later by what was added."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def advance(self, by: timedelta) -> None:
        self.ahead += by


def settings(dsn: str, master_key: str = MASTER_KEY) -> AuthSettings:
    return AuthSettings(database_url=SecretStr(dsn), master_key=SecretStr(master_key), key_pepper=SecretStr(PEPPER))


async def without_users(dsn: str) -> None:
    """A schema with nobody in it."""
    await schema.migrate_schema(settings(dsn))


async def with_administrator(dsn: str) -> None:
    """A schema with one platform administrator: what most tests start from."""
    await without_users(dsn)
    db = schema.open_database(settings(dsn))
    async with writing(Outbox(db, "auth"), NOBODY, times.now()) as write:
        await add_administrator(write)
    await db.close()


async def add_administrator(write: Write) -> None:
    organisation = KeptOrganisation(uuid7(), "default", write.now)
    await creation.add_organisation(write, organisation)
    user = KeptUser(uuid7(), organisation.id, ADMIN, "Administrator", Role.ROLE_PLATFORM_ADMIN, write.now)
    await creation.add_user(write, user, CHEAP.hash(PASSWORD))


class RunningAuth:
    """The service: `stub` calls it as people do, `internal` and `feed` with the identity of the router."""

    def __init__(self, dsn: str, port: int, directory: Path, clock: Clock, outbox: Outbox) -> None:
        self.dsn = dsn
        self.target = f"127.0.0.1:{port}"
        self.clock = clock
        self.outbox = outbox
        self.db = outbox.db
        self.people = connect(self.target)
        self.services = connect(self.target, ServiceIdentity.load(directory, "router"), "auth")
        self.stub = auth_service_pb2_grpc.AuthServiceStub(self.people)
        self.internal = auth_service_pb2_grpc.AuthServiceStub(self.services)
        self.feed = change_feed_service_pb2_grpc.ChangeFeedServiceStub(self.services)

    async def close(self) -> None:
        await self.people.close()
        await self.services.close()

    async def begin_anew(self) -> None:
        """Takes everything back but the administrator and the key that signs tokens."""
        self.clock.ahead = timedelta()
        async with writing(self.outbox, NOBODY, times.now()) as write:
            # Neither foreign keys nor the audit log's trigger look.
            await write.connection.execute(text("SET LOCAL session_replication_role = replica"))
            await write.connection.execute(text("DELETE FROM outbox"))
            for table in metadata.tables.values():
                if table is not signing_keys:
                    await write.connection.execute(delete(table))
            await write.connection.execute(text("UPDATE revision SET value = 0"))
            await add_administrator(write)

    async def login(self, email: str = ADMIN, password: str = PASSWORD) -> Tokens:
        return (await self.stub.Login(LoginRequest(email=email, password=password))).tokens

    async def bearer(self, email: str = ADMIN, password: str = PASSWORD) -> Metadata:
        return bearer((await self.login(email, password)).access_token)

    async def organisation(self, name: str) -> Organisation:
        made = await self.stub.CreateOrganisation(
            CreateOrganisationRequest(organisation=Organisation(name=name)), metadata=await self.bearer()
        )
        return made.organisation

    async def user(
        self, email: str, role: Role.ValueType = Role.ROLE_MEMBER, organisation_id: str = ""
    ) -> tuple[User, Metadata]:
        """A new user, and what they send along to be known."""
        request = CreateUserRequest(
            user=User(email=email, role=role), password=PASSWORD, organisation_id=organisation_id
        )
        made = await self.stub.CreateUser(request, metadata=await self.bearer())
        return made.user, await self.bearer(email)

    async def key(self, metadata: Metadata, **fields: Any) -> tuple[ApiKey, str]:
        """A new API key and its secret."""
        request = CreateApiKeyRequest(api_key=ApiKey(**{"name": "test", **fields}))
        made = await self.stub.CreateApiKey(request, metadata=metadata)
        return made.api_key, made.secret

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        async with self.db.read() as connection:
            return [tuple(row) for row in await connection.exec_driver_sql(query)]

    async def disable(self, email: str) -> None:
        async with self.db.write() as connection:
            await connection.exec_driver_sql("UPDATE users SET disabled_at = now() WHERE email = $1", (email,))


@asynccontextmanager
async def running_auth(dsn: str, directory: Path, master_key: str = MASTER_KEY) -> AsyncIterator[RunningAuth]:
    """Serves on a free port until the block ends. `directory` gets the service identities of auth and router."""
    generate(directory, ("auth", "router"))
    configured, clock = settings(dsn, master_key), Clock()
    db, passwords = schema.open_database(configured), Passwords(CHEAP)
    sealer = Sealer(configured.master_keys, signing.PURPOSE)
    keys = await signing.load_signing(db, sealer, clock())
    issuer = TokenIssuer(keys.key, timedelta(seconds=configured.token_seconds))
    outbox = Outbox(db, "auth")
    authenticator = OwnAuthenticator(db, configured.pepper, keys.trusted, clock)
    server = GrpcServer("127.0.0.1:0", authenticator, ServiceTrust.load(directory, "auth"))
    servicer = AuthServicer(Resources(outbox, passwords, issuer, keys.published, configured.pepper, sealer, clock))
    server.add(auth_service_pb2_grpc.add_AuthServiceServicer_to_server, servicer, "pantheon.auth.v1.AuthService")
    add_feed = change_feed_service_pb2_grpc.add_ChangeFeedServiceServicer_to_server
    server.add(add_feed, ChangeFeedServicer(db, snapshot), "pantheon.events.v1.ChangeFeedService")
    await server.start()
    running = RunningAuth(dsn, server.port, directory, clock, outbox)
    try:
        yield running
    finally:
        await running.close()
        await server.stop(1)
        await passwords.close()
        await db.close()


def bearer(credential: str) -> Metadata:
    return (("authorization", f"Bearer {credential}"),)


@contextmanager
def refused(kind: type[Refused]) -> Iterator[dict[str, str]]:
    """Expects an RPC to fail with this error; what is yielded has its metadata afterwards."""
    metadata: dict[str, str] = {}
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        yield metadata
    error = error_from_rpc(failure.value)
    assert type(error) is kind, error
    metadata.update(error.metadata)
