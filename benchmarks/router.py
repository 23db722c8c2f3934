"""The router's CPU time per completion: the whole stack, everything on, 64 concurrent, against a static upstream.

User and system time of the router's process alone, from the kernel (`/proc/<pid>/stat`), relay and syncs included.
The same load goes in turns to a bare server (`benchmarks.yardstick`), which tells what the machine does to the figures.
`python -m benchmarks.router [--json]`
"""

import asyncio
import json
import os
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop

from benchmarks.figures import Figure, show
from benchmarks.files import server_directory
from services.local.children import Child
from services.local.ports import free_port
from services.local.stack import Ports, Stack, StackPlan, Surroundings

_CONCURRENCY = 64
_WARM_UP = 1_024
_ROUNDS = 7
_REQUESTS = {"http": 6_400, "grpc": 3_200}
_GOALS = {"http": 250, "grpc": 350}


async def measure() -> list[Figure]:
    """CPU microseconds per completion: the median of the rounds, and the best; the bare server's beside it."""
    with server_directory() as state:
        port = free_port()
        surroundings = Surroundings.throw_away()
        upstream = Child(
            "upstream",
            [sys.executable, "-m", "benchmarks.static_upstream", str(port)],
            env=dict(surroundings.common),
            log_path=state / "upstream.log",
        )
        url = f"http://127.0.0.1:{port}/v1"
        plan = StackPlan(
            state,
            Ports.free(),
            sandbox=False,
            environment=surroundings.common,
            provider_environment={"OPENAI_API_KEY": "static", "OPENAI_BASE_URL": url},
        )
        await upstream.start()
        try:
            async with Stack(plan) as stack:
                return [figure for surface in ("http", "grpc") for figure in await _surface(stack, surface, url)]
        finally:
            await upstream.stop()


async def _surface(stack: Stack, surface: str, upstream: str) -> list[Figure]:
    key = json.loads(stack.plan.credentials.read_text())["api_key"]
    async with _yardstick(surface, upstream) as (bare_pid, bare_address):
        router = _Target(stack.services["router"].pid, stack.plan.ports.address(surface), [], [])
        bare = _Target(bare_pid, bare_address, [], [])
        for target in (router, bare):
            await _load(surface, target.address, key, _WARM_UP)
        for _ in range(_ROUNDS):
            for target in (router, bare):
                await target.round(surface, key)
    ratio = statistics.median(ours / theirs for ours, theirs in zip(router.costs, bare.costs, strict=True))
    return [
        router.figure(f"router CPU per completion, {surface}", f"at most {_GOALS[surface]}", f"; {ratio:.2f} x bare"),
        bare.figure(f"bare server beside it, {surface}", "", ""),
    ]


@dataclass(frozen=True, slots=True)
class _Target:
    """A process under load, and what its rounds gave: CPU microseconds per request, and requests per second."""

    pid: int | None
    address: str
    costs: list[float]
    rates: list[float]

    async def round(self, surface: str, key: str) -> None:
        requests = _REQUESTS[surface]
        before = _cpu_seconds(self.pid)
        seconds = await _load(surface, self.address, key, requests)
        self.costs.append((_cpu_seconds(self.pid) - before) / requests * 1e6)
        self.rates.append(requests / seconds)

    def figure(self, name: str, goal: str, note: str) -> Figure:
        how = f"best {min(self.costs):,.0f}; {statistics.median(self.rates):,.0f} requests/s{note}"
        return Figure(name, statistics.median(self.costs), "µs", goal, how)


@asynccontextmanager
async def _yardstick(surface: str, upstream: str) -> AsyncIterator[tuple[int, str]]:
    """The bare server: its process and its address."""
    bare = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "benchmarks.yardstick", surface, upstream),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert bare.stdin is not None
    assert bare.stdout is not None
    try:
        yield bare.pid, f"127.0.0.1:{int(await bare.stdout.readline())}"
    finally:
        bare.stdin.close()
        await bare.wait()


async def _load(surface: str, address: str, key: str, requests: int) -> float:
    load = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "benchmarks.load", surface, address, key, str(requests), str(_CONCURRENCY)),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await asyncio.wait_for(load.communicate(), timeout=120)
    if load.returncode:
        raise RuntimeError(f"the load failed with {load.returncode}")
    return float(output)


def _cpu_seconds(pid: int | None) -> float:
    """User and system time of a process, all its threads included (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    show(uvloop.run(measure()))
