"""The process as it is deployed."""

import asyncio
import json
import os
import sys
from pathlib import Path

import httpx2 as httpx
from nats.js.errors import NotFoundError

from pantheon.auth.v1.auth_service_pb2 import CreateProjectRequest, LoginRequest
from pantheon.auth.v1.auth_service_pb2_grpc import AuthServiceStub
from pantheon.auth.v1.identity_pb2 import Project
from pantheon.events.v1.change_pb2 import Change
from services.local.children import Child
from services.local.nats import LocalNats
from services.local.ports import free_port, free_ports
from services.local.postgres import LocalPostgres
from services.runtime.bus import CHANGES, Bus
from services.runtime.client import connect
from services.runtime.identity import generate
from services.runtime.tasks import end
from tests.fixtures.eventually import eventually
from tests.integration.auth.running import ADMIN, MASTER_KEY, PASSWORD, PEPPER, bearer

COMMAND = (sys.executable, "-m", "services.auth")


def environment(dsn: str, tmp_path: Path, **others: str) -> dict[str, str]:
    generate(tmp_path / "keys", ("auth",))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PANTHEON_")}
    own = {
        "DATABASE_URL": dsn,
        "MASTER_KEY": MASTER_KEY,
        "KEY_PEPPER": PEPPER,
        "SERVICE_KEYS": str(tmp_path / "keys"),
        "ENV_FILE": "",
        "LISTEN": "127.0.0.1:0",
    }
    return kept | {f"PANTHEON_{name}": value for name, value in (own | others).items() if value}


class Served:
    """The process, started and ready, with a NATS that it may find or not."""

    def __init__(self, dsn: str, tmp_path: Path, nats_url: str) -> None:
        port, ops = free_ports(2)
        listening = {"LISTEN": f"127.0.0.1:{port}", "OPS_LISTEN": f"127.0.0.1:{ops}", "NATS_URL": nats_url}
        self.ready_url = f"http://127.0.0.1:{ops}/readyz"
        env = environment(dsn, tmp_path, **listening)
        self.child = Child("auth", COMMAND, env=env, log_path=tmp_path / "auth.log", ready_url=self.ready_url)
        self.channel = connect(f"127.0.0.1:{port}")
        self.stub = AuthServiceStub(self.channel)

    async def says(self, **expected: bool) -> bool:
        """Whether /readyz does."""
        async with httpx.AsyncClient(trust_env=False) as client:
            try:
                checks: dict[str, bool] = (await client.get(self.ready_url)).json()
            except httpx.TransportError:
                return False
        return expected.items() <= checks.items()

    async def make_project(self) -> Project:
        tokens = (await self.stub.Login(LoginRequest(email=ADMIN, password=PASSWORD))).tokens
        request = CreateProjectRequest(project=Project(name="engine"))
        return (await self.stub.CreateProject(request, metadata=bearer(tokens.access_token))).project


async def last_change(nats_url: str) -> Change:
    bus = await Bus.connect(nats_url, name="test")
    try:
        message = await bus.jetstream.get_last_msg(CHANGES.name, "pantheon.changes.v1.auth.>")
    except NotFoundError:
        return Change()
    finally:
        await bus.close()
    return Change.FromString(message.data or b"")


async def test_it_serves_without_nats_publishes_when_it_comes_and_stops_on_sigterm(
    auth_database_url: str, tmp_path: Path, late_nats: LocalNats
) -> None:
    served = Served(auth_database_url, tmp_path, late_nats.url)
    await served.child.start()
    try:
        project = await served.make_project()
        await late_nats.start()

        async def is_published() -> bool:
            return (await last_change(late_nats.url)).project_changed.project == project

        await eventually(is_published)
    finally:
        await served.channel.close()
        code = await served.child.stop()
    assert code == 0, served.child.log_tail()
    assert "Traceback" not in served.child.log_tail(200)
    assert PASSWORD not in served.child.log_tail(200)


async def test_it_waits_for_postgres_and_is_ready_while_that_answers(
    own_postgres: LocalPostgres, tmp_path: Path
) -> None:
    served = Served(own_postgres.dsn(), tmp_path, f"nats://127.0.0.1:{free_port()}")
    await own_postgres.stop()
    starting = asyncio.create_task(served.child.start())
    try:
        await eventually(lambda: served.says(started=False, database=False), timeout=20)
        await own_postgres.start()
        await starting
        assert await served.says(started=True, database=True)
        await own_postgres.stop("immediate")
        await eventually(lambda: served.says(started=True, database=False), timeout=20)
        assert served.child.running
    finally:
        await served.channel.close()
        code = await served.child.stop()
        await end([starting])
    assert code == 0, served.child.log_tail()
    events = [json.loads(line)["event"] for line in served.child.log_tail(200).splitlines()]
    assert [event for event in events if event.startswith("database.")] == [
        "database.unreachable",
        "database.reachable",
        "database.unreachable",
    ]


async def ended(env: dict[str, str]) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(*COMMAND, env=env, stderr=asyncio.subprocess.PIPE)
    async with asyncio.timeout(30):
        _, errors = await process.communicate()
    return process.returncode, errors.decode()


async def test_a_wrong_setting_ends_it_with_one_line_that_names_it(tmp_path: Path) -> None:
    code, errors = await ended(environment("", tmp_path))
    assert code == 1
    assert errors == "PANTHEON_DATABASE_URL: Field required\n"
