"""Connections that break, stall or end too early, and what may be concluded from it."""

import asyncio
import gzip
import time

import pytest

from services.router.sse import Event
from services.router.upstream import Upstream
from services.runtime.errors import ProviderBroken, ProviderError, ProviderTimeout
from tests.integration.router.upstream.loops import on_both_loops
from tests.integration.router.upstream.scripted import (
    HELLO,
    LAST_CHUNK,
    OK,
    STREAM,
    Peer,
    Provider,
    Serve,
    ask,
    chunk,
    event,
    open_upstream,
    scripted,
)

PACKED = gzip.compress(b"hello" * 100)


def breaking_off(answer: bytes, how: str) -> Serve:
    """Sends a part of an answer, then closes, resets or falls silent."""

    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer)
        if how == "reset":
            peer.reset()
        elif how == "silence":
            await peer.gone()

    return serve


async def failure(upstream: Upstream, provider: Provider) -> ProviderError:
    """The error that a request ends with."""
    with pytest.raises(ProviderError) as failed:
        await ask(upstream, provider)
    return failed.value


@pytest.mark.parametrize("how", ("close", "reset"))
@pytest.mark.parametrize("part", (b"", b"HTT", b"HTTP/1.1 200 OK\r\ncontent-le", b"HTTP/1.1 100 Continue\r\n\r\n"))
@on_both_loops
async def test_no_answer_is_broken_and_may_have_been_dispatched(part: bytes, how: str) -> None:
    async with scripted(breaking_off(part, how)) as provider, open_upstream() as upstream:
        error = await failure(upstream, provider)
    assert isinstance(error, ProviderBroken)
    assert error.metadata["phase"] == "first_byte"
    assert len(provider.peers) == 1


@pytest.mark.parametrize("part", (b"", b"HTTP/1.1 200 OK\r\ncontent-le"))
@on_both_loops
async def test_silence_before_the_answer_is_a_timeout(part: bytes) -> None:
    async with scripted(breaking_off(part, "silence")) as provider, open_upstream(read=0.2) as upstream:
        began = time.monotonic()
        error = await failure(upstream, provider)
        assert 0.15 < time.monotonic() - began < 1.5
        await provider.played()
    assert isinstance(error, ProviderTimeout)
    assert error.metadata["phase"] == "first_byte"


@pytest.mark.parametrize("how", ("close", "reset"))
@pytest.mark.parametrize(
    "part",
    (
        OK + b"content-length: 10\r\n\r\nhello",
        OK + b"content-length: 10\r\n\r\n",
        OK + b"transfer-encoding: chunked\r\n\r\n" + chunk(b"hello"),
        OK + b"transfer-encoding: chunked\r\n\r\n10\r\nhello",
        OK + b"transfer-encoding: chunked\r\n\r\n" + chunk(b"hello") + b"0\r\n",
        OK + b"transfer-encoding: chunked\r\ncontent-encoding: gzip\r\n\r\n" + chunk(PACKED[:20]),
        OK + b"content-length: 20\r\ncontent-encoding: gzip\r\n\r\n" + PACKED[:20],
    ),
    ids=("length", "head only", "chunk", "amid a chunk", "last chunk", "gzip", "short gzip"),
)
@on_both_loops
async def test_a_body_that_is_cut_off_is_broken(part: bytes, how: str) -> None:
    async with scripted(breaking_off(part, how)) as provider, open_upstream() as upstream:
        error = await failure(upstream, provider)
    assert isinstance(error, ProviderBroken)
    assert error.metadata["phase"] == ("body" if how == "close" else error.metadata["phase"])


@on_both_loops
async def test_bytes_that_are_no_chunk_break_the_body() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK + b"transfer-encoding: chunked\r\n\r\n", chunk(b"hello"), b"xyz\r\nhello\r\n")
        await peer.gone()

    async with scripted(serve) as provider, open_upstream() as upstream:
        error = await failure(upstream, provider)
        await provider.played()
    assert isinstance(error, ProviderBroken)
    assert error.metadata["phase"] == "body"


@on_both_loops
async def test_silence_amid_a_body_is_a_timeout() -> None:
    part = OK + b"content-length: 10\r\n\r\nhello"
    async with scripted(breaking_off(part, "silence")) as provider, open_upstream(read=0.2) as upstream:
        error = await failure(upstream, provider)
        await provider.played()
    assert isinstance(error, ProviderTimeout)
    assert error.metadata["phase"] == "body"


@pytest.mark.parametrize("how", ("close", "reset", "silence"))
@on_both_loops
async def test_a_stream_that_breaks_off_has_given_what_came_before(how: str) -> None:
    given = asyncio.Event()

    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(STREAM, event("one"), event("two"))
        await given.wait()
        if how == "reset":
            peer.reset()
        elif how == "silence":
            await peer.gone()

    async with scripted(serve) as provider, open_upstream(read=0.3) as upstream:
        response = await upstream.send(provider.url, {}, b"{}")
        events: list[Event] = []
        with pytest.raises(ProviderError) as failed:  # noqa: PT012 - the events before the failure are the point
            async for batch in response.events():
                events += batch
                if len(events) == 2:
                    given.set()
        response.close()
        await provider.played()
    assert [each.data for each in events] == [b"one", b"two"]
    assert isinstance(failed.value, ProviderTimeout if how == "silence" else ProviderBroken)
    assert failed.value.metadata["phase"] == "stream"


@on_both_loops
async def test_a_trickle_is_not_silence() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(STREAM)
        for number in range(8):
            await peer.hesitate(0.1)
            await peer.send(event(str(number)))
        await peer.send(LAST_CHUNK)

    async with scripted(serve) as provider, open_upstream(read=0.25) as upstream:
        response = await upstream.send(provider.url, {}, b"{}")
        assert [each.data for batch in [batch async for batch in response.events()] for each in batch] == [
            b"%d" % number for number in range(8)
        ]


@on_both_loops
async def test_a_connection_that_was_closed_while_idle_costs_no_request() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(HELLO)

    async with scripted(serve) as provider, open_upstream() as upstream:
        for _ in range(3):
            assert await ask(upstream, provider) == b"hello"
            await provider.played()
    assert len(provider.peers) == 3


@pytest.mark.parametrize("how", ("close", "reset"))
@on_both_loops
async def test_a_used_connection_that_closes_unanswered_may_have_been_dispatched(how: str) -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(HELLO)
        await peer.request()
        if how == "reset":
            peer.reset()

    async with scripted(serve) as provider, open_upstream() as upstream:
        assert await ask(upstream, provider) == b"hello"
        with pytest.raises(ProviderBroken) as broken:
            await ask(upstream, provider)
    assert broken.value.metadata["phase"] == "first_byte"
    assert len(provider.peers) == 1, "it was sent twice"


@on_both_loops
async def test_a_broken_connection_is_not_used_again() -> None:
    async def serve(peer: Peer) -> None:
        if (await peer.request()).body == b"break":
            await peer.send(OK + b"content-length: 10\r\n\r\nhello")
        else:
            await peer.send(HELLO)
            await peer.gone()

    async with scripted(serve) as provider, open_upstream() as upstream:
        with pytest.raises(ProviderBroken):
            await ask(upstream, provider, b"break")
        assert await ask(upstream, provider) == b"hello"
    assert len(provider.peers) == 2
