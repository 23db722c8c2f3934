import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest

from services.router.upstream.dialling import Dialler, Guard, allow_all
from services.router.upstream.names import Address, Names, SocketAddress
from services.router.upstream.requests import Origin
from tests.fixtures.ipv6 import needs_ipv6

ORIGIN = Origin("http", "provider.example", 80)


def listening(host: str, backlog: int = 8) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.bind((host, 0))
    listener.listen(backlog)
    return listener


def address(listener: socket.socket) -> Address:
    return Address(listener.family, listener.getsockname())


@pytest.fixture
def one() -> Iterator[socket.socket]:
    with listening("127.0.0.1") as listener:
        yield listener


@pytest.fixture
def other() -> Iterator[socket.socket]:
    with listening("127.0.0.1") as listener:
        yield listener


@pytest.fixture
def refusing() -> Iterator[Address]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield address(holder)


@pytest.fixture
def silent() -> Iterator[Address]:
    """Its queue is full: the kernel drops every further attempt."""
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(listening("127.0.0.1", backlog=0))
        for _ in range(3):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield address(listener)


@contextlib.asynccontextmanager
async def dialled(*addresses: Address, guard: Guard = allow_all) -> AsyncIterator[SocketAddress]:
    """Where a connection to a name with these addresses leads."""

    async def lookup(host: str, port: int) -> Sequence[Address]:
        return addresses

    made = await Dialler(Names(lookup), guard=guard).dial(ORIGIN, Reached)
    try:
        yield made.peer
    finally:
        made.transport.abort()


class Reached(asyncio.Protocol):
    transport: asyncio.WriteTransport
    peer: SocketAddress

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # a socket's
        self.peer = transport.get_extra_info("peername")


@needs_ipv6
async def test_an_ipv6_address_is_reached() -> None:
    with listening("::1") as listener:
        async with dialled(address(listener)) as peer:
            assert peer == listener.getsockname()


async def test_the_first_address_is_preferred(one: socket.socket, other: socket.socket) -> None:
    async with dialled(address(other), address(one)) as peer:
        assert peer == other.getsockname()


async def test_an_address_that_refuses_gives_way_at_once(refusing: Address, other: socket.socket) -> None:
    began = time.monotonic()
    async with dialled(refusing, refusing, address(other)) as peer:
        assert peer == other.getsockname()
    assert time.monotonic() - began < 0.4


async def test_an_address_that_is_silent_gives_way_soon(silent: Address, other: socket.socket) -> None:
    began = time.monotonic()
    async with dialled(silent, address(other)) as peer:
        assert peer == other.getsockname()
    assert 0.2 < time.monotonic() - began < 1


async def test_without_any_that_answers_the_first_failure_counts(refusing: Address) -> None:
    with pytest.raises(ConnectionRefusedError):
        async with dialled(refusing, refusing):
            pass


async def test_giving_up_ends_all_attempts(silent: Address) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.6), dialled(silent, silent, silent):
            pass
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "upstream.dial"]


async def test_a_forbidden_address_is_passed_over_unreached(one: socket.socket, other: socket.socket) -> None:
    def guard(host: str, asked: SocketAddress) -> None:
        assert host == ORIGIN.host
        if asked == one.getsockname():
            raise PermissionError("forbidden")

    async with dialled(address(one), address(other), guard=guard) as peer:
        assert peer == other.getsockname()
    one.settimeout(0)
    with pytest.raises(BlockingIOError):
        one.accept()
    with pytest.raises(PermissionError):
        async with dialled(address(one), guard=guard):
            pass


async def test_addresses_that_all_failed_are_looked_up_again(refusing: Address, one: socket.socket) -> None:
    found = [refusing]

    async def lookup(host: str, port: int) -> Sequence[Address]:
        return list(found)

    dialler = Dialler(Names(lookup))
    with pytest.raises(ConnectionRefusedError):
        await dialler.dial(ORIGIN, Reached)
    found[:] = [address(one)]
    made = await dialler.dial(ORIGIN, Reached)
    assert made.peer == one.getsockname()
    made.transport.abort()


async def test_small_packets_are_not_held_back(one: socket.socket) -> None:
    async def lookup(host: str, port: int) -> Sequence[Address]:
        return [address(one)]

    made = await Dialler(Names(lookup)).dial(ORIGIN, Reached)
    connected = made.transport.get_extra_info("socket")
    assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    made.transport.abort()
