"""A provider that costs next to nothing: one fixed answer, no parsing. `python -m benchmarks.static_upstream PORT`."""

import asyncio
import sys

import uvloop

_BODY = (
    b'{"id":"chatcmpl-static","object":"chat.completion","created":1700000000,"model":"gpt-4-0613","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"'
    + b"All work and no play. "
    * 12
    + b'","refusal":null},"logprobs":null,'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":42,"completion_tokens":72,"total_tokens":114,'
    b'"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,'
    b'"audio_tokens":0}},"service_tier":"default","system_fingerprint":null}'
)
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(_BODY) + _BODY


class _Static(asyncio.Protocol):
    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            self._transport.write(_ANSWER)  # type: ignore[attr-defined]  # a socket's transport


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Static, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
