"""One call over ASGI: its messages in and out, its metadata, its status."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, NoReturn

import grpc
from grpc.aio import AbortError
from starlette.types import Message, Receive, Scope, Send

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


class ClientGone(asyncio.CancelledError):
    """Nobody waits for the answer any more. A cancellation, as the client's leaving otherwise is."""


class Call:
    """What a method's handler gets as its context: of `grpc.aio.ServicerContext`, the part that servicers here use.

    Attributes:
        headers: what the client sent along, by name; of a name that came twice, the last.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, most_bytes: int, most_seconds: float) -> None:
        """A message of the request may have `most_bytes`, and come piece by piece for `most_seconds`."""
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self._raw_headers: RawHeaders = scope["headers"]
        self._receive = receive
        self._send = send
        self._most_bytes = most_bytes
        self._most_seconds = most_seconds
        self._serialize: Callable[[Any], bytes] = bytes
        self._deadline: float | None = None
        self._received, self._read = b"", 0
        self._ended = self._begun = self._finished = False
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
            ProtocolFault: it is too large, badly compressed or cut off, or does not come to its end.
            ClientGone: the client has gone.
        """
        if not await self._holds(PREFIX_BYTES):
            return None
        compressed = self._received[self._read]
        size = int.from_bytes(self._received[self._read + 1 : self._read + PREFIX_BYTES], "big")
        if compressed > 1:
            raise ProtocolFault(grpc.StatusCode.INTERNAL, f"A message begins with {compressed}: expected 0 or 1")
        check_size(size, self._most_bytes)
        await self._holds(PREFIX_BYTES + size)
        start = self._read + PREFIX_BYTES
        self._read = start + size
        message = self._received[start : self._read]
        if self._read == len(self._received):
            # A request may be large, and its call go on for long.
            self._received, self._read = b"", 0
        if compressed:
            return decompressed(message, self.headers.get(b"grpc-encoding", b"identity"), self._most_bytes)
        return message

    async def write(self, message: Any) -> None:
        """Sends one message of a stream; waits while the client reads too slowly.

        Raises:
            ClientGone: the client has gone. So do `succeed` and `finish`.
        """
        body = framed(self._serialize(message))
        await self._begin()
        await self._tell({"type": "http.response.body", "body": body, "more_body": True})

    async def succeed(self, message: Any) -> None:
        """Sends the only message and the status OK."""
        body = framed(self._serialize(message))
        await self._begin()
        await self._end(body)

    async def finish(self, code: grpc.StatusCode | None = None, message: str = "") -> None:
        """Sends the status: this one, or what the call was aborted with, or OK.

        Raises:
            ClientGone: the client has gone, or the status was being sent already.
            ValueError: the trailing metadata can't be written; no status has been sent.
        """
        if code is not None:
            self._code, self._message = code, message
        await self._begin()
        await self._end(b"")

    async def refuse(self, start: Message, body: bytes) -> None:
        """Answers a request that is no call, in plain HTTP."""
        await self._tell(start)
        await self._tell({"type": "http.response.body", "body": body})

    async def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            await self._tell(_START)

    async def _end(self, body: bytes) -> None:
        if self._finished:
            raise ClientGone
        trailers = _SUCCESS
        if self._code is not grpc.StatusCode.OK:
            code: int = self._code.value[0]
            trailers = [(b"grpc-status", str(code).encode()), (b"grpc-message", escaped(self._message))]
        if self._trailing:
            trailers = trailers + headers_of(self._trailing)
        self._finished = True
        await self._tell({"type": "http.response.body", "body": body})
        await self._tell({"type": "http.response.trailers", "headers": trailers})

    async def _tell(self, event: Message) -> None:
        try:
            await self._send(event)
        except OSError:  # so ASGI has it: there is nobody to send it to
            raise ClientGone from None

    async def _holds(self, size: int) -> bool:
        """Receives until that many bytes are unread; False where the request ends before the first of them."""
        if len(self._received) - self._read >= size:
            return True
        # Not a list of what came: a client may send its message two bytes at a time.
        unread = bytearray(self._received[self._read :])
        until = None
        while len(unread) < size:
            if self._ended:
                if not unread:
                    return False
                raise ProtocolFault(grpc.StatusCode.INTERNAL, "The request ends amid a message")
            # No timer, which every call would pay for: that each piece comes in time is the server's to see to.
            if unread:
                until = until or time.monotonic() + self._most_seconds
                if time.monotonic() > until:
                    raise ProtocolFault(grpc.StatusCode.DEADLINE_EXCEEDED, "The message takes too long to come whole")
            event = await self._receive()
            if event["type"] == "http.disconnect":
                raise ClientGone
            unread += event.get("body", b"")
            self._ended = not event.get("more_body", False)
        self._received, self._read = bytes(unread), 0
        return True
