"""`pantheon up` as somebody runs it at a terminal."""

import asyncio
import os
import signal
import socket
import stat
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.cli.running import INTERRUPTED
from services.local.lock import directory_lock
from services.local.ports import LOOPBACK
from services.local.stack import PORT_VARIABLES, Ports, Surroundings
from services.sandbox.server import SandboxServer
from tests.fixtures.deployments import Deployment
from tests.fixtures.eventually import eventually
from tests.fixtures.load import Told, complete_over_http, requests_of
from tests.fixtures.processes import has_ended

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 45.0


class Up:
    """A running `pantheon up`."""

    def __init__(self, process: asyncio.subprocess.Process, deployment: Deployment) -> None:
        self.process = process
        self.deployment = deployment
        self.output = ""

    async def until(self, text: str) -> None:
        """Reads its output until the text is there; AssertionError when it ends first."""
        assert self.process.stdout is not None
        async with asyncio.timeout(START_TIMEOUT_S):
            while text not in self.output:
                line = await self.process.stdout.readline()
                assert line, f"it ended without {text!r}:\n{self.output}"
                self.output += line.decode()

    async def end(self) -> int:
        """Reads the rest and returns the exit code."""
        assert self.process.stdout is not None
        async with asyncio.timeout(STOP_TIMEOUT_S):
            self.output += (await self.process.stdout.read()).decode()
            return await self.process.wait()

    def children(self) -> dict[str, int]:
        """Process ids of the services, by name."""
        pids = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        commands = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for pid in pids}
        return {
            part.decode().removeprefix("services."): pid
            for pid, command in commands.items()
            for part in command
            if part.startswith(b"services.")
        }


def environment(state: Path, ports: Ports, **variables: str) -> Mapping[str, str]:
    moved = {variable: str(getattr(ports, door)) for door, variable in PORT_VARIABLES.items()}
    given = {"PANTHEON_ENV_FILE": "", "PANTHEON_STATE_DIR": str(state), "PYTHONUNBUFFERED": "1"}
    return {**Surroundings.throw_away().common, **given, **moved, **variables}


@asynccontextmanager
async def running(state: Path, ports: Ports, **variables: str) -> AsyncIterator[Up]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", "up"),
        env=environment(state, ports, **variables),
        cwd=state.parent,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield Up(process, Deployment(state, ports))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture(autouse=True)
def _heeded_interrupts() -> Iterator[None]:
    """A shell in the background has its children ignore Ctrl-C, and they theirs; here it is to be heeded."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
@pytest.mark.timeout(150)
async def test_sigterm_lets_streams_end_and_the_next_start_finds_everything(server_directory: Path) -> None:
    state, ports, told = server_directory / "state", Ports.free(), Told()
    async with running(state, ports, PANTHEON_SANDBOX_TOKENS_PER_SECOND="40") as up:
        await up.until("Ctrl-C drains")
        assert "SANDBOX" in up.output
        credentials = up.deployment.credentials
        assert credentials.keys() == {"email", "password", "api_key"}
        assert stat.S_IMODE((state / "credentials.json").stat().st_mode) == 0o600
        async with up.deployment.http() as http:
            streams = [asyncio.create_task(complete_over_http(http, n, told, stream=True)) for n in range(20)]
            await eventually(lambda: told.pieces > 50)
            up.process.send_signal(signal.SIGTERM)
            await asyncio.gather(*streams)
        assert await up.end() == 0, up.output
    assert up.output.count("stopped") == 8, up.output
    assert told.failures == []

    async with running(state, ports) as up:
        await up.until("Ctrl-C drains")
        assert up.deployment.credentials == credentials
        rows = await up.deployment.rows()
        assert set(requests_of(told.answered, rows).values()) == {("settled", "succeeded")}
        assert len(rows) == len(told.answered) == 20
        children = up.children()
        up.process.send_signal(signal.SIGINT)
        await up.until("Ctrl-C again ends it at once")
        up.process.send_signal(signal.SIGINT)
        assert await up.end() == INTERRUPTED, up.output
    assert len(children) == 6
    assert all(has_ended(pid) for pid in children.values())


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_keys_in_the_dotenv_file_mean_real_providers_and_a_dead_part_ends_all(server_directory: Path) -> None:
    state = server_directory / "state"
    async with SandboxServer() as provider:
        (server_directory / ".env").write_text(
            f"OPENAI_API_KEY=sk-real\nOPENAI_BASE_URL={provider.openai_url}\n"
            f"OPENROUTER_API_KEY=sk-or-real\nOPENROUTER_BASE_URL={provider.openrouter_url}\n"
        )
        async with running(state, Ports.free(), PANTHEON_ENV_FILE=".env") as up:
            await up.until("Ctrl-C drains")
            assert "SANDBOX" not in up.output
            async with up.deployment.http() as http:
                answer = await http.post(
                    "/chat/completions",
                    json={"model": "anthropic/claude-3-opus", "messages": [{"role": "user", "content": "hello"}]},
                )
            assert answer.status_code == 200, answer.text
            assert answer.headers["x-pantheon-provider"] == "openrouter"
            assert "x-pantheon-sandbox" not in answer.headers
            received = provider.recorder.received(1)
            assert received is not None
            assert "x-pantheon-attempt-id" not in received.headers
            row = (await eventually(lambda: up.deployment.rows("anthropic/claude-3-opus")))[0]
            assert not row.sandbox
            assert row.provider_reported_cost is not None

            children = up.children()
            assert children.keys() == {"auth", "catalog", "usage", "router", "edge"}
            os.kill(children["edge"], signal.SIGKILL)
            assert await up.end() == 1, up.output
    assert "edge was ended by SIGKILL; its last lines in" in up.output
    assert all(has_ended(pid) for pid in children.values())


async def test_a_second_one_on_the_same_directory_is_refused(server_directory: Path) -> None:
    state = server_directory / "state"
    state.mkdir()
    async with directory_lock(state, timeout=1), running(state, Ports.free()) as up:
        assert await up.end() == 1
    assert f"pantheon: {state} is in use by another running server" in up.output
    assert "Traceback" not in up.output


async def test_a_taken_port_is_named_with_its_variable(server_directory: Path) -> None:
    ports = Ports.free()
    with socket.socket() as taken:
        taken.bind((LOOPBACK, ports.http))
        taken.listen()
        async with running(server_directory / "state", ports) as up:
            assert await up.end() == 1
    assert f"port {ports.http} is taken by another process" in up.output
    assert "PANTHEON_HTTP_PORT" in up.output


async def test_a_wrong_setting_is_named(server_directory: Path) -> None:
    async with running(server_directory / "state", Ports.free(), PANTHEON_AUTH_PORT="many") as up:
        assert await up.end() != 0
    assert "PANTHEON_AUTH_PORT" in up.output
    assert "Traceback" not in up.output
