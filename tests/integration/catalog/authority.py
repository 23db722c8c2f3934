"""An auth service in memory: keeps the contracts by which other services learn who calls them."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import OKPKey

from pantheon.auth.v1 import auth_service_pb2_grpc
from pantheon.auth.v1.access_pb2 import ROLE_MEMBER, SCOPE_SETTINGS
from pantheon.auth.v1.auth_service_pb2 import (
    IntrospectKeyRequest,
    IntrospectKeyResponse,
    ListSigningKeysRequest,
    ListSigningKeysResponse,
)
from pantheon.auth.v1.key_pb2 import KeyRecord, SigningKey
from pantheon.events.v1 import change_feed_service_pb2_grpc
from pantheon.events.v1.change_feed_service_pb2 import (
    GetSnapshotRequest,
    GetSnapshotResponse,
    ListChangesRequest,
    ListChangesResponse,
)
from pantheon.events.v1.change_pb2 import Change, KeyCreated, KeyRevoked
from services.runtime.auth import KEY_PREFIX, TOKEN_ISSUER
from services.runtime.bus import Bus
from services.runtime.errors import CredentialsInvalid
from services.runtime.identity import ALGORITHM, ServiceTrust
from services.runtime.ids import uuid7
from services.runtime.keys import secret_hash
from services.runtime.rpc import RpcContext
from services.runtime.server import GrpcServer
from tests.integration.catalog.replica import PEPPER, Users


class Authority(
    auth_service_pb2_grpc.AuthServiceServicer,
    change_feed_service_pb2_grpc.ChangeFeedServiceServicer,
):
    """Makes tokens and keys for users of its own, and tells who asks about them."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._key = OKPKey.generate_key("Ed25519", {"kid": "1", "use": "sig"})
        self._records: dict[bytes, KeyRecord] = {}
        self._changes: list[Change] = []

    def token(self, user_id: str) -> str:
        """A login token of a member."""
        nobody = str(uuid7())
        claims = {"iss": TOKEN_ISSUER, "sub": user_id, "org": nobody, "project": nobody, "role": ROLE_MEMBER}
        claims["exp"] = int(time.time()) + 600
        return jwt.encode({"alg": ALGORITHM, "kid": "1"}, claims, self._key, algorithms=[ALGORITHM])

    async def create_key(self, user_id: str) -> str:
        """A key for settings, told to everybody. Returns its secret."""
        secret = f"{KEY_PREFIX}{uuid7()}"
        record = KeyRecord(key_id=str(uuid7()), secret_hash=secret_hash(PEPPER, secret), user_id=user_id)
        record.MergeFrom(KeyRecord(role=ROLE_MEMBER, scopes=[SCOPE_SETTINGS]))
        self._records[record.secret_hash] = record
        await self._publish(Change(key_created=KeyCreated(key=record)))
        return secret

    async def revoke_key(self, secret: str) -> None:
        """The key is no good from now on, which is told to everybody."""
        record = self._records.pop(secret_hash(PEPPER, secret))
        await self._publish(Change(key_revoked=KeyRevoked(key_id=record.key_id, secret_hash=record.secret_hash)))

    async def ListSigningKeys(self, request: ListSigningKeysRequest, context: RpcContext) -> ListSigningKeysResponse:
        key = SigningKey(key_id="1", jwk_json=json.dumps(self._key.as_dict(private=False)))
        return ListSigningKeysResponse(signing_keys=[key])

    async def IntrospectKey(self, request: IntrospectKeyRequest, context: RpcContext) -> IntrospectKeyResponse:
        if request.secret_hash not in self._records:
            raise CredentialsInvalid
        return IntrospectKeyResponse(key=self._records[request.secret_hash])

    async def GetSnapshot(self, request: GetSnapshotRequest, context: RpcContext) -> AsyncIterator[GetSnapshotResponse]:
        revision = len(self._changes)
        changes = [Change(revision=revision, key_created=KeyCreated(key=key)) for key in self._records.values()]
        yield GetSnapshotResponse(revision=revision, changes=changes)

    async def ListChanges(self, request: ListChangesRequest, context: RpcContext) -> ListChangesResponse:
        return ListChangesResponse(changes=self._changes[request.after_revision :], revision=len(self._changes))

    async def _publish(self, change: Change) -> None:
        change.revision = len(self._changes) + 1
        self._changes.append(change)
        subject = f"pantheon.changes.v1.auth.{change.WhichOneof('event')}"
        await self._bus.nc.publish(subject, change.SerializeToString())


@asynccontextmanager
async def serving(authority: Authority, keys: Path) -> AsyncIterator[str]:
    """Serves inside the block; yields the address."""
    server = GrpcServer("127.0.0.1:0", Users(), ServiceTrust.load(keys, "auth"))
    server.add(auth_service_pb2_grpc.add_AuthServiceServicer_to_server, authority, "pantheon.auth.v1.AuthService")
    server.add(
        change_feed_service_pb2_grpc.add_ChangeFeedServiceServicer_to_server,
        authority,
        "pantheon.events.v1.ChangeFeedService",
    )
    await server.start()
    try:
        yield f"127.0.0.1:{server.port}"
    finally:
        await server.stop(0)
