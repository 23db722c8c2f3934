import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from services.runtime.grpc_asgi.framing import framed
from services.runtime.rpc import RpcContext
from tests.integration.runtime.echo_service import EchoService, unimpressed_service
from tests.integration.runtime.h2_client import (
    CONTINUATION,
    DATA,
    HEADERS,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    H2Client,
    frame,
)

MIB = 1024 * 1024


@pytest.fixture
async def service(capfd: pytest.CaptureFixture[str]) -> AsyncIterator[EchoService]:
    async with unimpressed_service(capfd) as running:
        yield running


async def said_to(service: EchoService, raw: Sequence[bytes]) -> bytes:
    """What the server answers until it closes the connection."""
    host, _, port = service.target.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionError):
                for piece in raw:
                    writer.write(piece)
                    await writer.drain()
            heard = b""
            with contextlib.suppress(ConnectionError):
                while came := await reader.read(65_536):
                    heard += came
            return heard
    finally:
        writer.transport.abort()


@pytest.mark.parametrize(
    "raw",
    (
        b"GET / HTTP/1.1\r\nhost: test\r\nauthorization: Bearer hunter2\r\n\r\n",
        b"POST /pantheon.echo.v1.EchoService/Unary HTTP/1.1\r\nhost: test\r\ncontent-length: 5\r\n\r\n" + bytes(5),
        b"PRI * HTTP/1.1\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(508),
        b"SSH-2.0-OpenSSH_9.6\r\n" + bytes(100),
        bytes(100_000),
    ),
    ids=("HTTP/1.1 GET", "HTTP/1.1 POST", "nearly a preface", "TLS", "SSH", "nothing known"),
)
async def test_what_is_no_http2_is_hung_up_on(service: EchoService, raw: bytes) -> None:
    heard = await said_to(service, (raw,))
    assert b"hunter2" not in heard
    assert b"HTTP/1.1 200" not in heard


@pytest.mark.parametrize(
    "raw",
    (
        frame(DATA, 1, 1, b"x"),
        frame(HEADERS, 4, 0, b"\x82"),
        frame(HEADERS, 4, 2, b"\x82"),
        frame(HEADERS, 5, 1, b"\xff\xff\xff\xff\xff\xff"),
        frame(CONTINUATION, 4, 1, b"\x82"),
        frame(HEADERS, 1, 1, b"\x82") + frame(PING, 0, 0, bytes(8)),
        frame(PING, 0, 0, bytes(7)),
        frame(SETTINGS, 0, 0, b"\0\4\xff\xff\xff\xff"),
        frame(RST_STREAM, 0, 1, bytes(4)),
        b"\xff\xff\xff\0\0\0\0\0\1",
    ),
    ids=("data on no stream", "headers on stream 0", "an even stream", "bad compression", "a stray continuation",
         "headers broken off", "a short ping", "an impossible window", "reset of no stream", "a frame of 16 MiB"),
)  # fmt: skip
async def test_a_breach_of_the_protocol_ends_the_connection(service: EchoService, raw: bytes) -> None:
    heard = await said_to(service, (PREFACE, frame(SETTINGS, 0, 0, b""), raw))
    assert b"\x07\0\0\0\0\0" in heard  # a GOAWAY


@pytest.mark.parametrize(
    ("replaced", "status"),
    (
        ({"content_type": "application/json"}, "415"),
        ({"content_type": "application/grpc-web+proto"}, "415"),
        ({"content_type": ""}, "415"),
        ({"method": "GET"}, "415"),
        ({"method": "GET", "content_type": "text/html", "path": "/healthz"}, "415"),
        ({"method": "PUT"}, "415"),
    ),
)
async def test_what_is_no_call_is_answered_in_http(service: EchoService, replaced: dict[str, Any], status: str) -> None:
    async with H2Client.connected(service.target) as client:
        answer = await client.call(**replaced)
        assert (answer.headers[":status"], answer.data) == (status, b"This port speaks gRPC.\n")
        assert answer.code == -1
        assert (await client.call()).code == 0


async def test_a_call_that_takes_no_trailers_is_refused_before_it_is_carried_out(service: EchoService) -> None:
    carried_out = []

    async def note(content: bytes, _: RpcContext) -> bytes:
        carried_out.append(content)
        return content

    service.unary = note
    async with H2Client.connected(service.target) as client:
        answer = await client.call(te="")
        assert (answer.headers[":status"], answer.code, answer.reset) == ("200", 13, None)
        assert carried_out == []
        assert (await client.call()).code == 0


async def test_a_websocket_is_not_opened(service: EchoService) -> None:
    async with H2Client.connected(service.target) as client:
        stream = client.begin((":protocol", "websocket"), ("sec-websocket-version", "13"), method="CONNECT", te="")
        answer = await client.answer(stream)
        assert answer.reset is not None or answer.headers[":status"] != "200"


async def test_an_unknown_path_is_told_as_a_grpc_status(service: EchoService) -> None:
    async with H2Client.connected(service.target) as client:
        answer = await client.call(path="/no.Such/Method%0d%0a")
    assert (answer.headers[":status"], answer.headers["content-type"]) == ("200", "application/grpc")
    assert (answer.data, answer.trailers["grpc-status"]) == (b"", "12")


@pytest.mark.parametrize(
    ("body", "status"),
    (
        (b"", "13"),
        (b"\0\0\0", "13"),
        (b"\0\0\0\0\5abc", "13"),
        (b"\2\0\0\0\0", "13"),
        (b"\0\xff\xff\xff\xff", "8"),
        (framed(b""), "0"),
        (framed(b"") + framed(b""), "0"),
    ),
    ids=("none", "half a prefix", "cut off", "a bad flag", "of 4 GiB", "empty", "two"),
)
async def test_a_message_is_whole_or_refused(service: EchoService, body: bytes, status: str) -> None:
    async with H2Client.connected(service.target) as client:
        assert (await client.call(body)).trailers["grpc-status"] == status


async def test_a_large_message_is_refused_as_soon_as_it_is_announced(service: EchoService) -> None:
    async with H2Client.connected(service.target) as client:
        stream = client.begin()
        client.send(stream, b"\0" + (33 * MIB).to_bytes(4, "big"), ends=False)
        assert (await client.answer(stream)).trailers["grpc-status"] == "8"


async def test_a_message_may_come_in_pieces_of_any_size(service: EchoService) -> None:
    message = framed(b"\x0a\x82\x20" + b"x" * 4_098)
    async with H2Client.connected(service.target) as client:
        stream = client.begin()
        for start in range(0, len(message), 3):
            client.send(stream, message[start : start + 3], ends=start + 3 >= len(message))
        answer = await client.answer(stream)
    assert (answer.data, answer.code) == (message, 0)
