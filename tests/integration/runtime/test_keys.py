import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey

from pantheon.auth.v1.access_pb2 import Role, Scope
from pantheon.auth.v1.auth_service_pb2 import (
    IntrospectKeyRequest,
    IntrospectKeyResponse,
    ListSigningKeysRequest,
    ListSigningKeysResponse,
)
from pantheon.auth.v1.auth_service_pb2_grpc import AuthServiceServicer, add_AuthServiceServicer_to_server
from pantheon.auth.v1.key_pb2 import KeyRecord, SigningKey
from pantheon.events.v1.change_pb2 import Change, KeyCreated, KeyRevoked
from services.runtime import times
from services.runtime.auth import Principal
from services.runtime.bus import Bus
from services.runtime.client import connect
from services.runtime.errors import CredentialsInvalid, DependencyUnavailable, SnapshotStale
from services.runtime.follower import Follower
from services.runtime.identity import ALGORITHM, ServiceIdentity, ServiceTrust, generate
from services.runtime.keys import KeyDirectory, secret_hash
from services.runtime.rpc import RpcContext
from services.runtime.server import GrpcServer
from services.runtime.tasks import Tasks
from tests.fixtures.eventually import eventually
from tests.fixtures.fault_proxy import FaultProxy
from tests.integration.runtime.changing_source import Nobody

PEPPER = b"of-the-tests"
SECRET = "pan-" + "s" * 43


def record(secret: str = SECRET, **fields: object) -> KeyRecord:
    whole = {
        "key_id": "k",
        "secret_hash": secret_hash(PEPPER, secret),
        "user_id": "u",
        "project_id": "p",
        "organisation_id": "o",
        "role": Role.ROLE_MEMBER,
        "scopes": [Scope.SCOPE_INFERENCE],
    }
    return KeyRecord(**{**whole, **fields})  # type: ignore[arg-type]


def created(key: KeyRecord) -> Change:
    return Change(key_created=KeyCreated(key=key))


def revoked(key: KeyRecord) -> Change:
    return Change(key_revoked=KeyRevoked(key_id=key.key_id, secret_hash=key.secret_hash))


class Auth(AuthServiceServicer):
    """What a key directory asks of auth: who a key is, once it may answer, and the keys that sign tokens."""

    def __init__(self) -> None:
        self.keys: dict[bytes, KeyRecord] = {}
        self.signing_keys: list[OKPKey] = []
        self.asked = 0
        self.found = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def IntrospectKey(self, request: IntrospectKeyRequest, context: RpcContext) -> IntrospectKeyResponse:
        self.asked += 1
        found = self.keys.get(request.secret_hash)
        self.found.set()
        await self.may_answer.wait()
        if found is None:
            raise CredentialsInvalid
        return IntrospectKeyResponse(key=found)

    async def ListSigningKeys(self, request: ListSigningKeysRequest, context: RpcContext) -> ListSigningKeysResponse:
        keys = [SigningKey(key_id=str(key.kid), jwk_json=json.dumps(key.as_dict())) for key in self.signing_keys]
        return ListSigningKeysResponse(signing_keys=keys)


@pytest.fixture
def auth() -> Auth:
    return Auth()  # type: ignore[abstract]  # what it lacks is unimplemented, as gRPC has it


@pytest.fixture
async def wire(auth: Auth, tmp_path: Path) -> AsyncIterator[FaultProxy]:
    """What the directory reaches auth through."""
    generate(tmp_path, ("auth", "router"))
    server = GrpcServer("127.0.0.1:0", Nobody(), ServiceTrust.load(tmp_path, "auth"))
    server.add(add_AuthServiceServicer_to_server, auth, "pantheon.auth.v1.AuthService")
    await server.start()
    async with FaultProxy(server.port) as proxy:
        yield proxy
    await server.stop(1)


@pytest.fixture
async def directory(wire: FaultProxy, tmp_path: Path) -> AsyncIterator[KeyDirectory]:
    async with connect(f"127.0.0.1:{wire.port}", ServiceIdentity.load(tmp_path, "router"), "auth") as channel:
        yield KeyDirectory(PEPPER, channel)


async def test_a_key_that_was_heard_of_is_known_without_asking(auth: Auth, directory: KeyDirectory) -> None:
    directory.apply(created(record()))
    assert await directory.authenticate(SECRET) == Principal(
        "u", "o", "p", "k", Role.ROLE_MEMBER, frozenset({Scope.SCOPE_INFERENCE})
    )
    assert auth.asked == 0


async def test_a_key_that_is_newer_than_the_copy_is_asked_for_once(auth: Auth, directory: KeyDirectory) -> None:
    auth.keys[record().secret_hash] = record()
    for _ in range(3):
        assert (await directory.authenticate(SECRET)).key_id == "k"
    assert auth.asked == 1


async def test_a_key_that_is_nobodys_is_asked_for_once(auth: Auth, directory: KeyDirectory) -> None:
    for _ in range(3):
        with pytest.raises(CredentialsInvalid):
            await directory.authenticate(SECRET)
    assert auth.asked == 1


async def test_a_key_found_unknown_is_known_when_it_is_heard_of(directory: KeyDirectory) -> None:
    with pytest.raises(CredentialsInvalid):
        await directory.authenticate(SECRET)
    directory.apply(created(record()))
    assert (await directory.authenticate(SECRET)).key_id == "k"


async def test_a_revoked_key_is_refused_without_asking(auth: Auth, directory: KeyDirectory) -> None:
    directory.apply(created(record()))
    directory.apply(revoked(record()))
    with pytest.raises(CredentialsInvalid):
        await directory.authenticate(SECRET)
    assert auth.asked == 0


async def test_a_key_revoked_while_auth_is_asked_about_it_is_refused(auth: Auth, directory: KeyDirectory) -> None:
    auth.keys[record().secret_hash] = record()
    auth.may_answer.clear()
    asking = asyncio.create_task(directory.authenticate(SECRET))
    await asyncio.wait_for(auth.found.wait(), 5)
    directory.apply(revoked(record()))
    auth.may_answer.set()
    with pytest.raises(CredentialsInvalid):
        await asking
    with pytest.raises(CredentialsInvalid):
        await directory.authenticate(SECRET)


async def test_an_answer_that_a_snapshot_overtook_is_not_kept(auth: Auth, directory: KeyDirectory) -> None:
    auth.keys[record().secret_hash] = record()
    auth.may_answer.clear()
    asking = asyncio.create_task(directory.authenticate(SECRET))
    await asyncio.wait_for(auth.found.wait(), 5)
    # The key was revoked meanwhile, and the snapshot knows.
    directory.reset()
    auth.keys.clear()
    auth.may_answer.set()
    assert (await asking).key_id == "k"
    with pytest.raises(CredentialsInvalid):
        await directory.authenticate(SECRET)


async def test_a_snapshot_replaces_all_keys(auth: Auth, directory: KeyDirectory) -> None:
    directory.apply(created(record()))
    directory.reset()
    other = "pan-" + "o" * 43
    directory.apply(created(record(other, key_id="other")))
    assert (await directory.authenticate(other)).key_id == "other"
    with pytest.raises(CredentialsInvalid):
        await directory.authenticate(SECRET)


async def test_a_key_is_refused_from_the_instant_it_expires(directory: KeyDirectory) -> None:
    for wait, secret in ((timedelta(seconds=-1), SECRET), (timedelta(seconds=60), SECRET[:-1])):
        directory.apply(created(record(secret, expire_time=times.to_timestamp(times.now() + wait))))
    with pytest.raises(CredentialsInvalid):
        await directory.authenticate(SECRET)
    assert (await directory.authenticate(SECRET[:-1])).key_id == "k"


async def test_an_unknown_key_cannot_be_judged_while_auth_is_away(directory: KeyDirectory, wire: FaultProxy) -> None:
    directory.apply(created(record()))
    await wire.cut()
    assert (await directory.authenticate(SECRET)).key_id == "k"
    with pytest.raises(DependencyUnavailable) as refusal:
        await directory.authenticate("pan-" + "o" * 43)
    assert refusal.value.metadata == {"dependency": "auth"}


async def test_a_stale_copy_is_not_trusted(
    auth: Auth, directory: KeyDirectory, wire: FaultProxy, nats_url: str, tmp_path: Path
) -> None:
    bus = await Bus.connect(nats_url, name="router")
    async with connect(f"127.0.0.1:{wire.port}", ServiceIdentity.load(tmp_path, "router"), "auth") as channel:
        never_run = Follower("auth", bus, channel, reset=directory.reset, apply=directory.apply)
        directory.follow(never_run)
        directory.apply(created(record()))
        with pytest.raises(SnapshotStale):
            await directory.authenticate(SECRET)
    await bus.close()


def token(key: OKPKey) -> str:
    expires = times.now().timestamp() + 60
    claims = {"iss": "pantheon", "sub": "u", "org": "o", "project": "p", "role": 10, "exp": expires}
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims, key, algorithms=[ALGORITHM])


async def test_login_tokens_are_checked_with_auths_public_keys_as_soon_as_it_can_be_reached(
    auth: Auth, directory: KeyDirectory, wire: FaultProxy
) -> None:
    auth.signing_keys = [OKPKey.generate_key("Ed25519", {"kid": name}) for name in ("old", "new")]
    await wire.cut()
    tasks = Tasks()
    tasks.start("signing keys", directory.keep_signing_keys())

    async def is_known() -> bool:
        try:
            return (await directory.authenticate(token(auth.signing_keys[1]))).user_id == "u"
        except DependencyUnavailable:
            return False

    assert not await is_known()
    assert not directory.signing_keys_loaded.is_set()
    await wire.resume()
    await eventually(is_known)
    await directory.authenticate(token(auth.signing_keys[0]))
    with pytest.raises(CredentialsInvalid):
        await directory.authenticate(token(OKPKey.generate_key("Ed25519", {"kid": "new"})))
    await tasks.close()
    assert not tasks.failed.is_set()
