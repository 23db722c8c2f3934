"""HTTP/2 frame by frame, for what no gRPC client would say."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import h2.config
import h2.connection
import h2.events
from google.protobuf.wrappers_pb2 import BytesValue

from services.runtime.grpc_asgi.framing import framed
from tests.integration.runtime.echo_service import UNARY

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, CONTINUATION = 0, 1, 3, 4, 6, 9
"""Types of frames: RFC 9113, section 6."""

Headers = tuple[tuple[str, str], ...]

_DEADLINE_SECONDS = 10.0
_CONNECTION_WINDOW = 2**30


@dataclass(slots=True)
class Answer:
    """What came on one stream so far."""

    headers: dict[str, str] = field(default_factory=dict)
    data: bytes = b""
    trailers: dict[str, str] = field(default_factory=dict)
    ended: bool = False
    reset: int | None = None

    @property
    def code(self) -> int:
        """The gRPC status; -1 where none came."""
        return int(self.trailers.get("grpc-status", self.headers.get("grpc-status", -1)))


class H2Client:
    """One connection. It reads only while it waits for something."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, acknowledges: bool) -> None:
        config = h2.config.H2Configuration(
            client_side=True,
            header_encoding="utf-8",
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
            validate_inbound_headers=True,
        )
        self.http = h2.connection.H2Connection(config)
        self.answers: defaultdict[int, Answer] = defaultdict(Answer)
        self.went_away: int | None = None
        """The error code of the server's GOAWAY."""
        self.pongs = 0
        self.is_closed = False
        """Whether the server closed the connection."""
        self._reader, self._writer = reader, writer
        self._acknowledges = acknowledges

    @classmethod
    @asynccontextmanager
    async def connected(cls, target: str, *, acknowledges: bool = True) -> AsyncIterator["H2Client"]:
        """To "host:port". Without `acknowledges` the server may send no more than 64 KiB on each stream."""
        host, _, port = target.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        client = cls(reader, writer, acknowledges=acknowledges)
        client.http.initiate_connection()
        client.http.increment_flow_control_window(_CONNECTION_WINDOW)
        try:
            await client.flush()
            yield client
        finally:
            writer.transport.abort()

    def begin(self, *more: tuple[str, str], path: str = UNARY, ends: bool = False, **replaced: str) -> int:
        """Opens a stream with a call's headers; those named are `replaced` (`content_type=`), or left out if empty."""
        headers = {
            ":method": "POST",
            ":scheme": "http",
            ":path": path,
            ":authority": "test",
            "content-type": "application/grpc",
            "te": "trailers",
        }
        headers |= {
            (":method" if name == "method" else name.replace("_", "-")): value for name, value in replaced.items()
        }
        stream = self.http.get_next_available_stream_id()
        kept = [(name, value) for name, value in headers.items() if value]
        self.http.send_headers(stream, [*kept, *more], end_stream=ends)
        return stream

    def send(self, stream: int, data: bytes, *, ends: bool = True) -> None:
        """Puts DATA into the stream."""
        size = self.http.max_outbound_frame_size
        for start in range(0, max(1, len(data)), size):
            self.http.send_data(stream, data[start : start + size], end_stream=ends and start + size >= len(data))

    async def call(self, body: bytes | None = None, more: Headers = (), **replaced: Any) -> Answer:
        """One whole call; without a body, of an empty message."""
        stream = self.begin(*more, **replaced)
        self.send(stream, framed(BytesValue().SerializeToString()) if body is None else body)
        return await self.answer(stream)

    async def answer(self, stream: int) -> Answer:
        """What comes on the stream until it ends."""
        answer = self.answers[stream]
        await self.until(lambda: answer.ended or answer.reset is not None)
        return answer

    async def flush(self, raw: bytes = b"") -> None:
        """Sends what is written, and raw bytes after it."""
        self._writer.write(self.http.data_to_send() + raw)
        async with asyncio.timeout(_DEADLINE_SECONDS):
            await self._writer.drain()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Reads until it is so.

        Raises:
            ConnectionError: the server closed the connection before.
        """
        async with asyncio.timeout(_DEADLINE_SECONDS):
            await self.flush()
            while not condition():
                came = await self._reader.read(65_536)
                if not came:
                    self.is_closed = True
                    if condition():
                        return
                    raise ConnectionError("the server closed the connection")
                for event in self.http.receive_data(came):
                    self._hear(event)
                await self.flush()

    async def until_closed(self) -> None:
        """Reads until the server closes the connection."""
        try:
            await self.until(lambda: self.is_closed)
        except ConnectionError:
            self.is_closed = True

    def _hear(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.ResponseReceived():
                self.answers[event.stream_id].headers = _texts(event.headers)
            case h2.events.TrailersReceived():
                self.answers[event.stream_id].trailers = _texts(event.headers)
            case h2.events.DataReceived():
                self.answers[event.stream_id].data += event.data
                if self._acknowledges:
                    self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.StreamEnded():
                self.answers[event.stream_id].ended = True
            case h2.events.StreamReset():
                self.answers[event.stream_id].reset = int(event.error_code)
            case h2.events.ConnectionTerminated():
                self.went_away = int(event.error_code or 0)
            case h2.events.PingAckReceived():
                self.pongs += 1


def _texts(headers: object) -> dict[str, str]:
    return {str(name): str(value) for name, value in headers}  # type: ignore[attr-defined]


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """One frame, whatever is in it."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload
