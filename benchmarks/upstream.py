"""CPU time of the router's seam to providers, beside the same exchange on aiohttp.

`python -m benchmarks.upstream [--json]`: a static provider in a process of its own answers 64 requests at a time, whole
or as a stream of 50 events, each sent by itself and two milliseconds after the last. Counted is the asking process
alone, system calls included; the best of several rounds that take turns, so that a busy machine disturbs both alike.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol, cast

import aiohttp
import uvloop

from benchmarks.figures import Figure, show
from services.router.sse import SseReader
from services.router.upstream import Timeouts, Upstream

CONCURRENT = 64
ROUNDS = 5
REQUESTS = 6_400
STREAMS = 640
EVENTS = 50
_PACE_SECONDS = 0.002

_HEADERS = {
    "content-type": "application/json",
    "user-agent": "pantheon",
    "authorization": "Bearer sk-proj-0123456789012345678901234567890123456789012345678901234567890123456789",
}
_REQUEST = json.dumps(
    {"model": "gpt-4", "messages": [{"role": "user", "content": "Tell me about bees. " * 20}]}
).encode()
_HEAD = b"".join(
    b"%b\r\n" % line
    for line in (
        b"HTTP/1.1 200 OK",
        b"Date: Mon, 02 Nov 2026 10:00:00 GMT",
        b"Server: cloudflare",
        b"openai-organization: user-0123456789",
        b"openai-processing-ms: 412",
        b"openai-version: 2020-10-01",
        b"x-ratelimit-limit-requests: 10000",
        b"x-ratelimit-remaining-requests: 9999",
        b"x-request-id: req_0123456789abcdef0123456789abcdef",
        b"strict-transport-security: max-age=31536000; includeSubDomains; preload",
        b"CF-RAY: 0123456789abcdef-AMS",
    )
)
_BODY = json.dumps(
    {"id": "chatcmpl-1", "choices": [{"message": {"content": "Bees are flying insects. " * 30}}]}
).encode()
_WHOLE = _HEAD + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
_EVENT = b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"delta":{"content":" bees"}}]}\n\n'
_CHUNK = b"%x\r\n%b\r\n" % (len(_EVENT), _EVENT)
_STREAM_HEAD = _HEAD + b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


class StaticProvider(asyncio.Protocol):
    """Answers every request with the same bytes, at once: a body at `/whole`, events in turns at `/stream`."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """A request, which is small enough to come in one piece; its head alone is not answered."""
        if not data.endswith(b"}"):
            return
        if data.startswith(b"POST /stream"):
            self._transport.write(_STREAM_HEAD)
            self._stream(EVENTS)
        else:
            self._transport.write(_WHOLE)

    def _stream(self, left: int) -> None:
        self._transport.write(_CHUNK if left else b"0\r\n\r\n")
        if left:
            asyncio.get_running_loop().call_later(_PACE_SECONDS, self._stream, left - 1)


class Client(Protocol):
    """One way to talk to a provider."""

    async def whole(self, url: str) -> int:
        """Asks for a body; returns its size."""

    async def stream(self, url: str) -> int:
        """Asks for a stream; returns the number of its events."""


class Seam:
    """The router's own."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def whole(self, url: str) -> int:
        """See `Client`."""
        response = await self._upstream.send(url, _HEADERS, _REQUEST)
        return len(await response.read())

    async def stream(self, url: str) -> int:
        """See `Client`."""
        response = await self._upstream.send(url, _HEADERS, _REQUEST)
        return sum([len(events) async for events in response.events()])


class Aiohttp:
    """The same on aiohttp, set up as sparingly as it can be."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def whole(self, url: str) -> int:
        """See `Client`."""
        async with self._session.post(url, data=_REQUEST, headers=_HEADERS, allow_redirects=False) as response:
            return len(await response.read())

    async def stream(self, url: str) -> int:
        """See `Client`."""
        reader, count = SseReader(), 0
        async with self._session.post(url, data=_REQUEST, headers=_HEADERS, allow_redirects=False) as response:
            while piece := await response.content.readany():
                count += len(reader.feed(piece))
        return count


@asynccontextmanager
async def provider() -> AsyncIterator[str]:
    """A static provider in a process of its own; its URL."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.upstream",
        "--serve",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(await child.stdout.readline())}"
    finally:
        child.stdin.close()
        await child.wait()


async def serve() -> None:
    """The child: says its port, serves until its input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(StaticProvider, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


async def cpu_us(ask: Callable[[str], Awaitable[int]], url: str, expected: int, count: int) -> float:
    """One round: microseconds an exchange."""
    left = iter(range(count))

    async def work() -> None:
        for _ in left:
            assert await ask(url) == expected

    began = time.process_time()
    await asyncio.gather(*(work() for _ in range(CONCURRENT)))
    return (time.process_time() - began) / count * 1e6


async def measure() -> list[Figure]:
    """CPU microseconds per request and per stream, of the seam and of aiohttp."""
    upstream = Upstream(Timeouts())
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=300),
        skip_auto_headers=("User-Agent", "Accept"),
    )
    clients: dict[str, Client] = {"own transport": Seam(upstream), "aiohttp": Aiohttp(session)}
    rounds: dict[tuple[str, str], list[float]] = {}
    async with provider() as url, session:
        for _ in range(ROUNDS):
            for name, client in clients.items():
                whole = await cpu_us(client.whole, f"{url}/whole", len(_BODY), REQUESTS)
                stream = await cpu_us(client.stream, f"{url}/stream", EVENTS, STREAMS)
                rounds.setdefault(("request", name), []).append(whole)
                rounds.setdefault((f"stream of {EVENTS} events", name), []).append(stream)
        await upstream.close()
    return [
        Figure(
            f"seam to providers, CPU per {exchange}, {name}",
            min(figures),
            "us",
            "at most 45" if (exchange, name) == ("request", "own transport") else "",
            f"{CONCURRENT} at a time, best of {ROUNDS} rounds",
        )
        for (exchange, name), figures in sorted(rounds.items())
    ]


if __name__ == "__main__":
    if "--serve" in sys.argv:
        uvloop.run(serve())
    else:
        show(uvloop.run(measure()))
