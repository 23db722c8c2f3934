"""How gRPC writes what it sends: messages with a prefix, deadlines, metadata and status texts. Pure functions."""

import base64
import binascii
import re
import zlib
from collections.abc import Iterable
from typing import TypeAlias
from urllib.parse import quote

import grpc
from grpc.aio import AbortError

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
_MEDIA_TYPE = re.compile(rb"application/grpc(\+[^;\s]+)?\s*(;.*)?", re.IGNORECASE)
_KEY = re.compile(r"[0-9a-z_.-]+")
_VALUE = re.compile(r"([!-~]([ -~]*[!-~])?)?")  # HTTP/2 has no values that begin or end with a space
_UNESCAPED = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


class ProtocolFault(AbortError):
    """The peer, or a limit, ends the call with this status before or beside its method, which is to let it through."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def speaks_grpc(method: str, content_type: bytes) -> bool:
    """Whether a request is a gRPC call: a POST of application/grpc or application/grpc+proto; not of grpc-web."""
    return method == "POST" and _MEDIA_TYPE.fullmatch(content_type) is not None


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
        ProtocolFault: the encoding is none or unknown, the message is not of that encoding and no more, or it is
            larger than `most_bytes`.
    """
    if encoding == b"identity":
        raise ProtocolFault(grpc.StatusCode.INTERNAL, "The message is said to be compressed, without a grpc-encoding")
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
    if not inflating.eof or inflating.unused_data:
        raise ProtocolFault(grpc.StatusCode.INTERNAL, f"The message is not whole {encoding.decode()}")
    return content


def check_size(size: int, most_bytes: int) -> None:
    """Raises ProtocolFault for a message that is too large."""
    if size > most_bytes:
        raise ProtocolFault(
            grpc.StatusCode.RESOURCE_EXHAUSTED, f"The message has {size} bytes or more: at most {most_bytes} are taken"
        )


def metadata_of(headers: Iterable[tuple[bytes, bytes]]) -> Metadata:
    """The application's metadata among a request's headers.

    A name that ends in -bin has bytes for a value; several of them may have come as one header with commas between.

    Raises:
        ProtocolFault: such a value is no base64.
    """
    metadata: list[tuple[str, str | bytes]] = []
    for raw, value in headers:
        if raw in _PROTOCOL_HEADERS or raw.startswith(b"grpc-"):
            continue
        name = raw.decode("latin-1")
        if name.endswith("-bin"):
            metadata += [(name, _binary(name, part)) for part in value.split(b",")]
        else:
            metadata.append((name, value.decode("latin-1")))
    return tuple(metadata)


def headers_of(metadata: Iterable[tuple[str, str | bytes]]) -> RawHeaders:
    """Metadata as headers.

    Raises:
        ValueError: a key or a value can't be written; the value is not told, as it may be a secret.
    """
    return [_header(name, value) for name, value in metadata]


def escaped(message: str) -> bytes:
    """A status message as the `grpc-message` trailer: UTF-8, everything but printable ASCII percent-encoded.

    So are spaces at either end, which HTTP/2 doesn't allow there. What UTF-8 can't write (lone surrogates) becomes "?".
    """
    encoded = quote(message, safe=_UNESCAPED, errors="replace")
    inner = encoded.strip(" ")
    if len(inner) != len(encoded):
        before = len(encoded) - len(encoded.lstrip(" "))
        encoded = "%20" * before + inner + "%20" * (len(encoded) - before - len(inner))
    return encoded.encode("ascii")


def _binary(name: str, value: bytes) -> bytes:
    stripped = value.strip()
    try:
        return base64.b64decode(stripped + b"=" * (-len(stripped) % 4), validate=True)
    except binascii.Error:
        raise ProtocolFault(grpc.StatusCode.INTERNAL, f"The metadata {name[:100]!r} is no base64") from None


def _header(name: str, value: str | bytes) -> tuple[bytes, bytes]:
    if not _KEY.fullmatch(name):
        raise ValueError(f"the metadata key {name!r}: expected lowercase letters, digits, '_', '-' and '.'")
    if isinstance(value, bytes) and name.endswith("-bin"):
        return name.encode("ascii"), base64.b64encode(value).rstrip(b"=")
    if not isinstance(value, str) or name.endswith("-bin") or not _VALUE.fullmatch(value):
        raise ValueError(f"the value of {name!r}: expected bytes if the key ends in -bin, else printable ASCII")
    return name.encode("ascii"), value.encode("ascii")
