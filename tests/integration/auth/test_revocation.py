"""How fast those who know keys from auth's changes learn that one is revoked."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pantheon.auth.v1.auth_service_pb2 import RevokeApiKeyRequest
from services.local.nats import LocalNats
from services.runtime.bus import Bus
from services.runtime.errors import CredentialsInvalid
from services.runtime.follower import Follower
from services.runtime.keys import KeyDirectory
from services.runtime.outbox import OutboxRelay
from services.runtime.tasks import Tasks
from tests.fixtures.eventually import eventually
from tests.fixtures.fault_proxy import FaultProxy
from tests.integration.auth.running import PEPPER, RunningAuth


@pytest.fixture
async def wire(own_nats: LocalNats) -> AsyncIterator[FaultProxy]:
    """What the router hears NATS through."""
    async with FaultProxy(own_nats.port) as proxy:
        yield proxy


@pytest.fixture
async def keys(
    auth: RunningAuth, own_nats: LocalNats, wire: FaultProxy, tasks: Tasks, tmp_path: Path
) -> AsyncIterator[KeyDirectory]:
    """The keys as a router knows them, while auth publishes its changes."""
    publisher = await Bus.connect(own_nats.url, name="auth")
    tasks.start("outbox", OutboxRelay(auth.outbox, publisher).run())
    listener = await Bus.connect(own_nats.url.replace(str(own_nats.port), str(wire.port)), name="router")
    directory = KeyDirectory(PEPPER.encode(), auth.services)
    follower = Follower(
        "auth", listener, auth.services, reset=directory.reset, apply=directory.apply, cache=tmp_path / "auth.changes"
    )
    directory.follow(follower)
    tasks.start("follower", follower.run())
    await follower.loaded.wait()
    yield directory
    await tasks.close()
    await listener.close()
    await publisher.close()


async def revoke(auth: RunningAuth, key_id: str) -> None:
    await auth.stub.RevokeApiKey(RevokeApiKeyRequest(key_id=key_id), metadata=await auth.bearer())


async def is_refused(keys: KeyDirectory, secret: str) -> bool:
    try:
        await keys.authenticate(secret)
    except CredentialsInvalid:
        return True
    return False


async def until_refused(keys: KeyDirectory, secret: str, *, seconds: float) -> None:
    await eventually(lambda: is_refused(keys, secret), timeout=seconds)


async def test_a_new_key_works_at_once(auth: RunningAuth, keys: KeyDirectory) -> None:
    key, secret = await auth.key(await auth.bearer())
    assert (await keys.authenticate(secret)).key_id == key.id


async def test_a_revoked_key_is_refused_within_a_second(auth: RunningAuth, keys: KeyDirectory) -> None:
    admin = await auth.bearer()
    made = [await auth.key(admin) for _ in range(5)]
    for key, secret in made:
        await keys.authenticate(secret)
        await revoke(auth, key.id)
        await until_refused(keys, secret, seconds=1)


async def test_a_revoked_key_is_refused_within_five_seconds_while_nats_is_cut(
    auth: RunningAuth, keys: KeyDirectory, wire: FaultProxy
) -> None:
    key, secret = await auth.key(await auth.bearer())
    await keys.authenticate(secret)
    await wire.cut()
    await revoke(auth, key.id)
    await until_refused(keys, secret, seconds=5)


async def test_a_revoked_key_is_refused_within_five_seconds_while_nats_is_down(
    auth: RunningAuth, keys: KeyDirectory, wire: FaultProxy, own_nats: LocalNats
) -> None:
    key, secret = await auth.key(await auth.bearer())
    await keys.authenticate(secret)
    await wire.cut()
    await own_nats.kill()
    await revoke(auth, key.id)
    await until_refused(keys, secret, seconds=5)


async def test_a_revoked_key_is_refused_within_five_seconds_while_nats_swallows_everything(
    auth: RunningAuth, keys: KeyDirectory, wire: FaultProxy
) -> None:
    key, secret = await auth.key(await auth.bearer())
    await keys.authenticate(secret)
    wire.pause()
    await revoke(auth, key.id)
    await until_refused(keys, secret, seconds=5)
    await wire.resume()
