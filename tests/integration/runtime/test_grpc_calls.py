import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import BytesValue
from structlog.contextvars import get_contextvars

from pantheon.auth.v1.access_pb2 import Role
from services.runtime.auth import ALL_SCOPES, Principal, current_principal, set_principal
from services.runtime.conventions import REQUEST_ID_KEY
from services.runtime.rpc import RpcContext
from tests.fixtures.eventually import eventually
from tests.integration.runtime.echo_service import STREAM, UNARY, EchoService, stream, unary
from tests.integration.runtime.h2_client import H2Client

MIB = 1024 * 1024


class Endless:
    """A stream without an end: what it sent, and whether it was closed."""

    def __init__(self, size: int) -> None:
        self.sent = 0
        self.closed = asyncio.Event()
        self._message = bytes(size)

    async def __call__(self, _: bytes, __: RpcContext) -> AsyncIterator[bytes]:
        try:
            while True:
                yield self._message
                self.sent += 1
                await asyncio.sleep(0)
        finally:
            self.closed.set()

    async def stalls(self) -> None:
        """Waits until it sends no more."""
        before = -1

        def stands() -> bool:
            nonlocal before
            before, stood = self.sent, before == self.sent > 0
            return stood

        await eventually(stands, interval=0.1)


async def test_many_calls_share_a_connection(service: EchoService, channel: grpc.aio.Channel) -> None:
    at_once, everybody = 0, asyncio.Event()

    async def wait_for_all(content: bytes, _: RpcContext) -> bytes:
        nonlocal at_once
        at_once += 1
        if at_once == 500:
            everybody.set()
        await everybody.wait()
        return content

    service.unary = wait_for_all
    contents = [str(number).encode() for number in range(500)]
    assert await asyncio.gather(*(unary(channel, content) for content in contents)) == contents


async def test_a_channel_without_an_event_loop_is_served_as_well(service: EchoService) -> None:
    def calls() -> tuple[bytes, list[bytes]]:
        opened: Any = grpc.insecure_channel(service.target)
        with opened as channel:
            message = BytesValue(value=b"content").SerializeToString()
            answers = channel.unary_stream(STREAM)(message, timeout=5)
            answer = channel.unary_unary(UNARY)(message, timeout=5)
            return answer, list(answers)

    expected = BytesValue(value=b"content").SerializeToString()
    assert await asyncio.to_thread(calls) == (expected, [expected] * 3)


async def test_a_slow_reader_holds_its_stream_back(service: EchoService) -> None:
    service.stream = endless = Endless(MIB // 16)
    async with H2Client.connected(service.target, acknowledges=False) as client:
        client.send(client.begin(path=STREAM), bytes(5))
        await client.flush()
        await endless.stalls()
        assert endless.sent * MIB // 16 < 4 * MIB
        async with service.channel() as other:
            assert await unary(other, b"another connection") == b"another connection"
    await asyncio.wait_for(endless.closed.wait(), 5)


@pytest.mark.parametrize(
    "unread",
    (
        MIB,
        pytest.param(
            3 * MIB,
            marks=pytest.mark.xfail(
                raises=TimeoutError, reason="h2corn 2.0.0 holds 2 MiB for a connection, whichever call they are of"
            ),
        ),
    ),
)
async def test_a_slow_reader_holds_no_other_call_back(service: EchoService, unread: int) -> None:
    async def much(_: bytes, __: RpcContext) -> AsyncIterator[bytes]:
        yield bytes(unread)

    service.stream = much
    async with H2Client.connected(service.target, acknowledges=False) as client:
        slow = client.begin(path=STREAM)
        client.send(slow, bytes(5))
        await client.until(lambda: len(client.answers[slow].data) > 60_000)
        async with asyncio.timeout(1):
            assert (await client.call()).code == 0


async def test_slow_readers_do_not_grow_the_process(service: EchoService) -> None:
    service.stream = endless = Endless(MIB // 16)
    async with H2Client.connected(service.target, acknowledges=False) as client:
        before = resident_bytes()
        for _ in range(20):
            client.send(client.begin(path=STREAM), bytes(5))
        await client.flush()
        await eventually(lambda: service.running() == 20)
        await endless.stalls()
        assert resident_bytes() - before < 200 * MIB


async def test_a_cancelled_stream_is_closed_at_once(service: EchoService, channel: grpc.aio.Channel) -> None:
    service.stream = endless = Endless(10)
    reading = stream(channel)
    await reading.read()
    reading.cancel()
    await asyncio.wait_for(endless.closed.wait(), 5)


async def test_a_deadline_ends_a_stream_nobody_reads(service: EchoService) -> None:
    service.stream = endless = Endless(MIB // 16)
    async with H2Client.connected(service.target, acknowledges=False) as client:
        slow = client.begin(("grpc-timeout", "200m"), path=STREAM)
        client.send(slow, bytes(5))
        await client.flush()
        await asyncio.wait_for(endless.closed.wait(), 5)


@pytest.mark.parametrize(("timeout", "code"), (("0n", 4), ("1n", 4), ("30m", 4), ("99999999H", 0)))
async def test_a_deadline_may_be_of_any_length(service: EchoService, timeout: str, code: int) -> None:
    async def use_it_up(content: bytes, context: RpcContext) -> bytes:
        if context.time_remaining() < 60:
            await asyncio.Event().wait()
        return content

    service.unary = use_it_up
    async with H2Client.connected(service.target) as client:
        assert (await client.call(more=(("grpc-timeout", timeout),))).code == code


async def test_nothing_leaks_from_one_call_into_another(service: EchoService, channel: grpc.aio.Channel) -> None:
    async def remember(content: bytes, _: RpcContext) -> bytes:
        with pytest.raises(LookupError):
            current_principal()
        own = Principal(content.decode(), "o", "p", "k", Role.ROLE_MEMBER, ALL_SCOPES)
        set_principal(own)
        await asyncio.sleep(0)
        assert current_principal() is own
        return str(get_contextvars()["request_id"]).encode()

    service.unary = remember
    names = [f"r-{number}" for number in range(20)]
    for _ in range(3):
        answers = [unary(channel, name.encode(), metadata=((REQUEST_ID_KEY, name),)) for name in names]
        assert await asyncio.gather(*answers) == [name.encode() for name in names]
    with pytest.raises(LookupError):
        current_principal()
    assert "request_id" not in get_contextvars()


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
