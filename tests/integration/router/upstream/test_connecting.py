"""What happens before a request can be sent: none of it may count as sent."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator

import pytest

from services.router.upstream import NotDispatched
from services.runtime.errors import ProviderBroken, ProviderTimeout
from tests.fixtures.ipv6 import needs_ipv6
from tests.integration.router.upstream.loops import on_both_loops
from tests.integration.router.upstream.scripted import HELLO, Peer, Provider, answering, ask, open_upstream, scripted


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose queue of connections is full, so that the kernel drops every further attempt in silence."""
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        port: int = listener.getsockname()[1]
        yield port


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is taken, and refuses connections."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port: int = holder.getsockname()[1]
        yield port


@on_both_loops
async def test_a_refused_connection_was_not_dispatched(closed_port: int) -> None:
    async with open_upstream() as upstream:
        with pytest.raises(NotDispatched) as refused:
            await upstream.send(f"http://127.0.0.1:{closed_port}/v1", {}, b"{}")
    assert isinstance(refused.value.error, ProviderBroken)
    assert refused.value.error.metadata["phase"] == "connect"


@on_both_loops
async def test_a_connection_that_takes_too_long_was_not_dispatched(full_port: int) -> None:
    async with open_upstream(connect=0.2) as upstream:
        began = time.monotonic()
        with pytest.raises(NotDispatched) as refused:
            await upstream.send(f"http://127.0.0.1:{full_port}/v1", {}, b"{}")
    assert 0.1 < time.monotonic() - began < 1.5
    assert isinstance(refused.value.error, ProviderTimeout)
    assert refused.value.error.metadata["phase"] == "connect"


@on_both_loops
async def test_cancelling_while_connecting_returns_at_once(full_port: int) -> None:
    async with open_upstream(connect=20) as upstream:
        sending = asyncio.create_task(upstream.send(f"http://127.0.0.1:{full_port}/v1", {}, b"{}"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await sending
        assert sending.cancelled()


@on_both_loops
async def test_a_name_that_does_not_exist_was_not_dispatched() -> None:
    async with open_upstream() as upstream:
        with pytest.raises(NotDispatched):
            await upstream.send("http://no-such-host.invalid/v1", {}, b"{}")


@pytest.mark.parametrize(
    "url",
    (
        "",
        "nowhere",
        "/v1/chat/completions",
        "http://",
        "http:///v1",
        "ftp://127.0.0.1/v1",
        "http://127.0.0.1:http/v1",
        "http://127.0.0.1:70000/v1",
        f"http://{'a' * 70}.example/v1",
    ),
)
@on_both_loops
async def test_an_address_that_is_none_was_not_dispatched(url: str) -> None:
    async with open_upstream() as upstream:
        with pytest.raises(NotDispatched) as refused:
            await upstream.send(url, {}, b"{}")
    assert isinstance(refused.value.error, ProviderBroken)
    assert refused.value.error.metadata["phase"] == "connect"


@on_both_loops
async def test_a_host_may_be_a_name() -> None:
    async with scripted(answering(HELLO)) as provider, open_upstream() as upstream:
        assert await ask(upstream, Provider("localhost", provider.port)) == b"hello"


@needs_ipv6
@on_both_loops
async def test_an_ipv6_address_stands_in_brackets_in_the_host_header() -> None:
    hosts: list[str] = []

    async def serve(peer: Peer) -> None:
        hosts.extend((await peer.request()).headers["host"])
        await peer.send(HELLO)

    async with scripted(serve, host="::1") as provider, open_upstream() as upstream:
        assert await ask(upstream, provider) == b"hello"
    assert hosts == [f"[::1]:{provider.port}"]


@pytest.mark.parametrize(
    "headers",
    (
        {"authorization": "Bearer a\r\nx-evil: 1"},
        {"authorization": "Bearer a\nx-evil: 1"},
        {"authorization": "Bearer a\rx-evil: 1"},
        {"authorization": "Bearer a\0b"},
        {"x-first: 1\r\nx-evil": "1"},
    ),
    ids=("crlf", "lf", "cr", "nul", "name"),
)
@on_both_loops
async def test_a_header_that_would_become_two_is_refused_before_anything_is_sent(headers: dict[str, str]) -> None:
    received = bytearray()

    async def serve(peer: Peer) -> None:
        while some := await peer.reader.read(1024):
            received.extend(some)

    async with scripted(serve) as provider:
        async with open_upstream() as upstream:
            with pytest.raises(NotDispatched) as refused:
                await upstream.send(provider.url, headers, b"{}")
        await provider.played()
    assert isinstance(refused.value.error, ProviderBroken)
    assert not received
