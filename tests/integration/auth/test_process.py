"""The process as it is deployed."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.js.errors import NotFoundError

from pantheon.auth.v1.auth_service_pb2 import CreateProjectRequest, LoginRequest
from pantheon.auth.v1.auth_service_pb2_grpc import AuthServiceStub
from pantheon.auth.v1.identity_pb2 import Project
from pantheon.events.v1.change_pb2 import Change
from services.local.children import Child
from services.local.nats import LocalNats
from services.local.ports import free_port, free_ports
from services.runtime.bus import CHANGES, Bus
from services.runtime.client import connect
from services.runtime.identity import generate
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
        ready = f"http://127.0.0.1:{ops}/readyz"
        env = environment(dsn, tmp_path, **listening)
        self.child = Child("auth", COMMAND, env=env, log_path=tmp_path / "auth.log", ready_url=ready)
        self.channel = connect(f"127.0.0.1:{port}")
        self.stub = AuthServiceStub(self.channel)

    async def make_project(self) -> Project:
        tokens = (await self.stub.Login(LoginRequest(email=ADMIN, password=PASSWORD))).tokens
        request = CreateProjectRequest(project=Project(name="engine"))
        return (await self.stub.CreateProject(request, metadata=bearer(tokens.access_token))).project


@pytest.fixture
async def late_nats(server_directory: Path) -> AsyncIterator[LocalNats]:
    """A NATS that has a port but is not started yet."""
    nats = LocalNats(server_directory / "nats", port=free_port())
    yield nats
    await nats.stop()


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


async def ended(env: dict[str, str]) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(*COMMAND, env=env, stderr=asyncio.subprocess.PIPE)
    async with asyncio.timeout(30):
        _, errors = await process.communicate()
    return process.returncode, errors.decode()


async def test_a_wrong_setting_ends_it_with_one_line_that_names_it(tmp_path: Path) -> None:
    code, errors = await ended(environment("", tmp_path))
    assert code == 1
    assert errors == "PANTHEON_DATABASE_URL: Field required\n"
