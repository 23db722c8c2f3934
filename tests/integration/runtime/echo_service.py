"""A service of one unary and one streaming method, open to all; what they do with a request's bytes is the test's."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import grpc
import pytest
import structlog
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorProto, MethodDescriptorProto
from google.protobuf.wrappers_pb2 import BytesValue
from joserfc.jwk import KeySet

from pantheon.auth.v1 import access_pb2
from services.runtime.identity import ServiceTrust
from services.runtime.rpc import RpcContext
from services.runtime.server import GrpcServer
from tests.fixtures.eventually import eventually
from tests.integration.runtime.gated_service import People

SERVICE = "pantheon.echo.v1.EchoService"
UNARY, STREAM = f"/{SERVICE}/Unary", f"/{SERVICE}/Stream"
UNLIMITED = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))

_CODING = {
    "request_deserializer": BytesValue.FromString,
    "response_serializer": BytesValue.SerializeToString,
}


def declare() -> None:
    """Makes the service known to the process's descriptors, once."""
    file = FileDescriptorProto(name="pantheon/echo/v1/echo_service.proto", package="pantheon.echo.v1")
    file.dependency.extend(("google/protobuf/wrappers.proto", "pantheon/auth/v1/access.proto"))
    service = file.service.add(name="EchoService")
    for name in ("Unary", "Stream"):
        kind = ".google.protobuf.BytesValue"
        method = MethodDescriptorProto(name=name, input_type=kind, output_type=kind, server_streaming=name == "Stream")
        method.options.Extensions[access_pb2.access].audience = access_pb2.AUDIENCE_PUBLIC
        service.method.append(method)
    descriptor_pool.Default().AddSerializedFile(file.SerializeToString())


class EchoService:
    """The service while it runs."""

    def __init__(self, listen: str, **options: Any) -> None:
        self.unary: Callable[[bytes, RpcContext], Awaitable[bytes]] = _echo
        self.stream: Callable[[bytes, RpcContext], AsyncIterator[bytes]] = _echoes
        self.server = GrpcServer(listen, People(), ServiceTrust("echo", KeySet([])), **options)
        handlers: dict[str, Any] = {
            "Unary": grpc.unary_unary_rpc_method_handler(self._unary, **_CODING),  # type: ignore[arg-type]
            "Stream": grpc.unary_stream_rpc_method_handler(self._stream, **_CODING),  # type: ignore[arg-type]
        }
        self.server.add(lambda added, server: server.add_registered_method_handlers(SERVICE, added), handlers, SERVICE)
        self.host = listen.rpartition(":")[0]

    @property
    def target(self) -> str:
        return f"{self.host}:{self.server.port}"

    def running(self) -> int:
        """How many calls the server believes to run."""
        return self.server._application.running

    def channel(self) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(self.target, options=UNLIMITED)

    async def _unary(self, request: BytesValue, context: RpcContext) -> BytesValue:
        return BytesValue(value=await self.unary(request.value, context))

    async def _stream(self, request: BytesValue, context: RpcContext) -> AsyncIterator[BytesValue]:
        async for answer in self.stream(request.value, context):
            yield BytesValue(value=answer)


async def _echo(content: bytes, _: RpcContext) -> bytes:
    return content


async def _echoes(content: bytes, _: RpcContext) -> AsyncIterator[bytes]:
    for _number in range(3):
        yield content


@asynccontextmanager
async def echo_service(listen: str = "127.0.0.1:0", **options: Any) -> AsyncIterator[EchoService]:
    """Serves on a free port until the block ends."""
    service = EchoService(listen, **options)
    await service.server.start()
    try:
        yield service
    finally:
        await service.server.stop(0)


@asynccontextmanager
async def unimpressed_service(capfd: pytest.CaptureFixture[str]) -> AsyncIterator[EchoService]:
    """As above; when the block ends it still serves, runs no call any more, and has logged and printed no error."""
    async with echo_service(stall_seconds=1) as running:
        with structlog.testing.capture_logs() as logged:
            yield running
            async with running.channel() as channel:
                assert await unary(channel, b"still there") == b"still there"
            await eventually(lambda: running.running() == 0)
        assert logged == []
        assert '"error"' not in (printed := capfd.readouterr().err), printed


def unary(channel: grpc.aio.Channel, content: bytes = b"", **options: Any) -> Any:
    """Calls the unary method."""
    return raw_unary(channel, BytesValue(value=content).SerializeToString(), **options)


def raw_unary(channel: grpc.aio.Channel, message: bytes, path: str = UNARY, **options: Any) -> Any:
    """Calls a method with a message that need not be one."""
    method: Any = channel.unary_unary(path, response_deserializer=_content)
    return method(message, **options)


def stream(channel: grpc.aio.Channel, content: bytes = b"", **options: Any) -> Any:
    """Calls the streaming method."""
    message = BytesValue(value=content).SerializeToString()
    method: Any = channel.unary_stream(STREAM, response_deserializer=_content)
    return method(message, **options)


def _content(message: bytes) -> bytes:
    return BytesValue.FromString(message).value


@contextmanager
def fails(code: grpc.StatusCode, message: str = "") -> Iterator[list[grpc.aio.AioRpcError]]:
    """Expects a call to fail with this code, and this in its message; what is yielded has the error afterwards."""
    told: list[grpc.aio.AioRpcError] = []
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        yield told
    assert failure.value.code() is code, failure.value
    assert message in (failure.value.details() or "")
    told.append(failure.value)


declare()
