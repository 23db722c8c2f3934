import asyncio
import contextlib
from collections.abc import AsyncIterator

import grpc
import h2.errors
import pytest
from google.protobuf.wrappers_pb2 import BytesValue

from services.runtime.grpc_asgi.framing import framed
from services.runtime.rpc import RpcContext
from tests.fixtures.eventually import eventually
from tests.integration.runtime.echo_service import STREAM, EchoService, echo_service, unary, unimpressed_service
from tests.integration.runtime.h2_client import CONTINUATION, HEADERS, PING, RST_STREAM, H2Client, frame

CANCEL = int(h2.errors.ErrorCodes.CANCEL)


@pytest.fixture
async def service(capfd: pytest.CaptureFixture[str]) -> AsyncIterator[EchoService]:
    async with unimpressed_service(capfd) as running:
        yield running


async def wait(_: bytes, __: RpcContext) -> bytes:
    await asyncio.Event().wait()
    raise AssertionError


async def endless(_: bytes, __: RpcContext) -> AsyncIterator[bytes]:
    while True:
        yield bytes(65_536)


@pytest.mark.parametrize("body", (None, framed(BytesValue().SerializeToString())), ids=("headers", "whole calls"))
async def test_rapid_resets_leave_the_others_served(service: EchoService, body: bytes | None) -> None:
    served, service.unary = service.unary, wait
    async with H2Client.connected(service.target) as client, service.channel() as other:
        with contextlib.suppress(ConnectionError):
            for _ in range(30):
                for _call in range(100):
                    stream = client.begin()
                    if body is not None:
                        client.send(stream, body)
                    client.http.reset_stream(stream, CANCEL)
                await client.flush()
        service.unary = served
        assert await asyncio.wait_for(unary(other, b"others"), 5) == b"others"
        await eventually(lambda: service.running() == 0)


async def test_cancelled_calls_are_forgotten_one_by_one(service: EchoService) -> None:
    served, service.unary = service.unary, wait
    async with H2Client.connected(service.target) as client:
        streams = [client.begin() for _ in range(50)]
        for stream in streams:
            client.send(stream, framed(b""))
        await client.flush()
        await eventually(lambda: service.running() == 50)
        for stream in streams[:20]:
            client.http.reset_stream(stream, CANCEL)
        await client.flush()
        await eventually(lambda: service.running() == 30)
    await eventually(lambda: service.running() == 0)
    service.unary = served


async def test_headers_without_an_end_are_hung_up_on(service: EchoService) -> None:
    async with H2Client.connected(service.target) as client:
        raw = frame(HEADERS, 0, 1, b"\x83") + frame(CONTINUATION, 0, 1, bytes(16_000)) * 1_000
        with contextlib.suppress(ConnectionError):
            await client.flush(raw)
        await client.until_closed()


async def test_empty_continuations_without_an_end_are_hung_up_on(service: EchoService) -> None:
    async with H2Client.connected(service.target) as client:
        raw = frame(HEADERS, 0, 1, b"\x83") + frame(CONTINUATION, 0, 1, b"") * 20_000
        with contextlib.suppress(ConnectionError):
            await client.flush(raw)
        await client.until_closed()


async def test_a_header_bomb_is_refused(service: EchoService) -> None:
    # The second time and after, a header takes a byte: 64 MB of them in a frame of 16 kB.
    async with H2Client.connected(service.target) as client:
        stream = client.begin(*[("a", "x" * 4_000)] * 16_000, ends=True)
        answer = await client.answer(stream)
        assert answer.headers.get(":status") != "200"
        assert (await client.call()).code == 0
    assert service.running() == 0


async def test_too_many_headers_are_refused_and_many_are_not(service: EchoService) -> None:
    async with H2Client.connected(service.target) as client:
        assert (await client.call(more=tuple((f"x-{number}", "y") for number in range(80)))).code == 0
        answer = await client.call(more=tuple((f"x-{number}", "y") for number in range(1_000)))
        assert answer.code != 0
        assert (await client.call()).code == 0


async def test_pings_are_answered_one_by_one_and_at_once(service: EchoService) -> None:
    async with H2Client.connected(service.target) as client:
        for number in range(40):
            client.http.ping(number.to_bytes(8, "big"))
            await client.until(lambda expected=number + 1: client.pongs == expected)  # type: ignore[misc]
        for number in range(200):
            client.http.ping(number.to_bytes(8, "big"))
        await client.until(lambda: client.pongs == 240)
        assert client.went_away is None
        assert (await client.call()).code == 0


async def test_a_flood_of_pings_holds_nobody_else_up(service: EchoService) -> None:
    async with H2Client.connected(service.target) as client, service.channel() as other:
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(1):
                for _ in range(20):
                    await client.flush(frame(PING, 0, 0, bytes(8)) * 1_000)
        assert await asyncio.wait_for(unary(other, b"others"), 5) == b"others"


async def test_resets_of_streams_long_gone_are_borne(service: EchoService) -> None:
    async with H2Client.connected(service.target) as client:
        assert (await client.call()).code == 0
        await client.flush(frame(RST_STREAM, 0, 1, CANCEL.to_bytes(4, "big")))
        assert (await client.call()).code == 0


async def test_a_client_is_told_how_many_calls_it_may_have(service: EchoService) -> None:
    async with H2Client.connected(service.target) as client:
        await client.call()
        assert client.http.remote_settings.max_concurrent_streams == 10_000


async def test_a_stalled_request_is_reset_and_its_neighbours_go_on(service: EchoService) -> None:
    go_on = asyncio.Event()

    async def until_told(content: bytes, _: RpcContext) -> bytes:
        await go_on.wait()
        return content

    service.unary = until_told
    async with H2Client.connected(service.target) as client:
        neighbour, stalled = client.begin(), client.begin()
        client.send(neighbour, framed(b""))
        client.send(stalled, b"\0\0", ends=False)
        assert (await client.answer(stalled)).reset == CANCEL
        go_on.set()
        assert (await client.answer(neighbour)).code == 0


async def test_a_request_that_trickles_ends_before_it_is_whole() -> None:
    async with echo_service(stall_seconds=0.4) as service, H2Client.connected(service.target) as client:
        stream = client.begin()
        client.send(stream, b"\0\0\0\xff\xff", ends=False)
        answering = asyncio.ensure_future(client.answer(stream))
        while not (await asyncio.wait([answering], timeout=0.1))[0]:
            client.send(stream, b"x", ends=False)
            await client.flush()
        assert answering.result().code == grpc.StatusCode.DEADLINE_EXCEEDED.value[0]
        assert (await client.call()).code == 0


async def test_calls_without_a_body_end_when_they_have_stalled(service: EchoService) -> None:
    async with H2Client.connected(service.target) as client:
        for number in range(200):
            stream = client.begin()
            if number % 2:
                client.send(stream, b"\0\0", ends=False)
        await client.flush()
        await eventually(lambda: service.running() == 200)
        await eventually(lambda: service.running() == 0)


async def test_answers_nobody_reads_end_when_they_have_stalled(service: EchoService) -> None:
    service.stream = endless
    async with H2Client.connected(service.target, acknowledges=False) as client:
        for _ in range(20):
            client.send(client.begin(path=STREAM), framed(b""))
        await client.flush()
        await eventually(lambda: service.running() == 20)
        await eventually(lambda: service.running() == 0)


async def test_a_connection_closed_in_mid_message_leaves_nothing_behind(service: EchoService) -> None:
    for _ in range(20):
        async with H2Client.connected(service.target) as client:
            client.send(client.begin(), b"\0\0\0\xff\xff" + bytes(100), ends=False)
            await client.flush()


async def test_a_connection_closed_amid_answers_leaves_nothing_behind(service: EchoService) -> None:
    service.stream = endless
    for _ in range(5):
        async with H2Client.connected(service.target, acknowledges=False) as client:
            streams = [client.begin(path=STREAM) for _stream in range(5)]
            for stream in streams:
                client.send(stream, framed(b""))
            await client.until(lambda expected=streams: all(client.answers[stream].data for stream in expected))  # type: ignore[misc]
