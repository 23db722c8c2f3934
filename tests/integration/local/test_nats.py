import asyncio
import json
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client

from services.local.errors import DirectoryUnusableError, PortInUseError
from services.local.lock import directory_lock
from services.local.nats import MAX_PAYLOAD_BYTES, LocalNats
from services.local.process import Process
from tests.fixtures.eventually import eventually
from tests.fixtures.processes import has_ended


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Client]:
    client = await nats.connect(url, allow_reconnect=False, connect_timeout=5)
    try:
        yield client
    finally:
        await client.close()


def kept_token(directory: Path) -> str:
    return (directory / "nats" / "token").read_text()


def command_line(pid: int | None) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def files_with(text: str, directory: Path) -> set[tuple[str, int]]:
    """Name and mode of the files that hold the text."""
    files = [path for path in directory.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]
    return {(path.name, stat.S_IMODE(path.stat().st_mode)) for path in files}


async def test_a_started_server_accepts_connections_and_large_messages(own_nats: LocalNats) -> None:
    async with connected(own_nats.url) as client:
        assert client.max_payload == MAX_PAYLOAD_BYTES == 8 * 1024 * 1024
        await client.flush(timeout=5)


async def greeted(port: int, **credentials: str) -> bytes:
    """What the server says to a client that comes with these; the library leaves a refused connection open."""
    async with asyncio.timeout(5):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            assert (await reader.readline()).startswith(b"INFO ")
            writer.write(b"CONNECT " + json.dumps({"verbose": False, **credentials}).encode() + b"\r\nPING\r\n")
            return (await reader.readline()).strip()
        finally:
            writer.close()
            await writer.wait_closed()


async def test_without_its_token_nobody_is_let_in(own_nats: LocalNats, server_directory: Path) -> None:
    port, token = own_nats.port, kept_token(server_directory)
    assert await greeted(port, auth_token=token) == b"PONG"
    strangers: list[dict[str, str]] = [{}, {"auth_token": ""}, {"auth_token": "guessed"}, {"user": token, "pass": ""}]
    for credentials in strangers:
        assert await greeted(port, **credentials) == b"-ERR 'Authorization Violation'"


async def test_the_token_is_kept_for_its_owner_alone_and_written_down_nowhere_else(
    own_nats: LocalNats, server_directory: Path
) -> None:
    token = kept_token(server_directory)
    assert len(token) == 32
    assert own_nats.url == f"nats://{token}@127.0.0.1:{own_nats.port}"
    async with connected(own_nats.url) as client:
        await client.flush(timeout=5)
    assert files_with(token, server_directory) == {("token", 0o600), ("nats.conf", 0o600)}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows processes as files")
async def test_the_list_of_processes_does_not_show_the_token(own_nats: LocalNats, server_directory: Path) -> None:
    token = kept_token(server_directory).encode()
    assert token not in command_line(own_nats.pid)


async def test_streams_survive_a_restart_on_the_same_port(own_nats: LocalNats) -> None:
    url = own_nats.url
    async with connected(url) as client:
        stream = client.jetstream()
        await stream.add_stream(name="KEPT", subjects=["kept.>"])
        await stream.publish("kept.one", b"payload")
    await own_nats.restart()
    assert own_nats.url == url
    async with connected(url) as client:
        assert (await client.jetstream().get_msg("KEPT", 1)).data == b"payload"


async def test_streams_survive_a_kill(own_nats: LocalNats) -> None:
    async with connected(own_nats.url) as client:
        stream = client.jetstream()
        await stream.add_stream(name="KEPT", subjects=["kept.>"])
        for number in range(100):
            await stream.publish("kept.number", str(number).encode())
    pid = own_nats.pid
    await own_nats.kill()
    assert has_ended(pid)
    assert own_nats.pid is None
    await own_nats.start()
    async with connected(own_nats.url) as client:
        assert (await client.jetstream().stream_info("KEPT")).state.messages == 100


async def test_stopping_leaves_no_process(server_directory: Path) -> None:
    async with LocalNats(server_directory) as server:
        pid = server.pid
        await server.start()
        assert server.pid == pid
    assert has_ended(pid)
    await server.stop()


async def test_a_running_server_holds_its_directory(own_nats: LocalNats, server_directory: Path) -> None:
    with pytest.raises(DirectoryUnusableError, match="in use by another running server"):
        async with directory_lock(server_directory / "nats", timeout=0.05):
            pass


async def test_a_fixed_port_that_is_taken_is_an_error(own_nats: LocalNats, server_directory: Path) -> None:
    with pytest.raises(PortInUseError, match=f"port {own_nats.port}: another process does"):
        await LocalNats(server_directory / "other", port=own_nats.port).start()


async def test_a_path_may_hold_any_character(server_directory: Path) -> None:
    async with LocalNats(server_directory / 'a "quoted" # path \\ with { spaces }') as server, connected(server.url):
        pass


async def test_before_its_first_start_a_server_has_no_address(server_directory: Path) -> None:
    with pytest.raises(RuntimeError, match="chosen by start"):
        _ = LocalNats(server_directory).url


async def test_the_shared_server_passes_messages(nats_url: str) -> None:
    async with connected(nats_url) as client:
        subscription = await client.subscribe(client.new_inbox())
        await client.publish(subscription.subject, b"hello")
        assert (await subscription.next_msg(timeout=5)).data == b"hello"


# A process that starts a server in the directory given, reports its process id, then waits to be killed.
OWNER = """
import asyncio, signal, sys
from pathlib import Path
from services.local.nats import LocalNats

async def main():
    server = LocalNats(Path(sys.argv[1]))
    await server.start()
    print(server.pid, flush=True)
    signal.pause()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
async def test_a_server_whose_owner_was_killed_makes_way_for_the_next(server_directory: Path) -> None:
    owning = await Process.spawn(
        "owner", [sys.executable, "-c", OWNER, server_directory / "nats"], log_path=server_directory / "owner.log"
    )
    pid = int(await eventually(owning.log_tail, timeout=20))
    await owning.kill()
    async with LocalNats(server_directory / "nats") as server:
        await eventually(lambda: has_ended(pid))
        assert server.pid != pid
