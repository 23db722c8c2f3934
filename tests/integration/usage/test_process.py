"""The usage process: its life with and without what it depends on."""

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from services.local.children import Child
from services.local.nats import LocalNats
from services.local.ports import free_port
from services.local.postgres import LocalPostgres
from services.runtime.bus import COMPLETIONS, Bus
from services.runtime.identity import generate
from services.runtime.ids import uuid7
from tests.fixtures.completion_events import Traffic, messages
from tests.fixtures.eventually import eventually
from tests.integration.usage.running import finish_ids, publish, replica_of, settled


class Usage:
    """A usage process, no auth service in reach, on servers that a test may stop."""

    def __init__(self, dsn: str, nats_url: str, directory: Path) -> None:
        generate(directory, ["usage"])
        self.ops = f"http://127.0.0.1:{free_port()}"
        self.log = directory / "usage.log"
        settings = {
            "ENV_FILE": "",
            "DATABASE_URL": dsn,
            "NATS_URL": nats_url,
            "SERVICE_KEYS": str(directory),
            "KEY_PEPPER": "of-the-tests-and-long-enough-for-all",
            "LISTEN": "127.0.0.1:0",
            "OPS_LISTEN": self.ops.removeprefix("http://"),
            "AUTH_ADDRESS": f"127.0.0.1:{free_port()}",
        }
        environment = {f"PANTHEON_{name}": value for name, value in settings.items()}
        self.child = Child("usage", [sys.executable, "-m", "services.usage"], env=environment, log_path=self.log)

    async def readiness(self) -> dict[str, Any]:
        async with httpx.AsyncClient(trust_env=False) as client:
            try:
                checks: dict[str, Any] = (await client.get(f"{self.ops}/readyz")).json()
            except httpx.TransportError:
                return {}
        return checks

    async def metrics(self) -> str:
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"{self.ops}/metrics")).text


@pytest.fixture
async def usage(own_postgres: LocalPostgres, own_nats: LocalNats, tmp_path: Path) -> AsyncIterator[Usage]:
    process = Usage(own_postgres.dsn(), own_nats.url, tmp_path)
    yield process
    await process.child.stop()


@pytest.mark.slow
async def test_it_waits_for_postgres_books_and_drains(
    usage: Usage, own_postgres: LocalPostgres, bus: Bus, traffic: Traffic
) -> None:
    await own_postgres.stop()
    await usage.child.start()
    events = [event for _ in range(100) for event in traffic.attempt()]
    await publish(bus, messages(uuid7(), events, [20]))
    checks = await eventually(usage.readiness, timeout=20)
    assert (checks["started"], checks["database"]) == (False, False)

    await own_postgres.start()
    await eventually(ready_but_for_keys(usage), timeout=20)
    await settled(bus)
    assert "pantheon_usage_events_total 200.0" in await usage.metrics()

    await own_postgres.stop("immediate")
    await eventually(lambda: says(usage, database=False), timeout=20)
    assert usage.child.running
    await own_postgres.start()
    await eventually(ready_but_for_keys(usage), timeout=20)

    assert await usage.child.stop() == 0
    assert "Traceback" not in usage.log.read_text()
    async with replica_of(own_postgres.dsn()) as replica:
        assert await replica.ids() == finish_ids(events)
        assert await replica.discrepancies() == []


async def test_it_stays_ready_while_nats_is_away_and_its_metrics_say_so(usage: Usage, own_nats: LocalNats) -> None:
    await usage.child.start()
    await eventually(ready_but_for_keys(usage), timeout=20)
    await eventually(lambda: counts(usage, nats_connected=1, consuming=1), timeout=20)
    await own_nats.kill()
    await eventually(lambda: counts(usage, nats_connected=0, consuming=0), timeout=20)
    checks = await usage.readiness()
    assert {name for name, holds in checks.items() if not holds} == {"keys"}, "nobody is there to ask for keys"
    await own_nats.start()
    await eventually(lambda: counts(usage, nats_connected=1, consuming=1), timeout=20)
    assert await usage.child.stop() == 0


async def test_it_serves_before_nats_has_come_and_books_what_is_published_then(
    usage_database_url: str, late_nats: LocalNats, traffic: Traffic, tmp_path: Path
) -> None:
    usage = Usage(usage_database_url, late_nats.url, tmp_path)
    try:
        await usage.child.start()
        await eventually(ready_but_for_keys(usage), timeout=20)
        assert await counts(usage, nats_connected=0, consuming=0)
        await late_nats.start()
        bus = await Bus.connect(late_nats.url, name="tests")
        await bus.ensure_stream(COMPLETIONS)
        events = list(traffic.attempt())
        await publish(bus, messages(uuid7(), events, [len(events)]))
        await settled(bus)
        await bus.close()
        assert await counts(usage, nats_connected=1, consuming=1)
    finally:
        code = await usage.child.stop()
    assert code == 0
    lines = [json.loads(line)["event"] for line in usage.log.read_text().splitlines()]
    assert (lines.count("bus.unreachable"), lines.count("usage.consumer_interrupted")) == (1, 0)
    async with replica_of(usage_database_url) as replica:
        assert await replica.ids() == finish_ids(events)


async def test_it_stops_before_nats_has_come(usage_database_url: str, tmp_path: Path) -> None:
    usage = Usage(usage_database_url, f"nats://127.0.0.1:{free_port()}", tmp_path)
    await usage.child.start()
    try:
        await eventually(ready_but_for_keys(usage), timeout=20)
    finally:
        code = await usage.child.stop(grace=5)
    assert code == 0
    assert "usage.consumer_given_up" not in usage.log.read_text()


async def counts(usage: Usage, **gauges: int) -> bool:
    lines = (await usage.metrics()).splitlines()
    return all(f"pantheon_usage_{name} {value}.0" in lines for name, value in gauges.items())


async def says(usage: Usage, **expected: bool) -> bool:
    checks = await usage.readiness()
    return bool(checks) and expected.items() <= checks.items()


def ready_but_for_keys(usage: Usage) -> Any:
    """Without an auth service it can't know whom to let in; everything else is in order."""
    return lambda: says(usage, started=True, database=True)
