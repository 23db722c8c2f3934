import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.grpc_asgi.framing import (
    PREFIX_BYTES,
    ProtocolFault,
    check_size,
    decompressed,
    framed,
    seconds_of,
    speaks_grpc,
)

MIB = 1024 * 1024
COMPRESS: dict[bytes, Callable[[bytes], bytes]] = {b"gzip": gzip.compress, b"deflate": zlib.compress}


def raw_deflate(content: bytes) -> bytes:
    deflating = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflating.compress(content) + deflating.flush()


def gzipped_zeros(mebibytes: int) -> bytes:
    deflating = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    zeros = bytes(MIB)
    return b"".join(deflating.compress(zeros) for _ in range(mebibytes)) + deflating.flush()


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    (
        (b"2H", 7_200),
        (b"3M", 180),
        (b"5S", 5),
        (b"100m", 0.1),
        (b"250u", 0.00025),
        (b"7n", 7e-9),
        (b"0n", 0),
        (b"00000001S", 1),
        (b"99999999H", 99_999_999 * 3_600),
    ),
)
def test_a_timeout_is_digits_and_a_unit(timeout: bytes, seconds: float) -> None:
    assert seconds_of(timeout) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "timeout",
    (
        *(b"", b"S", b"5", b"5s", b"5 S", b" 5S", b"5S ", b"5SS", b"S5", b"5.0S", b"1e3S", b"0x1S", b"1_0S", b"5S\n"),
        *(b"123456789S", b"-1S", b"+1S", "²S".encode(), "²S".encode("latin-1"), "٣S".encode(), b"\xff", b"nanS"),
    ),
)
def test_any_other_timeout_is_refused(timeout: bytes) -> None:
    with pytest.raises(ProtocolFault, match=r"grpc-timeout is .*: expected 1 to 8 digits and one of HMSmun") as fault:
        seconds_of(timeout)
    assert fault.value.code is grpc.StatusCode.INTERNAL


@given(st.binary(max_size=12))
def test_a_timeout_is_read_or_refused_whatever_it_is(timeout: bytes) -> None:
    told = ""
    try:
        assert seconds_of(timeout) >= 0
    except ProtocolFault as fault:
        told = fault.message
    assert len(told) < 200


@pytest.mark.parametrize(
    "content_type",
    (
        *(b"application/grpc", b"application/grpc+proto", b"Application/gRPC", b"application/grpc;charset=utf-8"),
        *(b"application/grpc+proto; a=b", b"application/grpc ; a=b"),
    ),
)
def test_a_call_is_a_post_of_grpc(content_type: bytes) -> None:
    assert speaks_grpc("POST", content_type)
    assert not speaks_grpc("GET", content_type)


@pytest.mark.parametrize(
    "content_type",
    (
        *(b"", b"application/json", b"text/plain", b"application/grpc-web", b"application/grpc-web+proto"),
        *(b"application/grpcs", b"application/grpc+", b"xapplication/grpc", b" application/grpc", b"\xff"),
    ),
)
def test_other_content_is_no_call(content_type: bytes) -> None:
    assert not speaks_grpc("POST", content_type)


@given(st.binary(max_size=300))
def test_a_message_is_framed_by_its_length(message: bytes) -> None:
    frame = framed(message)
    assert frame[0] == 0
    assert int.from_bytes(frame[1:PREFIX_BYTES], "big") == len(message)
    assert frame[PREFIX_BYTES:] == message


@pytest.mark.parametrize("encoding", COMPRESS)
@given(message=st.binary(max_size=2_000))
def test_what_was_compressed_comes_out_as_it_was(encoding: bytes, message: bytes) -> None:
    assert decompressed(COMPRESS[encoding](message), encoding, len(message)) == message


@pytest.mark.parametrize("encoding", COMPRESS)
@given(junk=st.binary(max_size=200))
def test_junk_is_decompressed_or_refused(encoding: bytes, junk: bytes) -> None:
    code = grpc.StatusCode.INTERNAL
    try:
        assert len(decompressed(junk, encoding, 100)) <= 100
    except ProtocolFault as fault:
        code = fault.code
    assert code in (grpc.StatusCode.INTERNAL, grpc.StatusCode.RESOURCE_EXHAUSTED)


@pytest.mark.parametrize("encoding", (b"br", b"snappy", b"GZIP", b"gzip, gzip", b"", b"\xff" * 1_000))
def test_an_unknown_encoding_is_told_with_the_known_ones(encoding: bytes) -> None:
    with pytest.raises(ProtocolFault, match="expected one of identity, deflate, gzip") as fault:
        decompressed(b"", encoding, 10)
    assert fault.value.code is grpc.StatusCode.UNIMPLEMENTED
    assert len(str(fault.value)) < 200


def test_a_compressed_message_without_an_encoding_is_a_mistake_of_the_client() -> None:
    with pytest.raises(ProtocolFault) as fault:
        decompressed(b"", b"identity", 10)
    assert fault.value.code is grpc.StatusCode.INTERNAL


@pytest.mark.parametrize("encoding", COMPRESS)
@pytest.mark.parametrize(
    "spoil",
    (
        lambda whole: whole[:-1],
        lambda whole: whole[: len(whole) // 2],
        lambda whole: b"",
        lambda whole: whole + b"\0",
        lambda whole: whole + whole,
        lambda whole: whole[:-5] + b"\0" * 5,
        lambda whole: raw_deflate(b"message"),
    ),
    ids=("one byte short", "half", "nothing", "one byte more", "twice", "bad checksum", "no header"),
)
def test_what_is_not_exactly_one_compressed_message_is_refused(
    encoding: bytes, spoil: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(ProtocolFault) as fault:
        decompressed(spoil(COMPRESS[encoding](b"a message " * 20)), encoding, 1_000)
    assert fault.value.code is grpc.StatusCode.INTERNAL


def test_one_encoding_is_not_taken_for_the_other() -> None:
    for encoding, other in ((b"gzip", b"deflate"), (b"deflate", b"gzip")):
        with pytest.raises(ProtocolFault):
            decompressed(COMPRESS[encoding](b"message"), other, 1_000)


@pytest.mark.parametrize("encoding", COMPRESS)
def test_a_message_may_be_as_large_as_the_limit_and_no_larger(encoding: bytes) -> None:
    assert len(decompressed(COMPRESS[encoding](bytes(1_000)), encoding, 1_000)) == 1_000
    with pytest.raises(ProtocolFault, match="at most 999 are taken") as fault:
        decompressed(COMPRESS[encoding](bytes(1_000)), encoding, 999)
    assert fault.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = gzipped_zeros(1_024)
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolFault) as fault:
            decompressed(bomb, b"gzip", MIB)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert fault.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert most < 4 * MIB


def test_a_size_is_checked_before_anything_is_read() -> None:
    check_size(10, 10)
    with pytest.raises(ProtocolFault) as fault:
        check_size(11, 10)
    assert fault.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
