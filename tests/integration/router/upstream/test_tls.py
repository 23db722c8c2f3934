"""TLS: whom the router trusts, what it tells them, and that the faults of the transport look the same through it."""

import asyncio
import os

import pytest

from services.router.upstream import NotDispatched
from services.runtime.errors import ProviderBroken, ProviderTimeout
from tests.integration.router.upstream.conftest import Authority
from tests.integration.router.upstream.loops import on_both_loops
from tests.integration.router.upstream.scripted import (
    HELLO,
    LAST_CHUNK,
    OK,
    STREAM,
    Peer,
    Provider,
    answering,
    ask,
    event,
    open_upstream,
    scripted,
)


@on_both_loops
async def test_an_answer_over_tls_is_read_and_its_connection_used_again(authority: Authority) -> None:
    async with (
        scripted(answering(HELLO, HELLO), tls=authority.server_context()) as provider,
        open_upstream(tls=authority.client_context()) as upstream,
    ):
        assert await ask(upstream, provider) == b"hello"
        assert await ask(upstream, provider) == b"hello"
    assert len(provider.peers) == 1


@on_both_loops
async def test_a_stream_over_tls_is_read(authority: Authority) -> None:
    answer = STREAM + b"".join(event("x" * 10_000) for _ in range(100)) + LAST_CHUNK
    async with (
        scripted(answering(answer), tls=authority.server_context()) as provider,
        open_upstream(tls=authority.client_context()) as upstream,
    ):
        response = await upstream.send(provider.url, {}, b"{}")
        events = [each async for batch in response.events() for each in batch]
    assert [len(each.data) for each in events] == [10_000] * 100


@on_both_loops
async def test_a_large_body_arrives_whole_over_tls(authority: Authority) -> None:
    body = os.urandom(4 * 1024 * 1024)

    async def serve(peer: Peer) -> None:
        assert (await peer.request()).body == body
        await peer.send(HELLO)

    async with (
        scripted(serve, tls=authority.server_context()) as provider,
        open_upstream(tls=authority.client_context()) as upstream,
    ):
        assert await ask(upstream, provider, body) == b"hello"


@on_both_loops
async def test_the_name_asked_for_is_the_name_shown(authority: Authority) -> None:
    shown: list[str | None] = []
    hosts: list[str] = []
    context = authority.server_context()
    context.sni_callback = lambda _connection, name, _context: shown.append(name)

    async def serve(peer: Peer) -> None:
        hosts.extend((await peer.request()).headers["host"])
        await peer.send(HELLO)

    async with (
        scripted(serve, tls=context) as provider,
        open_upstream(tls=authority.client_context()) as upstream,
    ):
        assert await ask(upstream, Provider("localhost", provider.port, "https")) == b"hello"
    assert shown == ["localhost"]
    assert hosts == [f"localhost:{provider.port}"]


@on_both_loops
async def test_a_certificate_of_an_unknown_authority_was_not_dispatched(
    authority: Authority, stranger: Authority
) -> None:
    async with (
        scripted(answering(HELLO), tls=stranger.server_context()) as provider,
        open_upstream(tls=authority.client_context()) as upstream,
    ):
        with pytest.raises(NotDispatched) as refused:
            await ask(upstream, provider)
    assert isinstance(refused.value.error, ProviderBroken)
    assert refused.value.error.metadata["phase"] == "connect"
    assert not provider.peers


@on_both_loops
async def test_strangers_are_not_trusted_by_default(stranger: Authority) -> None:
    async with scripted(answering(HELLO), tls=stranger.server_context()) as provider, open_upstream() as upstream:
        with pytest.raises(NotDispatched) as refused:
            await ask(upstream, provider)
    assert isinstance(refused.value.error, ProviderBroken)


@on_both_loops
async def test_a_certificate_for_another_name_was_not_dispatched(misnamed: Authority) -> None:
    async with (
        scripted(answering(HELLO), tls=misnamed.server_context()) as provider,
        open_upstream(tls=misnamed.client_context()) as upstream,
    ):
        with pytest.raises(NotDispatched) as refused:
            await ask(upstream, provider)
    assert isinstance(refused.value.error, ProviderBroken)


@on_both_loops
async def test_a_server_that_speaks_no_tls_was_not_dispatched(authority: Authority) -> None:
    async def serve(peer: Peer) -> None:
        await peer.reader.read(16)
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with scripted(serve) as provider, open_upstream(tls=authority.client_context()) as upstream:
        with pytest.raises(NotDispatched) as refused:
            await ask(upstream, Provider("127.0.0.1", provider.port, "https"))
    assert isinstance(refused.value.error, ProviderBroken)


@on_both_loops
async def test_a_server_that_is_silent_on_tls_was_not_dispatched(authority: Authority) -> None:
    async with (
        scripted(Peer.gone) as provider,
        open_upstream(connect=0.3, tls=authority.client_context()) as upstream,
    ):
        with pytest.raises(NotDispatched) as refused:
            await ask(upstream, Provider("127.0.0.1", provider.port, "https"))
        await provider.played()
    assert isinstance(refused.value.error, ProviderTimeout)


@pytest.mark.parametrize("how", ("close", "reset"))
@on_both_loops
async def test_a_body_that_is_cut_off_is_broken_over_tls_too(authority: Authority, how: str) -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK + b"content-length: 10\r\n\r\n", b"hello")
        await peer.hesitate(0.05)
        if how == "reset":
            peer.reset()

    async with (
        scripted(serve, tls=authority.server_context()) as provider,
        open_upstream(tls=authority.client_context()) as upstream,
    ):
        with pytest.raises(ProviderBroken) as broken:
            await ask(upstream, provider)
    assert broken.value.metadata["phase"] == "body"


@on_both_loops
async def test_cancelling_closes_a_connection_over_tls(authority: Authority) -> None:
    received = asyncio.Event()

    async def serve(peer: Peer) -> None:
        await peer.request()
        received.set()
        await peer.gone()

    async with (
        scripted(serve, tls=authority.server_context()) as provider,
        open_upstream(tls=authority.client_context()) as upstream,
    ):
        sending = asyncio.create_task(upstream.send(provider.url, {}, b"{}"))
        await received.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await provider.played()
