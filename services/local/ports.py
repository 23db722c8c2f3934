"""Free TCP ports on the loopback interface."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from services.local.errors import PortInUseError

LOOPBACK = "127.0.0.1"

_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST_PORT = 15_000
RANGE_VARIABLE = "PANTHEON_FREE_PORTS"
"""Names the ports to choose from, as "15000-19999": for who runs several stacks at once, each with ports of its own."""
_PICKS = 64
_BIND_ATTEMPTS = 5


def free_port() -> int:
    """A port nobody listens on at this moment.

    It lies below the kernel's ephemeral range where that leaves room: a server that is stopped and started again
    must find its port free, and inside that range any outgoing connection may take it meanwhile, even a client's
    attempt to reach that very port, which then connects to itself.
    """
    return free_ports(1)[0]


def free_ports(count: int) -> tuple[int, ...]:
    """`count` distinct ports nobody listens on at this moment; see `free_port`."""
    choice = choosable()
    ports: set[int] = set()
    for _ in range(_PICKS * count):
        if len(ports) == count or not choice:
            break
        candidate = secrets.choice(choice)
        if is_free(candidate):
            ports.add(candidate)
    while len(ports) < count:
        ports.add(_port_from_kernel())
    return tuple(ports)


def choosable() -> range:
    """The ports that free ones are chosen from. Raises ValueError where PANTHEON_FREE_PORTS is no range."""
    named = os.environ.get(RANGE_VARIABLE, "")
    if not named:
        return range(_LOWEST_PORT, _ephemeral_start())
    first, _, last = named.partition("-")
    if not (first.isdecimal() and last.isdecimal() and 0 < int(first) <= int(last) <= 65_535):
        raise ValueError(f"{RANGE_VARIABLE}={named!r}: expected first-last, as 15000-19999")
    return range(int(first), int(last) + 1)


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of the loopback interface now."""
    with socket.socket() as probe:
        # What servers set themselves: connections in TIME_WAIT do not count as a user of the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


async def start_on_port(start: Callable[[int], Awaitable[None]], port: int | None) -> int:
    """Await `start(port)` and return the port; with `port` None, choose a free one.

    A chosen port can be lost to another process before the server has bound it: then another one is tried.
    Raises what `start` raises; `PortInUseError` only for a port that was asked for, or after repeated bad luck.
    """
    if port is not None:
        await start(port)
        return port
    for attempt in range(1, _BIND_ATTEMPTS + 1):
        candidate = free_port()
        try:
            await start(candidate)
        except PortInUseError:
            if attempt == _BIND_ATTEMPTS:
                raise
        else:
            return candidate
    raise AssertionError("unreachable: the last attempt returns or raises")


def _ephemeral_start() -> int:
    try:
        return int(_EPHEMERAL_RANGE.read_text().split()[0])
    except OSError:
        return 32_768


def _port_from_kernel() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
