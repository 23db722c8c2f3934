"""What goes over the wire, and how much of it when the provider has already made up its mind."""

import asyncio
import contextlib
import os

import pytest

from services.router.upstream import Upstream
from services.runtime.errors import ProviderBroken
from tests.integration.router.upstream.loops import on_both_loops
from tests.integration.router.upstream.scripted import HELLO, OK, Peer, Request, answering, ask, open_upstream, scripted


async def sent(upstream: Upstream, path: str, headers: dict[str, str], body: bytes) -> Request:
    """What a provider receives."""
    requests: list[Request] = []

    async def serve(peer: Peer) -> None:
        requests.append(await peer.request())
        await peer.send(HELLO)

    async with scripted(serve) as provider:
        response = await upstream.send(f"http://127.0.0.1:{provider.port}{path}", headers, body)
        assert await response.read() == b"hello"
    (request,) = requests
    assert request.headers.pop("host") == [f"127.0.0.1:{provider.port}"]
    return request


@on_both_loops
async def test_a_request_says_no_more_than_it_must() -> None:
    headers = {"content-type": "application/json", "authorization": "Bearer key", "x-a": "b: c, d"}
    async with open_upstream() as upstream:
        request = await sent(upstream, "/v1/chat", headers, b'{"a":1}')
    assert request.line == "POST /v1/chat HTTP/1.1"
    assert request.body == b'{"a":1}'
    encodings = request.headers.pop("accept-encoding")[0].replace(" ", "").split(",")
    assert encodings == ["gzip", "deflate"]
    assert request.headers.pop("content-length") == ["7"]
    assert request.headers == {name: [value] for name, value in headers.items()}


@pytest.mark.parametrize(
    ("path", "target"),
    (
        ("/", "/"),
        ("", "/"),
        ("/openai/v1/chat/completions", "/openai/v1/chat/completions"),
        ("/deployments/gpt/chat?api-version=2026-01-01&x=1", "/deployments/gpt/chat?api-version=2026-01-01&x=1"),
        ("?x=1", "/?x=1"),
        ("/v1beta/models/gemini:generateContent", "/v1beta/models/gemini:generateContent"),
        ("/a b/\u00e9", "/a%20b/%C3%A9"),
        ("/a%20b%2Fc", "/a%20b%2Fc"),
        ("/a#part", "/a"),
    ),
)
@on_both_loops
async def test_the_target_is_the_path_and_query_of_the_address(path: str, target: str) -> None:
    async with open_upstream() as upstream:
        request = await sent(upstream, path, {}, b"{}")
    assert request.line == f"POST {target} HTTP/1.1"


@on_both_loops
async def test_a_line_break_in_an_address_makes_no_header() -> None:
    async with open_upstream() as upstream:
        request = await sent(upstream, "/a\r\nx-evil:1\r\n/b", {}, b"{}")
    assert "x-evil" not in request.headers


@on_both_loops
async def test_a_large_body_arrives_whole() -> None:
    body = os.urandom(8 * 1024 * 1024)
    async with open_upstream() as upstream:
        assert (await sent(upstream, "/v1", {}, body)).body == body


@on_both_loops
async def test_an_empty_body_is_sent_as_one() -> None:
    async with open_upstream() as upstream:
        request = await sent(upstream, "/v1", {}, b"")
    assert request.headers["content-length"] == ["0"]


@on_both_loops
async def test_cookies_are_not_kept() -> None:
    requests: list[Request] = []

    async def serve(peer: Peer) -> None:
        for _ in range(2):
            requests.append(await peer.request())
            await peer.send(OK + b"set-cookie: a=b\r\ncontent-length: 0\r\n\r\n")

    async with scripted(serve) as provider, open_upstream() as upstream:
        await ask(upstream, provider)
        await ask(upstream, provider)
    assert not any("cookie" in request.headers for request in requests)


@on_both_loops
async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with scripted(answering(HELLO)) as provider, open_upstream() as upstream:
        assert await ask(upstream, provider) == b"hello"


@pytest.mark.parametrize("status", (301, 302, 303, 307, 308))
@on_both_loops
async def test_a_redirect_is_an_answer_like_any_other(status: int) -> None:
    answer = b"HTTP/1.1 %d Elsewhere\r\nlocation: /elsewhere\r\ncontent-length: 2\r\n\r\nno" % status
    async with scripted(answering(answer)) as provider, open_upstream() as upstream:
        response = await upstream.send(provider.url, {}, b"{}")
        assert response.status == status
        assert response.headers.get("location") == "/elsewhere"
        assert await response.read() == b"no"
    assert len(provider.peers) == 1


@on_both_loops
async def test_an_answer_given_before_the_body_was_read_is_an_answer() -> None:
    async def serve(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 9\r\n\r\ntoo large")
        await peer.gone()

    async with scripted(serve) as provider, open_upstream() as upstream:
        response = await upstream.send(provider.url, {}, bytes(32 * 1024 * 1024))
        assert response.status == 413
        assert await response.read() == b"too large"
        response.close()
        await provider.played()


@on_both_loops
async def test_a_connection_whose_upload_was_cut_short_takes_no_further_request() -> None:
    async def serve(peer: Peer) -> None:
        head = await peer.head()
        if head.headers["content-length"] == ["2"]:
            await peer.send(HELLO)
            return
        await peer.send(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
        await peer.gone()

    async with scripted(serve) as provider, open_upstream() as upstream:
        response = await upstream.send(provider.url, {}, bytes(32 * 1024 * 1024))
        assert response.status == 413
        await response.read()
        response.close()
        assert await ask(upstream, provider) == b"hello"
        assert len(provider.peers) == 2


@on_both_loops
async def test_a_connection_closed_amid_the_upload_may_have_been_dispatched() -> None:
    async def serve(peer: Peer) -> None:
        await peer.head()
        await peer.reader.readexactly(1024)
        peer.reset()

    async with scripted(serve) as provider, open_upstream() as upstream:
        with pytest.raises(ProviderBroken) as broken:
            await upstream.send(provider.url, {}, bytes(32 * 1024 * 1024))
    assert broken.value.metadata["phase"] == "first_byte"


@on_both_loops
async def test_cancelling_amid_the_upload_closes_the_connection() -> None:
    uploading = asyncio.Event()

    async def serve(peer: Peer) -> None:
        await peer.head()
        uploading.set()
        # Not read on: only so is the upload stuck, and the client's leaving seen by what follows.
        await left.wait()
        await peer.gone()

    left = asyncio.Event()
    async with scripted(serve) as provider, open_upstream() as upstream:
        sending = asyncio.create_task(upstream.send(provider.url, {}, bytes(32 * 1024 * 1024)))
        await uploading.wait()
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending
        left.set()
        await provider.played()
