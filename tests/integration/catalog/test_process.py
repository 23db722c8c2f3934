"""The catalog as a process: `python -m services.catalog`, beside an auth service in memory."""

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx2 as httpx
import pytest
from nats.aio.msg import Msg

from pantheon.catalog.v1.catalog_service_pb2 import (
    GetUserSettingsRequest,
    ListModelsRequest,
    ListSecretsRequest,
)
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from services.catalog.seed.load import load_models
from services.local.nats import LocalNats
from services.local.postgres import LocalPostgres
from services.local.process import Process
from services.runtime.bus import Bus
from services.runtime.client import connect
from services.runtime.identity import ServiceIdentity
from services.runtime.ids import uuid7
from tests.fixtures.eventually import eventually
from tests.integration.catalog.authority import Authority, serving
from tests.integration.catalog.replica import PEPPER, Metadata

SECRET = "sk-canary-0123456789abcdef"
START_SECONDS = 40


@dataclass(frozen=True, slots=True)
class Running:
    process: Process
    stub: Any
    # Signed as a router.
    internal: Any
    ops: str

    async def readiness(self) -> dict[str, bool]:
        return await readiness(self.ops)

    async def is_ready(self) -> bool:
        return all((await self.readiness()).values())


async def readiness(ops: str) -> dict[str, bool]:
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        checks: dict[str, bool] = (await client.get(f"{ops}/readyz")).json()
    return checks


def logged(log: Path, event: str) -> list[dict[str, Any]]:
    lines = map(json.loads, log.read_text().splitlines())
    return [line for line in lines if line["event"] == event]


@pytest.fixture
def environment(database_url: str, own_nats: LocalNats, service_keys: Path) -> dict[str, str]:
    return {
        "PANTHEON_ENV_FILE": "",
        "PANTHEON_LISTEN": "127.0.0.1:0",
        "PANTHEON_DATABASE_URL": database_url,
        "PANTHEON_NATS_URL": own_nats.url,
        "PANTHEON_SERVICE_KEYS": str(service_keys),
        "PANTHEON_KEY_PEPPER": PEPPER.decode(),
        "PANTHEON_MASTER_KEY": base64.b64encode(bytes(32)).decode(),
        # Nobody is there.
        "PANTHEON_AUTH_ADDRESS": "127.0.0.1:1",
        "OPENAI_API_KEY": SECRET,
    }


async def spawn(log: Path, environment: dict[str, str]) -> Process:
    return await Process.spawn("catalog", [sys.executable, "-m", "services.catalog"], log_path=log, env=environment)


@asynccontextmanager
async def running(log: Path, environment: dict[str, str]) -> AsyncIterator[Running]:
    async with AsyncExitStack() as stack:
        process = await spawn(log, environment)
        stack.push_async_callback(process.stop, grace=10)

        def port() -> int | None:
            assert process.returncode is None, log.read_text()
            served = logged(log, "grpc.serving")
            return served[0]["port"] if served else None

        target = f"127.0.0.1:{await eventually(port, timeout=START_SECONDS)}"
        router = ServiceIdentity.load(Path(environment["PANTHEON_SERVICE_KEYS"]), "router")
        channel, internal = connect(target), connect(target, router, "catalog")
        stack.push_async_callback(channel.close)
        stack.push_async_callback(internal.close)
        ops = f"http://127.0.0.1:{logged(log, 'http.serving')[0]['port']}"
        yield Running(process, CatalogServiceStub(channel), CatalogServiceStub(internal), ops)


def bearer(credential: str) -> Metadata:
    return (("authorization", f"Bearer {credential}"),)


async def user_of(catalog: Running, credential: str) -> str:
    """Who the catalog takes the bearer of this credential for."""
    answer = await catalog.stub.GetUserSettings(GetUserSettingsRequest(), metadata=bearer(credential))
    return str(answer.settings.user_id)


async def lets_in(catalog: Running, credential: str) -> bool:
    try:
        await user_of(catalog, credential)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNAUTHENTICATED:
            return False
        raise
    return True


async def refuses(catalog: Running, credential: str) -> bool:
    return not await lets_in(catalog, credential)


async def test_it_lets_in_whom_auth_knows_and_stops_when_told(
    environment: dict[str, str], bus: Bus, service_keys: Path, tmp_path: Path
) -> None:
    log, user = tmp_path / "catalog.log", str(uuid7())
    authority = Authority(bus)  # type: ignore[abstract]  # only what others ask of auth
    key = await authority.create_key(user)
    async with (
        serving(authority, service_keys) as auth_address,
        running(log, {**environment, "PANTHEON_AUTH_ADDRESS": auth_address}) as catalog,
    ):
        await eventually(catalog.is_ready, timeout=START_SECONDS)
        assert await user_of(catalog, key) == user
        token = authority.token(user)
        assert await user_of(catalog, token) == user
        newer = await authority.create_key(user)
        assert await user_of(catalog, newer) == user
        await authority.revoke_key(key)
        await eventually(lambda: refuses(catalog, key), timeout=5)
        assert await refuses(catalog, "pan-nobody-has-this-key")
        with pytest.raises(grpc.aio.AioRpcError, match="SCOPE_INFERENCE"):
            await catalog.stub.ListModels(ListModelsRequest(), metadata=bearer(newer))
    assert catalog.process.returncode == 0
    assert logged(log, "process.stopped")
    assert SECRET not in log.read_text()
    assert key not in log.read_text()


async def test_it_serves_the_seed_and_keys_to_routers_while_auth_is_away(
    environment: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "catalog.log"
    async with running(log, environment) as catalog:
        answer = await catalog.internal.ListSecrets(ListSecretsRequest(providers=True))
        assert [key.secret for entry in answer.provider_secrets for key in entry.secrets] == [SECRET]
        assert not (await catalog.readiness())["keys"]
    (applied,) = logged(log, "catalog.seed_applied")
    assert applied["models"] == len(load_models())
    assert SECRET not in log.read_text()


async def test_it_stays_ready_while_nats_is_away_for_routers_poll_it_then(
    environment: dict[str, str], own_nats: LocalNats, tmp_path: Path
) -> None:
    log = tmp_path / "catalog.log"
    async with running(log, environment) as catalog:
        await own_nats.kill()
        await eventually(lambda: logged(log, "bus.disconnected"))
        checks = await catalog.readiness()
        assert {name for name, holds in checks.items() if not holds} == {"keys"}, "nobody is there to ask for keys"
        assert (await catalog.internal.ListSecrets(ListSecretsRequest(providers=True))).provider_secrets


async def test_it_serves_before_nats_has_come_and_tells_of_its_changes_then(
    environment: dict[str, str], late_nats: LocalNats, tmp_path: Path
) -> None:
    log = tmp_path / "catalog.log"
    async with running(log, {**environment, "PANTHEON_NATS_URL": late_nats.url}) as catalog:
        await eventually(lambda: logged(log, "process.started"))
        checks = await catalog.readiness()
        assert {name for name, holds in checks.items() if not holds} == {"keys"}, "nobody is there to ask for keys"
        assert (await catalog.internal.ListSecrets(ListSecretsRequest(providers=True))).provider_secrets
        await late_nats.start()
        bus = await Bus.connect(late_nats.url, name="tests")

        beats: asyncio.Queue[Msg] = asyncio.Queue()
        async with bus.listening("pantheon.revisions.v1.catalog", beats.put), asyncio.timeout(10):
            await beats.get()
        await bus.close()
    assert catalog.process.returncode == 0
    assert len(logged(log, "bus.unreachable")) == 1
    assert not logged(log, "outbox.relay_failed")


async def test_it_waits_for_postgres_and_says_so(
    environment: dict[str, str], own_postgres: LocalPostgres, tmp_path: Path
) -> None:
    log = tmp_path / "catalog.log"
    await own_postgres.stop()
    async with AsyncExitStack() as stack:
        process = await spawn(log, {**environment, "PANTHEON_DATABASE_URL": own_postgres.dsn()})
        stack.push_async_callback(process.stop, grace=10)
        serving_ops = await eventually(lambda: logged(log, "http.serving"), timeout=START_SECONDS)
        ops = f"http://127.0.0.1:{serving_ops[0]['port']}"
        await eventually(lambda: logged(log, "database.unreachable"))
        checks = await readiness(ops)
        assert (checks["started"], checks["database"]) == (False, False)
        await own_postgres.start()
        await eventually(lambda: logged(log, "process.started"), timeout=START_SECONDS)

        async def is_reached() -> bool:
            return (await readiness(ops))["database"]

        await eventually(is_reached)
    assert process.returncode == 0


async def test_a_wrong_variable_stops_it_with_a_line_that_names_it(environment: dict[str, str], tmp_path: Path) -> None:
    log = tmp_path / "catalog.log"
    process = await spawn(log, {**environment, "OPENAI_BASE_URL": "api.openai.com/canary"})
    try:
        async with asyncio.timeout(START_SECONDS):
            assert await process.wait() == 1
    finally:
        await process.stop(grace=10)
    assert log.read_text().splitlines()[-1].startswith("OPENAI_BASE_URL: expected http://")
    assert "canary" not in log.read_text()
