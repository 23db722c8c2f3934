import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from services.local.children import Child, Children
from services.local.errors import StartError
from services.local.ports import free_port
from tests.fixtures.eventually import eventually
from tests.fixtures.processes import has_ended

# Answers /readyz with 503 a few times, then with 200; writes down when it is told to stop.
SERVICE = """
import http.server, os, signal, sys

refusals = int(os.environ.get("REFUSALS", "0"))

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global refusals
        ready = self.path == "/readyz" and refusals <= 0
        refusals -= 1
        self.send_response(200 if ready else 503)
        self.end_headers()

def stop(*_):
    with open(os.environ["STOPPED"], "a") as stopped:
        stopped.write(os.environ["NAME"] + "\\n")
    sys.exit(0)

signal.signal(signal.SIGTERM, stop)
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""

MakeChild = Callable[..., Child]


@pytest.fixture
def service(tmp_path: Path) -> MakeChild:
    """Makes a child that serves /readyz; keyword arguments go to its environment."""

    def make(name: str = "service", **env: str) -> Child:
        port = free_port()
        return Child(
            name,
            [sys.executable, "-c", SERVICE],
            env={"PORT": str(port), "NAME": name, "STOPPED": str(tmp_path / "stopped"), **env},
            log_path=tmp_path / f"{name}.log",
            ready_url=f"http://127.0.0.1:{port}/readyz",
        )

    return make


def failing(tmp_path: Path, name: str = "failing") -> Child:
    return Child(
        name,
        [sys.executable, "-c", "print('no such setting: PANTHEON_X'); raise SystemExit(2)"],
        env={},
        log_path=tmp_path / f"{name}.log",
        ready_url=f"http://127.0.0.1:{free_port()}/readyz",
    )


async def test_a_child_is_started_once_it_answers_that_it_is_ready(service: MakeChild) -> None:
    child = service(REFUSALS="3")
    await child.start()
    assert child.running
    assert child.log_tail().count("GET /readyz") == 4
    assert await child.stop() == 0
    assert not child.running


async def test_a_stopped_child_starts_again(service: MakeChild) -> None:
    child = service()
    await child.start()
    first = child.pid
    await child.start()
    assert child.pid == first
    assert await child.kill() == -signal.SIGKILL
    await child.start()
    assert child.pid != first
    await child.stop()


async def test_a_child_that_ends_at_its_start_is_reported_with_its_last_lines(tmp_path: Path) -> None:
    child = failing(tmp_path)
    with pytest.raises(StartError, match=r"failing ended with exit code 2(.|\n)*no such setting: PANTHEON_X"):
        await child.start()
    assert child.returncode == 2


async def test_a_child_that_is_never_ready_is_ended(service: MakeChild) -> None:
    child = service(REFUSALS="1000000")
    with pytest.raises(StartError, match=r"service was not ready within 0\.5 s"):
        await child.start(timeout=0.5)
    assert child.returncode == -signal.SIGKILL


async def test_a_command_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    child = Child(
        "absent", ["/nowhere/at-all"], env={}, log_path=tmp_path / "absent.log", ready_url="http://127.0.0.1:9/"
    )
    with pytest.raises(StartError, match="/nowhere/at-all"):
        await child.start()


async def test_a_child_never_started_has_nothing_to_stop(service: MakeChild) -> None:
    child = service()
    assert await child.stop() is None
    assert await child.kill() is None
    assert child.pid is None


async def test_children_stop_in_reverse_order_of_their_start(service: MakeChild, tmp_path: Path) -> None:
    async with Children() as children:
        await children.start(service("first"), service("second"))
        await children.start(service("third"))
    assert (tmp_path / "stopped").read_text().split() == ["third", "second", "first"]


async def test_one_failure_ends_all_children_of_the_same_start(service: MakeChild, tmp_path: Path) -> None:
    earlier, sibling = service("earlier"), service("sibling", REFUSALS="1000000")
    async with Children() as children:
        await children.start(earlier)
        with pytest.raises(StartError, match="failing ended with exit code 2"):
            await children.start(sibling, failing(tmp_path))
        assert has_ended(sibling.pid)
        assert earlier.running


async def test_a_cancelled_start_leaves_no_child(service: MakeChild) -> None:
    ready, waiting = service("ready"), service("waiting", REFUSALS="1000000")
    children = Children()
    starting = asyncio.create_task(children.start(ready, waiting))
    await eventually(lambda: "GET /readyz" in ready.log_tail() and "GET /readyz" in waiting.log_tail())
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert has_ended(ready.pid)
    assert has_ended(waiting.pid)


async def test_a_cancelled_stop_kills_the_rest(service: MakeChild) -> None:
    first, second = service("first"), service("second")
    children = Children()
    await children.start(first, second)
    stopping = asyncio.create_task(children.stop())
    await asyncio.sleep(0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert first.returncode == -signal.SIGKILL
    assert has_ended(second.pid)


@pytest.mark.parametrize("end", (Child.kill, Child.stop))
async def test_the_death_of_any_child_is_noticed(service: MakeChild, end: Callable[[Child], Awaitable[int]]) -> None:
    steady, mortal = service("steady"), service("mortal")
    async with Children() as children:
        await children.start(steady, mortal)
        watch = asyncio.create_task(children.first_ended())
        code = await end(mortal)
        ended = await asyncio.wait_for(watch, 5)
        assert ended is mortal
        assert ended.returncode == code
        assert "mortal" in ended.describe_end()
        assert steady.running
