"""A bus whose NATS comes late, goes, comes back, turns it away, or never is there."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from structlog.testing import capture_logs

from services.local.nats import LocalNats
from services.local.ports import LOOPBACK, free_port
from services.runtime.bus import COMPLETIONS, Bus
from tests.fixtures.eventually import eventually

SUBJECT = "pantheon.test"
CLOSED_WITHIN = 1.0


class Heard:
    """What a listener was told: payloads, and how often it began to hear."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        self.begun = 0

    async def on_message(self, message: Msg) -> None:
        self.payloads.append(message.data)

    def on_begun(self) -> None:
        self.begun += 1


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Bus]:
    """A bus that is closed at the end, without delay."""
    bus = Bus.open(url, name="test")
    try:
        yield bus
    finally:
        async with asyncio.timeout(CLOSED_WITHIN):
            await bus.close()


@pytest.fixture
def log() -> Iterator[list[Any]]:
    with capture_logs() as lines:
        yield lines


def events(log: list[Any]) -> list[str]:
    return [line["event"] for line in log]


async def hears(bus: Bus, heard: Heard, payload: bytes) -> None:
    await bus.nc.publish(SUBJECT, payload)
    await eventually(lambda: heard.payloads[-1:] == [payload])


async def test_what_publishes_fails_at_once_while_nats_has_not_come() -> None:
    async with opened(f"nats://{LOOPBACK}:{free_port()}") as bus:
        assert not bus.connected
        with pytest.raises(NatsError, match="not connected yet"):
            await bus.nc.publish(SUBJECT, b"")
        with pytest.raises(NatsError, match="not connected yet"):
            await bus.jetstream.publish(SUBJECT, b"")
        with pytest.raises(NatsError, match="not connected yet"):
            await bus.ensure_stream(COMPLETIONS)


async def test_it_is_closed_before_it_has_begun_to_connect() -> None:
    async with opened(f"nats://{LOOPBACK}:{free_port()}"):
        pass


async def test_who_needs_nats_waits_until_a_deadline_and_leaves_nothing_behind() -> None:
    before = asyncio.all_tasks()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await Bus.connect(f"nats://{LOOPBACK}:{free_port()}", name="test")
    assert asyncio.all_tasks() == before


async def test_a_listener_hears_from_the_first_connection_on_and_from_every_other(late_nats: LocalNats) -> None:
    heard, latecomer = Heard(), Heard()
    async with opened(late_nats.url) as bus:
        async with bus.listening(SUBJECT, heard.on_message, begun=heard.on_begun):
            assert heard.begun == 0
            await late_nats.start()
            await asyncio.wait_for(bus.until_connected(), 10)
            assert heard.begun == 1
            await hears(bus, heard, b"one")
            await late_nats.restart()
            await eventually(lambda: heard.begun == 2)
            await hears(bus, heard, b"two")
            async with bus.listening(SUBJECT, latecomer.on_message, begun=latecomer.on_begun):
                assert latecomer.begun == 1
                await hears(bus, latecomer, b"three")
        await bus.nc.publish(SUBJECT, b"four")
        await bus.nc.flush()
    assert heard.payloads == [b"one", b"two", b"three"]
    assert latecomer.payloads == [b"three"]


async def test_a_listener_that_ended_before_nats_came_hears_nothing(late_nats: LocalNats) -> None:
    heard = Heard()
    async with opened(late_nats.url) as bus:
        async with bus.listening(SUBJECT, heard.on_message, begun=heard.on_begun):
            pass
        await late_nats.start()
        await asyncio.wait_for(bus.until_connected(), 10)
        await bus.nc.publish(SUBJECT, b"")
        await bus.nc.flush()
    assert (heard.begun, heard.payloads) == (0, [])


@pytest.mark.parametrize("answer", (b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"x" * 200_000, b"INFO {}\r\n"))
async def test_whatever_is_at_the_address_is_named_once_and_nats_found_when_it_comes(
    late_nats: LocalNats, log: list[Any], answer: bytes
) -> None:
    calls = 0

    async def turn_away(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        writer.write(answer)
        writer.close()

    stranger = await asyncio.start_server(turn_away, LOOPBACK, late_nats.port)
    async with opened(late_nats.url) as bus:
        await eventually(lambda: calls >= 4)
        told = [line for line in log if line["event"] == "bus.unreachable"]
        assert 1 <= len({line["error"] for line in told}) == len(told) < 4
        assert {line["server"] for line in told} == {f"{LOOPBACK}:{late_nats.port}"}
        stranger.close()
        await stranger.wait_closed()
        await late_nats.start()
        await eventually(lambda: bus.connected)
        await bus.nc.flush()


async def test_wrong_credentials_are_told_without_them(own_nats: LocalNats, log: list[Any]) -> None:
    async with opened(f"nats://canary-7c1e@{LOOPBACK}:{own_nats.port}"):
        await eventually(lambda: "bus.unreachable" in events(log))
    (told,) = [line for line in log if line["event"] == "bus.unreachable"]
    assert "Authorization Violation" in told["error"]
    assert "canary" not in str(log)


class Guarded(LocalNats):
    """A server whose token can be changed while it runs."""

    def ask_for(self, token: str) -> None:
        """Turns away at once who has come with another."""
        config = self._data_dir / "nats.conf"
        config.write_text(config.read_text().replace(self._token(), token))
        (self._data_dir / "token").write_text(token)
        assert self.pid is not None
        os.kill(self.pid, signal.SIGHUP)


async def test_a_server_that_turns_it_away_is_told_and_may_take_it_again(
    server_directory: Path, log: list[Any]
) -> None:
    heard = Heard()
    async with (
        Guarded(server_directory / "guarded") as server,
        opened(server.url) as bus,
        bus.listening(SUBJECT, heard.on_message, begun=heard.on_begun),
    ):
        await eventually(lambda: heard.begun == 1)
        token = server._token()
        server.ask_for("another")
        await eventually(lambda: not bus.connected and "Authorization" in str(log))
        server.ask_for(token)
        await eventually(lambda: bus.connected and heard.begun == 2)
        await hears(bus, heard, b"again")
    assert events(log).count("bus.closed_by_server") == 1
