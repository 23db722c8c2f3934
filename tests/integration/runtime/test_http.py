"""What the HTTP server does with clients that do not say what they want."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from services.runtime.http import HttpServer

HEAD_SECONDS = 0.2
GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n"

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await PlainTextResponse(b"<" + body + b">")(scope, receive, send)


@asynccontextmanager
async def connected() -> AsyncIterator[Connection]:
    server = HttpServer(echo, "127.0.0.1", 0, name="echo", head_seconds=HEAD_SECONDS)
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        await server.stop(1)


async def answered(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(5):
        return await reader.readuntil(b">")


async def closed(reader: asyncio.StreamReader) -> None:
    async with asyncio.timeout(5):
        # A byte that comes after the server has closed is answered with a reset.
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""


async def hesitate(reader: asyncio.StreamReader, seconds: float) -> None:
    """Waits, during which the server says nothing and does not close."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), seconds)


@pytest.mark.parametrize("begun", (b"", b"\r\n", b"GET / HTTP/1.1\r\nhost: x\r\n"))
async def test_a_connection_whose_first_head_does_not_end_is_closed(begun: bytes) -> None:
    async with connected() as (reader, writer):
        writer.write(begun)
        await closed(reader)


@pytest.mark.parametrize("begun", (b"\r\n", b"GET / HTTP/1.1\r\nhost: x\r\n"))
async def test_a_connection_whose_later_head_does_not_end_is_closed(begun: bytes) -> None:
    async with connected() as (reader, writer):
        writer.write(GET)
        assert (await answered(reader)).endswith(b"<>")
        writer.write(begun)
        await closed(reader)


async def test_a_head_that_trickles_does_not_keep_its_connection() -> None:
    async with connected() as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nx: ")
        closing = asyncio.ensure_future(closed(reader))
        while not (await asyncio.wait([closing], timeout=HEAD_SECONDS / 10))[0]:
            writer.write(b"x")
        await closing


async def test_a_connection_between_two_requests_is_kept() -> None:
    async with connected() as (reader, writer):
        for _ in range(2):
            writer.write(GET)
            assert (await answered(reader)).endswith(b"<>")
            await hesitate(reader, 3 * HEAD_SECONDS)


async def test_a_body_may_take_longer_than_a_head() -> None:
    async with connected() as (reader, writer):
        writer.write(POST)
        await hesitate(reader, 3 * HEAD_SECONDS)
        writer.write(b"whole")
        assert (await answered(reader)).endswith(b"<whole>")
