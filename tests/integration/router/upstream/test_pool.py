"""Which connections are used again, and which are not."""

import asyncio

import pytest

from services.router.upstream import Upstream
from tests.integration.router.upstream.loops import on_both_loops
from tests.integration.router.upstream.scripted import (
    HELLO,
    LAST_CHUNK,
    OK,
    Peer,
    Provider,
    answering,
    ask,
    chunk,
    open_upstream,
    scripted,
)


async def forever(peer: Peer) -> None:
    """Answers every request."""
    while True:
        await peer.request()
        await peer.send(HELLO)


async def ask_all(upstream: Upstream, provider: Provider, count: int) -> None:
    """So many requests at once."""
    answers = await asyncio.gather(*(ask(upstream, provider) for _ in range(count)))
    assert answers == [b"hello"] * count


@pytest.mark.parametrize(
    "answer",
    (
        HELLO,
        OK + b"transfer-encoding: chunked\r\n\r\n" + chunk(b"hello") + LAST_CHUNK,
        b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 5\r\n\r\nhello",
    ),
    ids=("length", "chunked", "1.0 kept alive"),
)
@on_both_loops
async def test_a_connection_is_used_again(answer: bytes) -> None:
    async with scripted(answering(answer, answer, answer)) as provider, open_upstream() as upstream:
        for _ in range(3):
            assert await ask(upstream, provider) == b"hello"
    assert len(provider.peers) == 1


@pytest.mark.parametrize(
    "answer",
    (
        OK + b"connection: close\r\ncontent-length: 5\r\n\r\nhello",
        OK + b"Connection: Close\r\ntransfer-encoding: chunked\r\n\r\n" + chunk(b"hello") + LAST_CHUNK,
        b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    ),
    ids=("said", "said, chunked", "1.0"),
)
@on_both_loops
async def test_a_connection_that_is_to_be_closed_is_closed(answer: bytes) -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer)
        await peer.gone()

    async with scripted(serve) as provider, open_upstream() as upstream:
        assert await ask(upstream, provider) == b"hello"
        await provider.played()
        assert await ask(upstream, provider) == b"hello"
    assert len(provider.peers) == 2


@on_both_loops
async def test_as_many_connections_as_requests_at_once() -> None:
    async with scripted(forever) as provider, open_upstream() as upstream:
        await ask_all(upstream, provider, 50)
        assert len(provider.peers) <= 50
        opened = len(provider.peers)
        await ask_all(upstream, provider, opened)
        assert len(provider.peers) == opened


@pytest.mark.parametrize(
    "pieces",
    (
        (HELLO, b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 4\r\n\r\nlate"),
        (HELLO + b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nmore",),
    ),
    ids=("later", "at once"),
)
@on_both_loops
async def test_what_follows_an_answer_spoils_the_connection_and_no_answer(pieces: tuple[bytes, ...]) -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        for piece in pieces:
            await peer.send(piece)
        await peer.gone()

    async with scripted(serve) as provider, open_upstream() as upstream:
        for _ in range(2):
            assert await ask(upstream, provider) == b"hello"
            await provider.played()
    assert len(provider.peers) == 2


@on_both_loops
async def test_connections_of_different_providers_are_kept_apart() -> None:
    async with scripted(forever) as one, scripted(forever) as other, open_upstream() as upstream:
        for provider in (one, other, one, other):
            assert await ask(upstream, provider) == b"hello"
        assert len(one.peers) == len(other.peers) == 1
        # The same address under another name is another provider.
        assert await ask(upstream, Provider("localhost", one.port)) == b"hello"
    assert len(one.peers) == 2


@on_both_loops
async def test_closing_closes_what_is_idle_and_what_is_not() -> None:
    async def serve(peer: Peer) -> None:
        body = (await peer.request()).body
        await peer.send(OK + b"content-length: 10\r\n\r\nhello" if body == b"busy" else HELLO)
        await peer.gone()

    async with scripted(serve) as provider:
        async with open_upstream() as upstream:
            response = await upstream.send(provider.url, {}, b"busy")
            assert await ask(upstream, provider) == b"hello"
        await provider.played()
        response.close()
    assert len(provider.peers) == 2
