import asyncio

import pytest

from services.router.upstream.exchange import Exchange, Garbled
from services.router.upstream.parsing import AnswerParser

ANSWERS = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a: 2\r\n\r\nhello",
    "chunks": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nx-a: 3\r\n\r\n",
    "interim": b"HTTP/1.1 100 Continue\r\nx-b: 1\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    "1.0": b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 5\r\n\r\nhello",
}


class NoLine:
    """A connection that has nothing to do."""

    def resume(self) -> None:
        pass

    def abort(self) -> None:
        raise AssertionError("closed")

    def linger(self) -> None:
        raise AssertionError("closed")


async def expected(parser: AnswerParser) -> Exchange:
    exchange = Exchange(NoLine(), asyncio.get_running_loop())
    parser.expect(exchange)
    return exchange


@pytest.mark.parametrize("form", ANSWERS)
async def test_an_answer_is_read_wherever_it_is_cut(form: str) -> None:
    answer = ANSWERS[form]
    parser = AnswerParser()
    for cut in range(1, len(answer)):
        exchange = await expected(parser)
        assert not parser.feed(answer[:cut])
        assert parser.feed(answer[cut:])
        assert exchange.status == 200
        assert await exchange.piece() == b"hello"
        assert await exchange.piece() == b""
        assert parser.keep_alive
        assert b"x-b" not in exchange.headers
        assert exchange.headers.get(b"x-a") == (b"1, 2" if form == "length" else None)


@pytest.mark.parametrize("form", ANSWERS)
async def test_what_follows_an_answer_is_refused_and_the_answer_whole(form: str) -> None:
    for together in (True, False):
        parser = AnswerParser()
        exchange = await expected(parser)
        if not together:
            assert parser.feed(ANSWERS[form])
        with pytest.raises(Garbled):
            parser.feed(ANSWERS[form] + b"HTTP/1.1 408 Request Timeout\r\n" if together else b"H")
        assert exchange.complete
        assert await exchange.piece() == b"hello"


@pytest.mark.parametrize(
    ("head", "ends"),
    (
        (b"HTTP/1.1 200 OK\r\n\r\n", True),
        (b"HTTP/1.0 200 OK\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, Chunked \r\n\r\n5\r\n", False),
        (b"HTTP/1.1 200 OK\r\n", False),
        (b"HTTP/1.1 100 Continue\r\n\r\n", False),
    ),
)
async def test_the_end_of_the_connection_ends_a_body_of_no_stated_length(head: bytes, ends: bool) -> None:
    parser = AnswerParser()
    exchange = await expected(parser)
    parser.feed(head)
    assert not parser.keep_alive or not ends
    assert parser.end() is ends
    assert exchange.complete is ends
    assert not parser.end()


async def test_a_head_may_not_grow_without_end() -> None:
    parser = AnswerParser()
    await expected(parser)
    parser.feed(b"HTTP/1.1 200 OK\r\nx-long: ")
    with pytest.raises(Garbled, match="without content"):  # noqa: PT012 - whichever piece is too much
        for _ in range(20):
            parser.feed(b"a" * 4_096)


async def test_a_long_stream_of_small_pieces_is_no_head_without_end() -> None:
    parser = AnswerParser()
    exchange = await expected(parser)
    parser.feed(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    for _ in range(50_000):
        for part in (b"1", b"\r\n", b"x", b"\r\n"):
            parser.feed(part)
    assert exchange.size == 50_000


@pytest.mark.parametrize(
    ("hint", "seconds"),
    ((b"timeout=5", 5), (b"timeout=5, max=100", 5), (b"max=9, timeout= 7", 7), (b"timeout=-1", None), (b"", None)),
)
async def test_how_long_the_provider_keeps_a_connection(hint: bytes, seconds: float | None) -> None:
    parser = AnswerParser()
    await expected(parser)
    parser.feed(b"HTTP/1.1 200 OK\r\nkeep-alive: %b\r\ncontent-length: 0\r\n\r\n" % hint)
    assert parser.idle_hint == seconds
