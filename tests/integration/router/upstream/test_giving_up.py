"""Answers that are not wanted any more: the provider is to know at once, for it may stop working on them."""

import asyncio
import time

import pytest

from services.runtime.errors import ProviderError
from tests.integration.router.upstream.loops import on_both_loops
from tests.integration.router.upstream.scripted import OK, STREAM, Peer, event, open_upstream, scripted

SOON_S = 0.5
"""Generous for a busy machine; it takes a millisecond."""


@on_both_loops
async def test_closing_amid_a_stream_closes_the_connection_at_once() -> None:
    gone_at: list[float] = []

    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(STREAM, event("one"))
        await peer.gone()
        gone_at.append(time.monotonic())

    async with scripted(serve) as provider, open_upstream() as upstream:
        response = await upstream.send(provider.url, {}, b"{}")
        await anext(response.events())
        closed_at = time.monotonic()
        response.close()
        response.close()
        await provider.played()
        assert gone_at[0] - closed_at < SOON_S
        with pytest.raises(ProviderError):
            await anext(response.events())


@on_both_loops
async def test_closing_an_answer_that_was_not_read_closes_the_connection() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK + b"content-length: 10\r\n\r\nhello")
        await peer.gone()

    async with scripted(serve) as provider, open_upstream() as upstream:
        response = await upstream.send(provider.url, {}, b"{}")
        response.close()
        await provider.played()


@on_both_loops
async def test_cancelling_while_waiting_for_the_answer_closes_the_connection() -> None:
    received = asyncio.Event()
    gone_at: list[float] = []

    async def serve(peer: Peer) -> None:
        await peer.request()
        received.set()
        await peer.gone()
        gone_at.append(time.monotonic())

    async with scripted(serve) as provider, open_upstream() as upstream:
        sending = asyncio.create_task(upstream.send(provider.url, {}, b"{}"))
        await received.wait()
        cancelled_at = time.monotonic()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await provider.played()
    assert gone_at[0] - cancelled_at < SOON_S


@on_both_loops
async def test_cancelling_amid_a_body_closes_the_connection() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK + b"content-length: 10\r\n\r\nhello")
        await peer.gone()

    async with scripted(serve) as provider, open_upstream() as upstream:
        response = await upstream.send(provider.url, {}, b"{}")
        reading = asyncio.create_task(response.read())
        await asyncio.sleep(0)
        cancelled_at = time.monotonic()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await provider.played()
        assert time.monotonic() - cancelled_at < SOON_S
