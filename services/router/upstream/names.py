"""Addresses of names, remembered for a moment."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import chain, zip_longest
from typing import Any, NamedTuple

SocketAddress = tuple[Any, ...]
"""(host, port), for IPv6 also flow and scope, as the socket module writes them."""

_MOST_KNOWN = 1_024


class Address(NamedTuple):
    """Where a socket of this family may connect to."""

    family: int
    address: SocketAddress


Lookup = Callable[[str, int], Awaitable[Sequence[Address]]]


async def system_lookup(host: str, port: int) -> Sequence[Address]:
    """Asks the system's resolver, in a thread. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [Address(family, address) for family, _, _, _, address in found]


class Names:
    """Looks up names. A name asked for many times at once is looked up once, and is known for so many `seconds`."""

    def __init__(self, lookup: Lookup = system_lookup, *, seconds: float = 30.0) -> None:
        self._lookup = lookup
        self._seconds = seconds
        self._known: dict[tuple[str, int], tuple[float, Sequence[Address]]] = {}
        self._running: dict[tuple[str, int], asyncio.Task[Sequence[Address]]] = {}

    async def addresses(self, host: str, port: int) -> Sequence[Address]:
        """At least one address, the preferred first, address families taking turns after it.

        Raises:
            OSError: there is none, or nobody to ask.
        """
        key = (host, port)
        until, known = self._known.get(key, (0.0, ()))
        if until > asyncio.get_running_loop().time():
            return known
        lookup = self._running.get(key)
        if lookup is None:
            lookup = self._running[key] = asyncio.create_task(self._look_up(host, port), name="upstream.names")
            lookup.add_done_callback(partial(self._looked_up, key))
        # Who stops waiting does not stop the others.
        await asyncio.wait({lookup})
        if lookup.cancelled():
            raise ConnectionAbortedError("closed while looking up a name")
        return lookup.result()

    def forget(self, host: str, port: int) -> None:
        """To be called when none of the addresses could be reached: there may be new ones."""
        self._known.pop((host, port), None)

    async def close(self) -> None:
        """Ends all lookups."""
        running = list(self._running.values())
        for lookup in running:
            lookup.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _look_up(self, host: str, port: int) -> Sequence[Address]:
        found = _taking_turns(await self._lookup(host, port))
        if not found:
            raise OSError(f"{host} has no address")
        return found

    def _looked_up(self, key: tuple[str, int], lookup: asyncio.Task[Sequence[Address]]) -> None:
        del self._running[key]
        if lookup.cancelled() or lookup.exception() is not None:
            return
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[key] = (asyncio.get_running_loop().time() + self._seconds, lookup.result())


def _taking_turns(found: Sequence[Address]) -> Sequence[Address]:
    """RFC 8305, section 4: so that a family that does not work costs one attempt, not all of them."""
    first = [address for address in found if address.family == found[0].family]
    other = [address for address in found if address.family != found[0].family]
    return [address for address in chain(*zip_longest(first, other)) if address is not None]
