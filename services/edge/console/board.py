"""What runs where: each process, its address, and whether it answers right now."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import httpx2 as httpx

from services.edge.backends import Backends
from services.edge.console.probes import State, probe_grpc, probe_http
from services.edge.settings import EdgeSettings
from services.runtime import times

# However many people look, the services are asked once a second at the most.
_KEEP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """One address a process serves."""

    process: str
    purpose: str
    protocol: str
    address: str
    state: State


@dataclass(frozen=True, slots=True)
class Look:
    """The board as it was at `time`, UTC."""

    rows: tuple[Row, ...]
    time: datetime


@dataclass(frozen=True, slots=True)
class _Entry:
    process: str
    purpose: str
    protocol: str
    address: str
    probe: Callable[[], Awaitable[State]]


class Board:
    """Asks every process at once; a look younger than a second is shown again."""

    def __init__(self, settings: EdgeSettings, backends: Backends) -> None:
        self._client = httpx.AsyncClient(trust_env=False, follow_redirects=False)
        self._entries = _entries(settings, backends, self._client)
        self._looking = asyncio.Lock()
        self._look = Look((), times.now())
        self._stale_at = 0.0

    async def look(self) -> Look:
        """The state of everything, but of the edge itself: that it answers shows that it runs."""
        async with self._looking:
            if time.monotonic() >= self._stale_at:
                states = await asyncio.gather(*(entry.probe() for entry in self._entries))
                rows = (
                    Row(entry.process, entry.purpose, entry.protocol, entry.address, state)
                    for entry, state in zip(self._entries, states, strict=True)
                )
                self._look = Look(tuple(rows), times.now())
                self._stale_at = time.monotonic() + _KEEP_SECONDS
            return self._look

    async def close(self) -> None:
        """Closes the connections the probes used."""
        await self._client.aclose()


def _entries(settings: EdgeSettings, backends: Backends, client: httpx.AsyncClient) -> list[_Entry]:
    def by_grpc(process: str, purpose: str, address: str) -> _Entry:
        return _Entry(process, purpose, "gRPC", address, lambda: probe_grpc(backends.channels[process]))

    def by_http(process: str, purpose: str, base_url: str, path: str) -> _Entry:
        return _Entry(process, purpose, "HTTP", base_url, lambda: probe_http(client, f"{base_url}{path}"))

    entries = [
        # Without a key it answers 401: that is an answer.
        by_http("router", "completions, OpenAI-compatible", f"http://{settings.router_http_address}", "/v1/models"),
        by_grpc("router", "completions", settings.router_address),
        by_grpc("catalog", "models, dated prices, settings", settings.catalog_address),
        by_grpc("usage", "the ledger: cost and latency", settings.usage_address),
        by_grpc("auth", "users, keys, tokens", settings.auth_address),
    ]
    if settings.sandbox_url:
        entries.append(by_http("sandbox", "simulated providers", settings.sandbox_url.rstrip("/"), "/readyz"))
    return entries
