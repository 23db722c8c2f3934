"""Whole answers, in every shape that HTTP/1 allows and some that it does not."""

import gzip
import zlib

import pytest

from services.runtime.errors import ProviderBroken
from tests.integration.router.upstream.loops import on_both_loops
from tests.integration.router.upstream.scripted import (
    HELLO,
    LAST_CHUNK,
    OK,
    Peer,
    answering,
    ask,
    chunk,
    open_upstream,
    scripted,
)

CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"
MOST_BODY = 64 * 1024 * 1024
TEXT = b"".join(b"%d bottles of beer on the wall, " % number for number in range(5000))


def encoded(encoding: str, content: bytes) -> bytes:
    """A whole answer with this content encoding."""
    return OK + b"content-encoding: %b\r\ncontent-length: %d\r\n\r\n" % (encoding.encode(), len(content)) + content


def raw_deflate(content: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(content) + compressor.flush()


@pytest.mark.parametrize(
    "answer",
    (
        HELLO,
        CHUNKED + chunk(b"he") + chunk(b"llo") + LAST_CHUNK,
        CHUNKED + b"5;name=value;other\r\nhello\r\n0;last\r\nx-trailer: 1\r\nx-other: 2\r\n\r\n",
        CHUNKED + b"0005\r\nhello\r\n000\r\n\r\n",
        OK + b"Transfer-Encoding: Chunked\r\n\r\n" + chunk(b"hello") + LAST_CHUNK,
        OK + b"connection: close\r\n\r\nhello",
        OK + b"\r\nhello",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 \r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 200\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\ncontent-length: 5\n\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\n" + HELLO,
        b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + HELLO,
        OK + b"upgrade: h2,h2c\r\nconnection: Upgrade\r\ncontent-length: 5\r\n\r\nhello",
        OK + b"content-length: 5\r\ncontent-encoding: identity\r\n\r\nhello",
    ),
    ids=(
        "length",
        "chunks",
        "extensions and trailers",
        "padded sizes",
        "capitals",
        "until close",
        "until close, unsaid",
        "1.0 until close",
        "1.0 length",
        "no reason",
        "no space",
        "bare LF",
        "continue",
        "hints",
        "upgrade offered",
        "identity",
    ),
)
@on_both_loops
async def test_a_body_is_read_to_its_end(answer: bytes) -> None:
    async with scripted(answering(answer)) as provider, open_upstream() as upstream:
        assert await ask(upstream, provider) == b"hello"


@pytest.mark.parametrize("status", (204, 304))
@on_both_loops
async def test_an_answer_that_has_no_body_ends_with_its_head(status: int) -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 %d None\r\n\r\n" % status)
        await peer.gone()

    async with scripted(serve) as provider, open_upstream() as upstream:
        assert await ask(upstream, provider) == b""


@on_both_loops
async def test_an_answer_may_come_byte_by_byte() -> None:
    answers = (
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"x-long: a b\r\nContent-Length: 5\r\n\r\nhello",
        CHUNKED + b"2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nx-trailer: 1\r\n\r\n",
    )

    async def serve(peer: Peer) -> None:
        for answer in answers:
            await peer.request()
            await peer.send(*(answer[at : at + 1] for at in range(len(answer))))

    async with scripted(serve) as provider, open_upstream() as upstream:
        for _ in answers:
            assert await ask(upstream, provider) == b"hello"


@on_both_loops
async def test_headers_are_found_whatever_their_case() -> None:
    answer = OK + b"Retry-After: 3\r\nX-MIXED-Case:  padded \t\r\nx-empty:\r\ncontent-length: 0\r\n\r\n"
    async with scripted(answering(answer)) as provider, open_upstream() as upstream:
        response = await upstream.send(provider.url, {}, b"{}")
        await response.read()
    assert response.headers.get("retry-after") == "3"
    assert response.headers.get("x-mixed-case") == "padded"
    assert response.headers.get("x-empty") == ""
    assert response.headers.get("x-absent") is None


@on_both_loops
async def test_many_small_chunks_make_one_body() -> None:
    answer = CHUNKED + b"".join(chunk(b"%d," % number) for number in range(20_000)) + LAST_CHUNK
    async with scripted(answering(answer)) as provider, open_upstream() as upstream:
        assert await ask(upstream, provider) == b"".join(b"%d," % number for number in range(20_000))


@pytest.mark.parametrize(
    ("encoding", "content"),
    (
        ("gzip", gzip.compress(TEXT)),
        ("GZIP", gzip.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
    ),
    ids=("gzip", "capitals", "deflate", "raw deflate"),
)
@on_both_loops
async def test_a_compressed_body_is_unpacked(encoding: str, content: bytes) -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(encoded(encoding, content))
        await peer.request()
        whole = encoded(encoding, content)
        await peer.send(*(whole[at : at + 100] for at in range(0, len(whole), 100)))

    async with scripted(serve) as provider, open_upstream() as upstream:
        assert await ask(upstream, provider) == TEXT
        assert await ask(upstream, provider) == TEXT


@pytest.mark.parametrize(
    "answer",
    (
        encoded("gzip", b"this was never packed"),
        encoded("gzip", gzip.compress(TEXT)[:200] + b"\xff" * 200),
        encoded("gzip", gzip.compress(TEXT)[:-8] + bytes(8)),
        encoded("deflate", b"\xff" * 100),
        encoded("br", b"anything"),
        encoded("gzip, gzip", gzip.compress(gzip.compress(TEXT))),
    ),
    ids=("plain", "corrupted", "wrong sum", "no deflate", "not asked for", "twice"),
)
@on_both_loops
async def test_a_body_that_cannot_be_unpacked_is_broken(answer: bytes) -> None:
    async with scripted(answering(answer)) as provider, open_upstream() as upstream:
        with pytest.raises(ProviderBroken) as broken:
            await ask(upstream, provider)
    assert broken.value.metadata["phase"] == "body"


@on_both_loops
async def test_a_body_of_the_greatest_size_is_taken_and_a_larger_one_refused() -> None:
    async def serve(peer: Peer) -> None:
        while True:
            size = int((await peer.request()).body)
            await peer.send(CHUNKED, *[chunk(bytes(MOST_BODY // 16))] * 16)
            await peer.send(chunk(bytes(1)) * (size - MOST_BODY), LAST_CHUNK)

    async with scripted(serve) as provider, open_upstream() as upstream:
        assert len(await ask(upstream, provider, b"%d" % MOST_BODY)) == MOST_BODY
        with pytest.raises(ProviderBroken, match="exceeds") as broken:
            await ask(upstream, provider, b"%d" % (MOST_BODY + 1))
    assert broken.value.metadata["phase"] == "body"


@on_both_loops
async def test_a_small_body_that_unpacks_to_a_huge_one_is_refused() -> None:
    bomb = gzip.compress(bytes(MOST_BODY + 1))
    async with scripted(answering(encoded("gzip", bomb))) as provider, open_upstream() as upstream:
        with pytest.raises(ProviderBroken) as broken:
            await ask(upstream, provider)
    assert broken.value.metadata["phase"] == "body"


@pytest.mark.parametrize(
    "head",
    (
        OK + b"x-long: " + b"a" * 1_000_000,
        OK + b"".join(b"x-%d: a\r\n" % number for number in range(100_000)),
        b"HTTP/1.1 200 " + b"a" * 1_000_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 50_000,
    ),
    ids=("one header", "many headers", "reason", "interim answers"),
)
@on_both_loops
async def test_a_head_without_an_end_is_refused(head: bytes) -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(head)
        await peer.gone()

    async with scripted(serve) as provider, open_upstream(read=20) as upstream:
        with pytest.raises(ProviderBroken) as broken:
            await ask(upstream, provider)
        await provider.played()
    assert broken.value.metadata["phase"] == "first_byte"


@pytest.mark.parametrize(
    "endless",
    (b"5;" + b"a" * 1_000_000, chunk(b"hello") + b"0\r\n" + b"x-trailer: a\r\n" * 50_000),
    ids=("chunk extension", "trailers"),
)
@on_both_loops
async def test_a_body_that_goes_on_without_content_is_refused(endless: bytes) -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED)
        await peer.send(endless)
        await peer.gone()

    async with scripted(serve) as provider, open_upstream(read=20) as upstream:
        with pytest.raises(ProviderBroken) as broken:
            await ask(upstream, provider)
        await provider.played()
    assert broken.value.metadata["phase"] == "body"


@pytest.mark.parametrize(
    "answer",
    (
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"<html>",
        OK + b"content-length: five\r\n\r\nhello",
        OK + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        OK + b"content-length: -1\r\n\r\n",
        OK + b"no colon\r\n\r\n",
        OK + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n" + chunk(b"hello") + LAST_CHUNK,
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    ),
)
@on_both_loops
async def test_what_is_not_http_is_broken(answer: bytes) -> None:
    async with scripted(answering(answer)) as provider, open_upstream() as upstream:
        with pytest.raises(ProviderBroken) as broken:
            await ask(upstream, provider)
        await provider.played()
    assert broken.value.metadata["phase"] == "first_byte"
