"""How gRPC writes what it sends: messages with a prefix, deadlines, metadata and status texts. Pure functions."""

import base64
import binascii
import zlib
from collections.abc import Iterable
from typing import TypeAlias
from urllib.parse import quote

import grpc

Metadata: TypeAlias = tuple[tuple[str, str | bytes], ...]
RawHeaders: TypeAlias = list[tuple[bytes, bytes]]

PREFIX_BYTES = 5
"""One byte that tells whether the message is compressed, four of its length, highest first."""
ACCEPTED_ENCODINGS = b"identity, deflate, gzip"

_UNIT_SECONDS = {b"H": 3_600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_TIMEOUT_DIGITS = 8
_WINDOW_BITS = {b"gzip": 16 + zlib.MAX_WBITS, b"deflate": zlib.MAX_WBITS}
# What the protocol itself says in headers is no metadata of the application's.
_PROTOCOL_HEADERS = frozenset((b"content-type", b"te", b"host", b"content-length"))
_UNESCAPED = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


class ProtocolFault(Exception):
    """The peer, or a limit, ends the call with this status before or beside its method."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def framed(message: bytes) -> bytes:
    """A message, uncompressed, with its prefix."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def seconds_of(timeout: bytes) -> float:
    """The `grpc-timeout` header: at most eight digits and a unit, as b"100m".

    Raises:
        ProtocolFault: it is something else.
    """
    digits, unit = timeout[:-1], _UNIT_SECONDS.get(timeout[-1:])
    if unit is None or not digits.isdigit() or len(digits) > _TIMEOUT_DIGITS:
        told = timeout[:20].decode("ascii", "replace")
        raise ProtocolFault(
            grpc.StatusCode.INTERNAL, f"grpc-timeout is {told!r}: expected 1 to 8 digits and one of HMSmun"
        )
    return int(digits) * unit


def decompressed(message: bytes, encoding: bytes, most_bytes: int) -> bytes:
    """A message whose prefix says that it is compressed; `encoding` is the `grpc-encoding` header.

    Raises:
        ProtocolFault: the encoding is unknown, the message is none of that encoding, or it is larger than `most_bytes`.
    """
    window_bits = _WINDOW_BITS.get(encoding)
    if window_bits is None:
        told = encoding[:20].decode("ascii", "replace")
        raise ProtocolFault(
            grpc.StatusCode.UNIMPLEMENTED, f"grpc-encoding is {told!r}: expected one of {ACCEPTED_ENCODINGS.decode()}"
        )
    inflating = zlib.decompressobj(window_bits)
    try:
        content = inflating.decompress(message, most_bytes + 1)
    except zlib.error as error:
        raise ProtocolFault(grpc.StatusCode.INTERNAL, f"The message is not {encoding.decode()}: {error}") from None
    check_size(len(content), most_bytes)
    if not inflating.eof:
        raise ProtocolFault(grpc.StatusCode.INTERNAL, f"The message is not whole {encoding.decode()}")
    return content


def check_size(size: int, most_bytes: int) -> None:
    """Raises ProtocolFault for a message that is too large."""
    if size > most_bytes:
        raise ProtocolFault(
            grpc.StatusCode.RESOURCE_EXHAUSTED, f"The message has {size} bytes or more: at most {most_bytes} are taken"
        )


def metadata_of(headers: Iterable[tuple[bytes, bytes]]) -> Metadata:
    """The application's metadata among a request's headers; a name that ends in -bin has bytes for a value."""
    return tuple(
        (name.decode("ascii"), _binary(value) if name.endswith(b"-bin") else value.decode("latin-1"))
        for name, value in headers
        if name not in _PROTOCOL_HEADERS and not name.startswith(b"grpc-")
    )


def headers_of(metadata: Iterable[tuple[str, str | bytes]]) -> RawHeaders:
    """Metadata as headers."""
    return [
        (
            name.encode("ascii"),
            base64.b64encode(value).rstrip(b"=") if isinstance(value, bytes) else value.encode("latin-1"),
        )
        for name, value in metadata
    ]


def escaped(message: str) -> bytes:
    """A status message as the `grpc-message` trailer: UTF-8, everything but printable ASCII percent-encoded."""
    return quote(message, safe=_UNESCAPED).encode("ascii")


def _binary(value: bytes) -> bytes:
    try:
        return base64.b64decode(value + b"=" * (-len(value) % 4))
    except binascii.Error:
        raise ProtocolFault(grpc.StatusCode.INTERNAL, "Binary metadata is no base64") from None
