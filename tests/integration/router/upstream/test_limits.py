"""How many connections there may be, how long they are kept, and where they may lead."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.router.upstream import Limits, NotDispatched, Timeouts, Upstream
from services.router.upstream.names import SocketAddress
from services.runtime.errors import ProviderBroken, ProviderTimeout
from tests.fixtures.eventually import eventually
from tests.integration.router.upstream.loops import on_both_loops
from tests.integration.router.upstream.scripted import (
    HELLO,
    LAST_CHUNK,
    OK,
    STREAM,
    Peer,
    answering,
    ask,
    event,
    open_upstream,
    scripted,
)


@asynccontextmanager
async def limited(*, per_host: int = 1_024, idle: float = 60.0, connect: float = 2.0) -> AsyncIterator[Upstream]:
    upstream = Upstream(Timeouts(connect, read=5.0), limits=Limits(per_host, idle))
    try:
        yield upstream
    finally:
        await upstream.close()


async def forever(peer: Peer) -> None:
    """Answers every request."""
    while True:
        await peer.request()
        await peer.send(HELLO)


@on_both_loops
async def test_more_requests_than_connections_wait_for_their_turn() -> None:
    async with scripted(forever) as provider, limited(per_host=3) as upstream:
        answers = await asyncio.gather(*(ask(upstream, provider) for _ in range(50)))
    assert answers == [b"hello"] * 50
    assert len(provider.peers) == 3


@on_both_loops
async def test_whoever_waits_too_long_for_a_connection_was_not_dispatched() -> None:
    received = asyncio.Event()

    async def serve(peer: Peer) -> None:
        await peer.request()
        received.set()
        await peer.gone()

    async with scripted(serve) as provider, limited(per_host=1, connect=0.2) as upstream:
        first = asyncio.create_task(ask(upstream, provider))
        await received.wait()
        with pytest.raises(NotDispatched) as refused:
            await ask(upstream, provider)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
    assert isinstance(refused.value.error, ProviderTimeout)
    assert len(provider.peers) == 1


@on_both_loops
async def test_a_connection_that_was_cancelled_makes_room_for_another() -> None:
    async def serve(peer: Peer) -> None:
        while (await peer.request()).body != b"hang":
            await peer.send(HELLO)
        await peer.gone()

    async with scripted(serve) as provider, limited(per_host=1) as upstream:
        hanging = asyncio.create_task(ask(upstream, provider, b"hang"))
        waiting = [asyncio.create_task(ask(upstream, provider)) for _ in range(3)]
        await eventually(lambda: provider.peers)
        waiting[0].cancel()
        hanging.cancel()
        assert await asyncio.gather(*waiting[1:]) == [b"hello", b"hello"]


@on_both_loops
async def test_a_failed_attempt_makes_room_for_another() -> None:
    async with limited(per_host=1) as upstream:
        outcomes = await asyncio.gather(
            *(upstream.send("http://127.0.0.1:1/", {}, b"{}") for _ in range(5)), return_exceptions=True
        )
    assert [type(outcome) for outcome in outcomes] == [NotDispatched] * 5


@on_both_loops
async def test_an_idle_connection_is_closed_after_a_while() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(HELLO)
        await peer.gone()

    async with scripted(serve) as provider, limited(idle=0.2) as upstream:
        assert await ask(upstream, provider) == b"hello"
        began = time.monotonic()
        await provider.played()
        assert 0.15 < time.monotonic() - began < 1.5


@pytest.mark.parametrize(("hint", "connections"), (("timeout=1, max=100", 2), ("max=100", 1), ("timeout=soon", 1)))
@on_both_loops
async def test_a_connection_is_kept_no_longer_than_the_provider_says(hint: str, connections: int) -> None:
    answer = OK + f"keep-alive: {hint}\r\ncontent-length: 5\r\n\r\nhello".encode()
    async with scripted(answering(answer, answer)) as provider, open_upstream() as upstream:
        for _ in range(2):
            assert await ask(upstream, provider) == b"hello"
    assert len(provider.peers) == connections


@on_both_loops
async def test_nothing_is_sent_after_closing() -> None:
    async with scripted(forever) as provider:
        async with open_upstream() as upstream:
            assert await ask(upstream, provider) == b"hello"
        with pytest.raises(NotDispatched):
            await ask(upstream, provider)


@on_both_loops
async def test_a_guard_sees_each_address_and_may_forbid_it() -> None:
    seen: list[SocketAddress] = []

    def guard(host: str, address: SocketAddress) -> None:
        assert host == "127.0.0.1"
        seen.append(address)
        if len(seen) > 1:
            raise PermissionError("not this one")

    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK + b"connection: close\r\ncontent-length: 5\r\n\r\nhello")

    async with scripted(serve) as provider:
        upstream = Upstream(Timeouts(), guard=guard)
        assert await ask(upstream, provider) == b"hello"
        with pytest.raises(NotDispatched) as refused:
            await ask(upstream, provider)
        await upstream.close()
    assert isinstance(refused.value.error, ProviderBroken)
    assert seen == [("127.0.0.1", provider.port)] * 2
    assert len(provider.peers) == 1


@on_both_loops
async def test_a_released_stream_whose_end_is_near_keeps_its_connection() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(STREAM, event("[DONE]"))
        await released.wait()
        await peer.send(event("more"), LAST_CHUNK)
        await peer.request()
        await peer.send(HELLO)

    released = asyncio.Event()
    async with scripted(serve) as provider, open_upstream() as upstream:
        response = await upstream.send(provider.url, {}, b"{}")
        await anext(response.events())
        response.release()
        response.release()
        released.set()
        await eventually(lambda: response._exchange.complete)
        assert await ask(upstream, provider) == b"hello"
    assert len(provider.peers) == 1


@on_both_loops
async def test_a_released_stream_that_does_not_end_is_closed() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(STREAM, event("[DONE]"))
        if len(provider.peers) == 1:
            await peer.gone()
        while True:
            await peer.send(event("x" * 10_000))

    async with scripted(serve) as provider, open_upstream() as upstream:
        for _ in range(2):
            response = await upstream.send(provider.url, {}, b"{}")
            await anext(response.events())
            response.release()
            began = time.monotonic()
            await eventually(lambda: all(script.done() for script in provider.scripts))
            assert time.monotonic() - began < 2


@on_both_loops
async def test_an_answer_that_is_dropped_unread_closes_its_connection() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(STREAM, event("one"))
        await peer.gone()

    async with scripted(serve) as provider, open_upstream() as upstream:
        response = await upstream.send(provider.url, {}, b"{}")
        assert response.status == 200
        del response
        await provider.played()
