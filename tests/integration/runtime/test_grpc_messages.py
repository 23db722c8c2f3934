import gzip
import zlib
from collections.abc import AsyncIterator, Callable

import grpc
import pytest
from google.protobuf.wrappers_pb2 import BytesValue

from services.runtime.rpc import RpcContext
from tests.integration.runtime.echo_service import EchoService, echo_service, fails, raw_unary, stream, unary
from tests.integration.runtime.h2_client import H2Client

MIB = 1024 * 1024


@pytest.fixture
async def service() -> AsyncIterator[EchoService]:
    async with echo_service(most_bytes=MIB) as running:
        yield running


@pytest.mark.parametrize("compression", (grpc.Compression.Gzip, grpc.Compression.Deflate))
async def test_requests_may_be_compressed(service: EchoService, compression: grpc.Compression) -> None:
    content = b"over and over " * 1_000
    async with grpc.aio.insecure_channel(service.target, compression=compression) as channel:
        assert await unary(channel, content) == content
        assert [answer async for answer in stream(channel, content)] == [content] * 3


@pytest.mark.parametrize(
    "compression", (grpc.Compression.NoCompression, grpc.Compression.Gzip, grpc.Compression.Deflate)
)
async def test_a_request_above_the_limit_is_refused(service: EchoService, compression: grpc.Compression) -> None:
    largest = bytes(MIB - 4)  # the field's own four bytes
    async with grpc.aio.insecure_channel(service.target, compression=compression) as channel:
        assert await unary(channel, bytes(1_000)) == bytes(1_000)
        with fails(grpc.StatusCode.RESOURCE_EXHAUSTED, f"at most {MIB} are taken"):
            await unary(channel, bytes(MIB))
        assert len(BytesValue(value=largest).SerializeToString()) == MIB
        assert await unary(channel, largest) == largest


async def test_a_request_far_above_the_limit_is_refused_and_the_connection_goes_on(channel: grpc.aio.Channel) -> None:
    for _ in range(3):
        with fails(grpc.StatusCode.RESOURCE_EXHAUSTED):
            await unary(channel, bytes(20 * MIB))
        assert await unary(channel, b"next") == b"next"


async def test_an_answer_has_no_limit(service: EchoService, channel: grpc.aio.Channel) -> None:
    async def large(_: bytes, __: RpcContext) -> bytes:
        return bytes(30 * MIB)

    service.unary = large
    assert len(await unary(channel)) == 30 * MIB


@pytest.mark.parametrize("message", (b"\xff", b"\x0a\x05abc", b"\x08", b"\x0a\xff\xff\xff\xff\x0f"))
async def test_a_message_that_cannot_be_parsed_is_told_so(channel: grpc.aio.Channel, message: bytes) -> None:
    with fails(grpc.StatusCode.INTERNAL, "The request can't be parsed"):
        await raw_unary(channel, message)
    assert await unary(channel, b"next") == b"next"


async def test_an_unknown_path_is_told_in_part(channel: grpc.aio.Channel) -> None:
    with fails(grpc.StatusCode.UNIMPLEMENTED, "There is no method /no.Such/Method"):
        await raw_unary(channel, b"", "/no.Such/Method")
    with fails(grpc.StatusCode.UNIMPLEMENTED, "There is no method /xxx") as told:
        await raw_unary(channel, b"", "/" + "x" * 4_000)
    assert len(told[0].details() or "") < 300


async def test_metadata_goes_both_ways(service: EchoService, channel: grpc.aio.Channel) -> None:
    seen: list[tuple[tuple[str, str | bytes], ...]] = []

    async def remember(content: bytes, context: RpcContext) -> bytes:
        seen.append(tuple((str(key), value) for key, value in context.invocation_metadata() or ()))
        context.set_trailing_metadata((("plain", "a, b"), ("raw-bin", b"\0\xff,"), ("empty-bin", b""), ("empty", "")))
        return content

    service.unary = remember
    sent = (("plain", "~ text !"), ("twice", "1"), ("twice", "2"), ("raw-bin", bytes(range(256))), ("empty-bin", b""))
    call = unary(channel, metadata=sent)
    await call
    assert [pair for pair in seen[0] if pair[0] != "user-agent"] == list(sent)
    assert set(await call.trailing_metadata()) >= {
        ("plain", "a, b"),
        ("raw-bin", b"\0\xff,"),
        ("empty-bin", b""),
        ("empty", ""),
    }


async def test_trailing_metadata_comes_with_a_failure_too(service: EchoService, channel: grpc.aio.Channel) -> None:
    async def refuse(_: bytes, context: RpcContext) -> bytes:
        context.set_trailing_metadata((("set", "before"),))
        await context.abort(grpc.StatusCode.DATA_LOSS, "Lost", (("told-bin", b"\1"),))

    async def fail(_: bytes, context: RpcContext) -> AsyncIterator[bytes]:
        context.set_trailing_metadata((("set", "before"),))
        yield b"first"
        await context.abort(grpc.StatusCode.DATA_LOSS)

    service.unary, service.stream = refuse, fail
    with fails(grpc.StatusCode.DATA_LOSS, "Lost") as told:
        await unary(channel)
    assert ("told-bin", b"\1") in tuple(told[0].trailing_metadata() or ())
    with fails(grpc.StatusCode.DATA_LOSS) as told:
        assert [answer async for answer in stream(channel)] == [b"first"]
    assert ("set", "before") in tuple(told[0].trailing_metadata() or ())


@pytest.mark.parametrize("metadata", ((("a", "b\r\nc: hunter2"),), (("Bad Key", "hunter2"),), (("a-bin", "hunter2"),)))
async def test_trailing_metadata_that_no_header_can_hold_is_a_fault(
    service: EchoService,
    channel: grpc.aio.Channel,
    metadata: tuple[tuple[str, str]],
    capfd: pytest.CaptureFixture[str],
) -> None:
    async def mistake(content: bytes, context: RpcContext) -> bytes:
        context.set_trailing_metadata(metadata)
        return content

    service.unary = mistake
    with fails(grpc.StatusCode.INTERNAL, "Internal error"):
        await unary(channel)
    assert "hunter2" not in capfd.readouterr().err  # the HTTP/2 server's own; our log shows no values in production


@pytest.mark.parametrize("message", ("Grüße 🦊 100%", "two\r\nlines", " at both ends ", "\0\x7f", "%41", "x" * 3_000))
async def test_a_status_message_arrives_as_it_was(
    service: EchoService, channel: grpc.aio.Channel, message: str
) -> None:
    async def refuse(_: bytes, context: RpcContext) -> bytes:
        await context.abort(grpc.StatusCode.ABORTED, message)

    service.unary = refuse
    with fails(grpc.StatusCode.ABORTED) as told:
        await unary(channel)
    assert told[0].details() == message


@pytest.mark.parametrize(
    ("encoding", "compress", "code"),
    (
        ("gzip", gzip.compress, grpc.StatusCode.OK),
        ("deflate", zlib.compress, grpc.StatusCode.OK),
        ("gzip", lambda message: gzip.compress(message)[:-3], grpc.StatusCode.INTERNAL),
        ("gzip", lambda message: gzip.compress(message) + b"more", grpc.StatusCode.INTERNAL),
        ("deflate", lambda message: message, grpc.StatusCode.INTERNAL),
        ("br", lambda message: message, grpc.StatusCode.UNIMPLEMENTED),
        ("identity", lambda message: message, grpc.StatusCode.INTERNAL),
        ("gzip", lambda _: gzip.compress(bytes(64 * MIB)), grpc.StatusCode.RESOURCE_EXHAUSTED),
    ),
)
async def test_an_encoding_is_what_the_client_says(
    service: EchoService, encoding: str, compress: Callable[[bytes], bytes], code: grpc.StatusCode
) -> None:
    message = compress(BytesValue(value=b"content").SerializeToString())
    async with H2Client.connected(service.target) as client:
        answer = await client.call(b"\1" + len(message).to_bytes(4, "big") + message, (("grpc-encoding", encoding),))
    assert answer.code == code.value[0], answer
