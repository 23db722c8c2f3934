import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
import structlog
from grpc.aio import AbortError

from services.runtime.rpc import RpcContext
from services.runtime.status import error_from_rpc
from tests.fixtures.eventually import eventually
from tests.integration.runtime.echo_service import EchoService, echo_service, fails, stream, unary
from tests.integration.runtime.h2_client import H2Client


class NotAnException(BaseException):
    """Which no `except Exception` sees."""


FAULTS = (
    ValueError("hunter2"),
    OSError("hunter2"),
    ConnectionResetError("hunter2"),
    TimeoutError("hunter2"),
    StopAsyncIteration("hunter2"),
    UnicodeDecodeError("utf-8", b"hunter2", 0, 1, "hunter2"),
    ExceptionGroup("hunter2", [ValueError("hunter2")]),
    grpc.RpcError("hunter2"),
    NotAnException("hunter2"),
    BaseExceptionGroup("hunter2", [NotAnException("hunter2")]),
    SystemExit("hunter2"),
    asyncio.CancelledError("hunter2"),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
async def test_whatever_a_handler_fails_with_is_told_to_be_internal(
    service: EchoService, channel: grpc.aio.Channel, fault: BaseException, capfd: pytest.CaptureFixture[str]
) -> None:
    async def fail(_: bytes, __: RpcContext) -> bytes:
        raise fault

    async def fail_later(_: bytes, __: RpcContext) -> AsyncIterator[bytes]:
        yield b"first"
        raise fault

    service.unary, service.stream = fail, fail_later
    with structlog.testing.capture_logs() as logged:
        with fails(grpc.StatusCode.INTERNAL) as told:
            await unary(channel)
        assert "hunter2" not in str(told[0])
        reading = stream(channel)
        assert await reading.read() == b"first"
        with fails(grpc.StatusCode.INTERNAL) as told:
            await reading.read()
        assert "hunter2" not in str(told[0])
    assert [line["event"].rpartition(".")[2] for line in logged] == ["fault", "fault"]
    assert "hunter2" not in capfd.readouterr().err


async def test_an_abort_is_no_fault(service: EchoService, channel: grpc.aio.Channel) -> None:
    async def fail(_: bytes, context: RpcContext) -> bytes:
        try:
            await context.abort(grpc.StatusCode.NOT_FOUND, "Nothing there")
        except AbortError:
            raise
        except Exception as error:
            raise AssertionError from error

    service.unary = fail
    with structlog.testing.capture_logs() as logged, fails(grpc.StatusCode.NOT_FOUND, "Nothing there"):
        await unary(channel)
    assert logged == []


async def test_metadata_that_is_no_base64_is_the_clients_mistake(service: EchoService) -> None:
    async def look(content: bytes, context: RpcContext) -> bytes:
        context.invocation_metadata()
        return content

    service.unary = look
    async with H2Client.connected(service.target) as client:
        with structlog.testing.capture_logs() as logged:
            answer = await client.call(more=(("trace-bin", "***"),))
    assert answer.code == grpc.StatusCode.INTERNAL.value[0]
    assert "trace-bin" in answer.trailers["grpc-message"]
    assert logged == []


async def test_a_handler_that_answers_a_client_that_has_gone_troubles_nobody(
    service: EchoService, channel: grpc.aio.Channel, capfd: pytest.CaptureFixture[str]
) -> None:
    began, answered = asyncio.Event(), asyncio.Event()

    async def answer_nevertheless(content: bytes, _: RpcContext) -> bytes:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            answered.set()
        return content

    async def write_nevertheless(content: bytes, _: RpcContext) -> AsyncIterator[bytes]:
        await answer_nevertheless(content, _)
        yield content
        yield content

    service.unary, service.stream = answer_nevertheless, write_nevertheless
    with structlog.testing.capture_logs() as logged:
        for begin in (unary, stream):
            leaving = begin(channel)
            await asyncio.wait_for(began.wait(), 5)
            leaving.cancel()
            await asyncio.wait_for(answered.wait(), 5)
            await eventually(lambda: service.running() == 0)
            began.clear()
            answered.clear()
    assert logged == []
    assert '"error"' not in capfd.readouterr().err
    service.unary = echo
    assert await unary(channel, b"next") == b"next"


async def test_a_handler_that_fails_when_its_client_goes_troubles_nobody_else(
    service: EchoService, channel: grpc.aio.Channel, capfd: pytest.CaptureFixture[str]
) -> None:
    began = asyncio.Event()

    async def fail_to_clean_up(_: bytes, __: RpcContext) -> bytes:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("hunter2")

    service.unary = fail_to_clean_up
    leaving = unary(channel)
    await asyncio.wait_for(began.wait(), 5)
    with structlog.testing.capture_logs() as logged:
        leaving.cancel()
        await eventually(lambda: service.running() == 0)
    assert [line["event"] for line in logged] == ["rpc.fault"]
    assert "hunter2" not in capfd.readouterr().err
    service.unary = echo
    assert await unary(channel, b"next") == b"next"


async def test_a_default_deadline_is_told_to_a_slow_reader_once_it_reads() -> None:
    ended = asyncio.Event()

    async def endless(_: bytes, __: RpcContext) -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(100_000)
        finally:
            ended.set()

    async with echo_service(default_seconds=0.2) as service, service.channel() as channel:
        service.stream = endless
        reading = stream(channel)
        await asyncio.wait_for(ended.wait(), 5)
        with fails(grpc.StatusCode.DEADLINE_EXCEEDED) as told:
            async for _ in reading:
                pass
    assert "DeadlinePassed" in type(error_from_rpc(told[0])).__name__


async def echo(content: bytes, _: RpcContext) -> bytes:
    return content
