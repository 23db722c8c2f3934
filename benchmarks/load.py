"""A client that costs little: `python -m benchmarks.load http|grpc ADDRESS KEY REQUESTS CONCURRENCY`.

Prints the seconds it took. Bounded by the number of requests; every answer must be a success.
"""

import asyncio
import sys
import time

import grpc
import uvloop

from pantheon.catalog.v1.parameters_pb2 import ModelParameters
from pantheon.router.v1.completion_pb2 import CompletionSpec
from pantheon.router.v1.message_pb2 import Message, MessageRole, Part, TextPart
from pantheon.router.v1.router_service_pb2 import CompleteRequest
from pantheon.router.v1.router_service_pb2_grpc import RouterServiceStub

_PROMPT = "Tell me a short story about a lighthouse keeper and the sea. " * 4
_BODY = (
    b'{"model":"gpt-4","messages":[{"role":"system","content":"You are a helpful assistant."},'
    b'{"role":"user","content":"' + _PROMPT.encode() + b'"}],"temperature":0.5,"max_tokens":400}'
)


class _Connection(asyncio.Protocol):
    """Sends one request after the other while there are any left."""

    def __init__(self, request: bytes, left: list[int], ended: "asyncio.Future[None]") -> None:
        self._request = request
        self._left = left
        self._ended = ended
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._next()

    def _next(self) -> None:
        if self._left[0]:
            self._left[0] -= 1
            self._transport.write(self._request)  # type: ignore[attr-defined]  # a socket's transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(self._buffer) < end + 4 + length:
            return
        if not head.startswith(b"http/1.1 200"):
            self._ended.set_exception(RuntimeError(self._buffer.decode()))
            return
        self._buffer = self._buffer[end + 4 + length :]
        self._left[1] -= 1
        if not self._left[1]:
            self._ended.set_result(None)
        self._next()


async def _http(address: str, key: str, requests: int, concurrency: int) -> None:
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\naccept: application/json\r\nuser-agent: benchmark\r\n"
        f"content-length: {len(_BODY)}\r\n\r\n"
    )
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    left = [requests, requests]
    host, _, port = address.rpartition(":")
    for _ in range(concurrency):
        await loop.create_connection(lambda: _Connection(head.encode() + _BODY, left, ended), host, int(port))
    await ended


async def _grpc(address: str, key: str, requests: int, concurrency: int) -> None:
    spec = CompletionSpec(
        model="gpt-4",
        messages=[
            Message(
                role=MessageRole.MESSAGE_ROLE_SYSTEM, parts=[Part(text=TextPart(text="You are a helpful assistant."))]
            ),
            Message(role=MessageRole.MESSAGE_ROLE_USER, parts=[Part(text=TextPart(text=_PROMPT))]),
        ],
        parameters=ModelParameters(temperature=0.5, max_tokens=400),
    )
    metadata = (("authorization", f"Bearer {key}"),)
    async with grpc.aio.insecure_channel(address) as channel:
        stub = RouterServiceStub(channel)

        async def work(count: int) -> None:
            for _ in range(count):
                await stub.Complete(CompleteRequest(spec=spec), metadata=metadata, timeout=60)

        await asyncio.gather(*(work(requests // concurrency) for _ in range(concurrency)))


async def main() -> None:
    """Runs the load that the command line asks for."""
    surface, address, key, requests, concurrency = sys.argv[1:]
    began = time.perf_counter()
    send = _http if surface == "http" else _grpc
    await send(address, key, int(requests), int(concurrency))
    print(time.perf_counter() - began)


if __name__ == "__main__":
    uvloop.run(main())
