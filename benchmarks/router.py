"""The router's CPU time per completion: the whole stack, everything on, 64 concurrent, against a static upstream.

User and system time of the router's process alone, from the kernel (`/proc/<pid>/stat`), relay and syncs included.
`python -m benchmarks.router [--json]`
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from benchmarks.figures import Figure, show
from services.local.children import Child
from services.local.ports import free_port
from services.local.stack import Ports, Stack, StackPlan, Surroundings

_CONCURRENCY = 64
_WARM_UP = 1_024
_ROUNDS = 7
_REQUESTS = {"http": 6_400, "grpc": 3_200}
_GOALS = {"http": 250, "grpc": 350}


async def measure() -> list[Figure]:
    """CPU microseconds per completion: the median of the rounds, and the best."""
    with _directory() as state:
        port = free_port()
        surroundings = Surroundings.throw_away()
        upstream = Child(
            "upstream",
            [sys.executable, "-m", "benchmarks.static_upstream", str(port)],
            env=dict(surroundings.common),
            log_path=state / "upstream.log",
        )
        plan = StackPlan(
            state,
            Ports.free(),
            sandbox=False,
            environment=surroundings.common,
            provider_environment={"OPENAI_API_KEY": "static", "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1"},
        )
        await upstream.start()
        try:
            async with Stack(plan) as stack:
                return [await _surface(stack, surface) for surface in ("http", "grpc")]
        finally:
            await upstream.stop()


@contextmanager
def _directory() -> Iterator[Path]:
    """A directory that whoever runs Postgres can get through to."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        yield Path(name)


async def _surface(stack: Stack, surface: str) -> Figure:
    key = json.loads(stack.plan.credentials.read_text())["api_key"]
    address = stack.plan.ports.address(surface)
    pid = stack.services["router"].pid
    requests = _REQUESTS[surface]
    await _load(surface, address, key, _WARM_UP)
    costs, rates = [], []
    for _ in range(_ROUNDS):
        before = _cpu_seconds(pid)
        seconds = await _load(surface, address, key, requests)
        costs.append((_cpu_seconds(pid) - before) / requests * 1e6)
        rates.append(requests / seconds)
    note = f"best {min(costs):,.0f}; {statistics.median(rates):,.0f} requests/s; {_CONCURRENCY} concurrent"
    median = statistics.median(costs)
    return Figure(f"router CPU per completion, {surface}", median, "µs", f"at most {_GOALS[surface]}", note)


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
