"""One call over ASGI: its messages in and out, its metadata, its status."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, NoReturn

import grpc
from grpc.aio import AbortError
from starlette.types import Receive, Scope, Send

from services.runtime.grpc_asgi.framing import (
    ACCEPTED_ENCODINGS,
    PREFIX_BYTES,
    Metadata,
    ProtocolFault,
    RawHeaders,
    check_size,
    decompressed,
    escaped,
    framed,
    headers_of,
    metadata_of,
    seconds_of,
)

_HEADERS: RawHeaders = [(b"content-type", b"application/grpc"), (b"grpc-accept-encoding", ACCEPTED_ENCODINGS)]
_START = {"type": "http.response.start", "status": 200, "headers": _HEADERS, "trailers": True}
_SUCCESS: RawHeaders = [(b"grpc-status", b"0")]


class Call:
    """What a method's handler gets as its context: of `grpc.aio.ServicerContext`, the part that servicers here use.

    Attributes:
        headers: what the client sent along, by name; of a name that came twice, the last.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, most_bytes: int) -> None:
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self._raw_headers: RawHeaders = scope["headers"]
        self._receive = receive
        self._send = send
        self._most_bytes = most_bytes
        self._serialize: Callable[[Any], bytes] = bytes
        self._deadline: float | None = None
        self._unread = b""
        self._ended = self._begun = False
        self._trailing: Metadata = ()
        self._code, self._message = grpc.StatusCode.OK, ""

    def prepare(self, serialize: Callable[[Any], bytes]) -> None:
        """Takes how answers are written, and the client's deadline. Raises ProtocolFault where that can't be read."""
        self._serialize = serialize
        timeout = self.headers.get(b"grpc-timeout")
        if timeout is not None:
            self._deadline = time.monotonic() + seconds_of(timeout)

    def invocation_metadata(self) -> Metadata:
        """What the client sent along, in order."""
        return metadata_of(self._raw_headers)

    def time_remaining(self) -> float | None:
        """Seconds until the client's deadline; None where it set none."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def set_trailing_metadata(self, metadata: Metadata) -> None:
        """What goes to the client with the status; replaces what was set before."""
        self._trailing = metadata

    def trailing_metadata(self) -> Metadata:
        """What has been set."""
        return self._trailing

    async def abort(self, code: grpc.StatusCode, details: str = "", trailing_metadata: Metadata = ()) -> NoReturn:
        """Ends the call with this status. Raises AbortError, as grpcio's does, which is to go through."""
        self._code, self._message = code, details
        self._trailing = trailing_metadata or self._trailing
        raise AbortError

    async def read(self) -> bytes | None:
        """The next message's bytes; None after the last.

        Raises:
            ProtocolFault: it is too large, badly compressed or cut off.
            asyncio.CancelledError: the client has gone.
        """
        if not await self._holds(PREFIX_BYTES):
            return None
        size = int.from_bytes(self._unread[1:PREFIX_BYTES], "big")
        check_size(size, self._most_bytes)
        end = PREFIX_BYTES + size
        await self._holds(end)
        compressed, message = self._unread[0], self._unread[PREFIX_BYTES:end]
        self._unread = self._unread[end:]
        if compressed:
            return decompressed(message, self.headers.get(b"grpc-encoding", b"identity"), self._most_bytes)
        return message

    async def write(self, message: Any) -> None:
        """Sends one message of a stream; waits while the client reads too slowly."""
        await self._begin()
        await self._send({"type": "http.response.body", "body": framed(self._serialize(message)), "more_body": True})

    async def succeed(self, message: Any) -> None:
        """Sends the only message and the status OK."""
        body = framed(self._serialize(message))
        await self._begin()
        await self._end(body)

    async def finish(self, code: grpc.StatusCode | None = None, message: str = "") -> None:
        """Sends the status: this one, or what the call was aborted with, or OK."""
        if code is not None:
            self._code, self._message = code, message
        await self._begin()
        await self._end(b"")

    async def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            await self._send(_START)

    async def _end(self, body: bytes) -> None:
        trailers = _SUCCESS
        if self._code is not grpc.StatusCode.OK:
            code: int = self._code.value[0]
            trailers = [(b"grpc-status", str(code).encode()), (b"grpc-message", escaped(self._message))]
        if self._trailing:
            trailers = trailers + headers_of(self._trailing)
        await self._send({"type": "http.response.body", "body": body})
        await self._send({"type": "http.response.trailers", "headers": trailers})

    async def _holds(self, size: int) -> bool:
        """Reads on until that many bytes are unread; False where the request ends before the first of them."""
        if len(self._unread) >= size:
            return True
        came, pieces = len(self._unread), [self._unread]
        while came < size:
            if self._ended:
                if not came:
                    return False
                raise ProtocolFault(grpc.StatusCode.INTERNAL, "The request ends amid a message")
            event = await self._receive()
            if event["type"] == "http.disconnect":
                raise asyncio.CancelledError
            pieces.append(event.get("body", b""))
            came += len(pieces[-1])
            self._ended = not event.get("more_body", False)
        self._unread = b"".join(pieces)
        return True
