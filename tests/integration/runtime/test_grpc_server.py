import asyncio
import contextlib
import re
import resource
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import structlog
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from services.runtime.rpc import RpcContext
from tests.fixtures.eventually import eventually
from tests.fixtures.ipv6 import needs_ipv6
from tests.integration.runtime.echo_service import SERVICE, STREAM, EchoService, echo_service, fails, stream, unary
from tests.integration.runtime.h2_client import H2Client

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
async def service() -> AsyncIterator[EchoService]:
    async with echo_service() as running:
        yield running


class Waiting:
    """A method that waits for ever, and ends with the last of so many cancellations."""

    def __init__(self, cancellations: int = 1) -> None:
        self.began = asyncio.Event()
        self._cancellations = cancellations

    async def __call__(self, _: bytes, __: RpcContext) -> bytes:
        self.began.set()
        for _number in range(self._cancellations - 1):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue
        await asyncio.Event().wait()
        raise AssertionError


async def test_what_outlasts_the_grace_ends_unavailable(service: EchoService, channel: grpc.aio.Channel) -> None:
    service.unary = waiting = Waiting()
    running = asyncio.ensure_future(unary(channel))
    await asyncio.wait_for(waiting.began.wait(), 5)
    await asyncio.wait_for(service.server.stop(0.05), 5)
    with fails(grpc.StatusCode.UNAVAILABLE, "The server stops"):
        await asyncio.wait_for(running, 5)
    assert service.running() == 0


async def test_a_stream_that_outlasts_the_grace_ends_unavailable_after_what_it_said(
    service: EchoService, channel: grpc.aio.Channel
) -> None:
    closed = asyncio.Event()

    async def wait(_: bytes, context: RpcContext) -> AsyncIterator[bytes]:
        context.set_trailing_metadata((("call", "17"),))
        try:
            yield b"first"
            await asyncio.Event().wait()
        finally:
            closed.set()

    service.stream = wait
    reading = stream(channel)
    assert await reading.read() == b"first"
    await asyncio.wait_for(service.server.stop(0.05), 5)
    assert closed.is_set()
    with fails(grpc.StatusCode.UNAVAILABLE, "The server stops") as told:
        await reading.read()
    assert ("call", "17") in tuple(told[0].trailing_metadata() or ())


@pytest.mark.slow
async def test_a_client_that_reads_nothing_does_not_keep_the_server_from_stopping(service: EchoService) -> None:
    closed = asyncio.Event()

    async def endless(_: bytes, __: RpcContext) -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(65_536)
        finally:
            closed.set()

    service.stream = endless
    async with H2Client.connected(service.target, acknowledges=False) as client:
        client.send(client.begin(path=STREAM), bytes(5))
        await client.flush()
        await eventually(lambda: service.running() == 1)
        with structlog.testing.capture_logs() as logged:
            await asyncio.wait_for(service.server.stop(0.05), 5)
        assert closed.is_set()
        assert logged == [
            {
                "event": "grpc.clients_would_not_leave",
                "log_level": "error",
                "port": service.server.port,
                "calls": 0,
            }
        ]
    await asyncio.wait_for(service.server.stop(5), 5)


@pytest.mark.slow
async def test_a_handler_that_never_ends_is_left_behind_and_said_so(
    service: EchoService, channel: grpc.aio.Channel
) -> None:
    service.unary = waiting = Waiting(cancellations=3)
    running = asyncio.ensure_future(unary(channel))
    await asyncio.wait_for(waiting.began.wait(), 5)
    with structlog.testing.capture_logs() as logged:
        await asyncio.wait_for(service.server.stop(0.05), 10)
    assert [line["event"] for line in logged] == ["grpc.clients_would_not_leave"]
    await service.server.stop(0)  # the third cancellation
    with fails(grpc.StatusCode.UNAVAILABLE):
        await asyncio.wait_for(running, 5)


async def test_a_server_may_be_stopped_twice_and_by_two_at_once(
    service: EchoService, channel: grpc.aio.Channel
) -> None:
    service.unary = waiting = Waiting()
    running = asyncio.ensure_future(unary(channel))
    await asyncio.wait_for(waiting.began.wait(), 5)
    patient = asyncio.create_task(service.server.stop(30))
    await asyncio.wait_for(service.server.stop(0), 5)
    await asyncio.wait_for(patient, 5)
    await asyncio.wait_for(service.server.stop(30), 5)
    with fails(grpc.StatusCode.UNAVAILABLE):
        await running


async def test_a_server_that_was_never_started_can_be_stopped() -> None:
    await EchoService("127.0.0.1:0").server.stop(1)


async def test_a_stopped_server_says_so_to_its_connections_and_leaves_its_port(service: EchoService) -> None:
    async with H2Client.connected(service.target) as client:
        assert (await client.call()).code == 0
        await asyncio.wait_for(service.server.stop(5), 5)
        await client.until_closed()
        assert client.went_away == 0
    with socket.create_server(("127.0.0.1", service.server.port)) as again:
        assert again.getsockname()[1] == service.server.port


async def test_a_call_that_began_before_the_stop_ends_well_after_it(
    service: EchoService, channel: grpc.aio.Channel
) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    async def work(content: bytes, _: RpcContext) -> AsyncIterator[bytes]:
        yield content
        began.set()
        await go_on.wait()
        yield content

    service.stream = work
    reading = stream(channel, b"whole")
    assert await reading.read() == b"whole"
    stopping = asyncio.create_task(service.server.stop(20))
    await asyncio.wait_for(began.wait(), 5)
    go_on.set()
    assert await reading.read() == b"whole"
    assert await reading.read() is grpc.aio.EOF
    await asyncio.wait_for(stopping, 5)


async def test_a_port_in_use_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        expected = re.escape(f"The gRPC port {address} can't be bound: Address already in use")
        with pytest.raises(SystemExit, match=f"^{expected}$"):
            await EchoService(address).server.start()


@needs_ipv6
async def test_an_address_may_be_of_ipv6() -> None:
    async with echo_service("[::1]:0") as service, service.channel() as channel:
        assert await unary(channel, b"over IPv6") == b"over IPv6"


async def test_reflection_lists_and_describes(channel: grpc.aio.Channel) -> None:
    async def asked() -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")
        yield reflection_pb2.ServerReflectionRequest(file_containing_symbol=SERVICE)
        yield reflection_pb2.ServerReflectionRequest(file_containing_symbol="no.Such")

    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)  # type: ignore[arg-type]
    listed, described, unknown = [answer async for answer in stub.ServerReflectionInfo(asked())]
    assert {found.name for found in listed.list_services_response.service} == {
        SERVICE,
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    files = [FileDescriptorProto.FromString(file) for file in described.file_descriptor_response.file_descriptor_proto]
    assert "EchoService" in {service.name for file in files for service in file.service}
    assert unknown.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


async def test_who_watches_the_health_hears_of_the_stop(service: EchoService, channel: grpc.aio.Channel) -> None:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    watching = stub.Watch(health_pb2.HealthCheckRequest(service=SERVICE))
    assert (await watching.read()).status == SERVING
    stopping = asyncio.create_task(service.server.stop(0.1))
    assert (await asyncio.wait_for(watching.read(), 5)).status == NOT_SERVING
    await asyncio.wait_for(stopping, 5)
    with fails(grpc.StatusCode.UNAVAILABLE):
        await watching.read()


async def test_the_health_of_what_is_not_served_is_not_found(channel: grpc.aio.Channel) -> None:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    with fails(grpc.StatusCode.NOT_FOUND):
        await stub.Check(health_pb2.HealthCheckRequest(service="no.Such"))


async def test_a_server_that_ran_out_of_file_descriptors_serves_on(service: EchoService) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    held: list[asyncio.StreamWriter] = []
    with structlog.testing.capture_logs() as logged:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (highest_descriptor() + 20, limits[1]))
            with contextlib.suppress(OSError):
                while True:
                    held.append((await asyncio.open_connection(*service.target.split(":")))[1])
            await eventually(lambda: bool(logged))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            for connection in held:
                connection.transport.abort()
    assert {line["event"] for line in logged} == {"grpc.serving_ended"}
    async with service.channel() as channel:
        assert await unary(channel, b"again", timeout=10, wait_for_ready=True) == b"again"


def highest_descriptor() -> int:
    return max(int(entry.name) for entry in Path("/proc/self/fd").iterdir())
