"""A router on the ground of `egress_ground`, which may connect to one address of it, whatever a resolver answers."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from services.router.upstream import Limits, Timeouts
from services.router.upstream.names import Address, Lookup
from services.router.upstreams import Upstreams
from tests.integration.router.running import RunningRouter, provider, running_router
from tests.integration.router.upstream.conftest import Authority
from tests.integration.router.upstream.scripted import Peer
from tests.integration.runtime.egress_ground import (
    NAME,
    NOBODY_HOST,
    OPEN_FAMILY,
    OPEN_HOST,
    Ground,
    connections_tried,
    open_ground,
)

KEPT = "kept.example"
"""The one that answers, under a name of its own: a connection that is kept belongs to a name."""
NO_MEMORY = Limits(names=0)
"""A name is looked up for each connection, so that its answer may change at once."""

_TO = re.compile(r"POST /to/(\d+)/([0-9a-f]+)/")
_WHOLE = b"""{"id":"1","object":"chat.completion","created":1,"model":"gpt-4","choices":[{"index":0,\
"finish_reason":"stop","message":{"role":"assistant","content":"Bees."}}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}"""
_STREAM = b"""data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"gpt-4","choices":[{"index":0,\
"delta":{"role":"assistant","content":"Bees."},"finish_reason":"stop"}],\
"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}

data: [DONE]

"""


async def complete(peer: Peer) -> None:
    """Redirects from /to/<status>/<where, in hexadecimal>; else completes, and then leaves unless asked at /kept."""
    kept = True
    while kept:
        try:
            request = await peer.request()
        except TimeoutError:
            return
        if to := _TO.match(request.line):
            head = f"HTTP/1.1 {to[1]} Elsewhere\r\ncontent-length: 0\r\nlocation: "
            await peer.send(head.encode() + bytes.fromhex(to[2]) + b"\r\n\r\n")
            continue
        kept = request.line.startswith("POST /kept/")
        body, kind = (
            (_STREAM, "text/event-stream") if b'"stream":true' in request.body else (_WHOLE, "application/json")
        )
        head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n"
        await peer.send(head.encode() + (b"\r\n" if kept else b"connection: close\r\n\r\n") + body)


class Resolver:
    """Answers as it is told, one answer after the other, the last one for ever; told nothing, as `otherwise` does."""

    def __init__(self, otherwise: Lookup) -> None:
        self.asked = 0
        self._otherwise = otherwise
        self._answers: Sequence[Sequence[Address]] = ()

    def tell(self, *answers: Sequence[Address]) -> None:
        self.asked = 0
        self._answers = answers

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        self.asked += 1
        if not self._answers:
            return await self._otherwise(host, port)
        return self._answers[min(self.asked, len(self._answers)) - 1]


@dataclass
class Guarded:
    """`tried` are the addresses of the ground that this process has asked the kernel to connect to."""

    ground: Ground
    router: RunningRouter
    resolver: Resolver
    _tried: list[Any]

    @property
    def tried(self) -> set[str]:
        return {address[0] for address in self._tried if address[1] == self.ground.port}

    @property
    def connections(self) -> int:
        """How many the one that answers has had."""
        return len(self.ground.provider.peers)

    @property
    def permitted(self) -> Address:
        """Where somebody answers."""
        return Address(OPEN_FAMILY, (OPEN_HOST, self.ground.port))

    def url_of(self, host: str, path: str = "/v1") -> str:
        return f"https://{host}:{self.ground.port}{path}"

    def assert_silence(self) -> None:
        """Nobody was connected to but who may be."""
        assert self.ground.silent
        assert self.ground.reached() == []
        assert self.tried <= {OPEN_HOST, NOBODY_HOST}

    def afresh(self) -> "Guarded":
        """The same, with nothing tried or in its journal yet, and its resolver told nothing."""
        self.resolver.tell()
        self._tried.clear()
        return replace(self, router=replace(self.router, first=self.router.journal.last_number + 1))


@asynccontextmanager
async def guarded(directory: Path, authority: Authority, limits: Limits | None = None) -> AsyncIterator[Guarded]:
    """A router that knows no model, for as long as the block lasts.

    Of its providers openai is nowhere, and the operator has put misled where users may not go.
    """
    with connections_tried() as tried:
        async with open_ground(authority, complete) as ground:

            async def lookup(host: str, port: int) -> Sequence[Address]:
                return await ground.worst_lookup(NAME if host == KEPT else host, port)

            resolver = Resolver(lookup)
            ways_out = Upstreams(Timeouts(2.0, 2.0), ground.policy, tls=ground.tls, limits=limits, lookup=resolver)
            providers = [
                provider("openai", "https://api.openai.invalid/v1"),
                provider("misled", f"https://127.0.0.1:{ground.port}/v1"),
            ]
            keys = {"openai": ("sk-openai",), "misled": ("sk-misled",)}
            async with running_router(directory, providers, keys, upstreams=ways_out) as router:
                yield Guarded(ground, router, resolver, tried)
