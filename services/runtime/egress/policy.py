"""What may be connected to on behalf of a user: what is public, and what the operator opened."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Self

import structlog

from services.runtime.egress.addresses import Address, embedded, is_public
from services.runtime.egress.hosts import parse_host

VARIABLE = "PANTHEON_EGRESS_ALLOW"
EXPECTED = "expected a CIDR, an address, a host or host:port, as 10.1.0.0/16, 127.0.0.1:11434, [::1]:80 or ollama:11434"

_MOST_PORT = 65_535
_HTTPS = 443
_FIRST_FREE_PORT = 1_024

_log = structlog.get_logger(__name__)


class AddressRefused(PermissionError):
    """A user's URL leads to where users' URLs may not lead. Does not tell the address: it may be none of theirs."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"{host}:{port} has no address that users may have Pantheon connect to; {VARIABLE} opens more")


@dataclass(frozen=True, slots=True)
class OpenNetwork:
    """Addresses that the operator opened, on one port or (None) on all."""

    network: IPv4Network | IPv6Network
    port: int | None = None


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """Public addresses on port 443 or from 1024 up, and beside them what is listed here. The default opens nothing.

    A listed name is trusted with whatever address it has; a listed address is open by whatever name.
    """

    networks: tuple[OpenNetwork, ...] = ()
    hosts: frozenset[tuple[str, int | None]] = frozenset()
    """Names in lower case, each with a port or None for all."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads a comma-separated list as PANTHEON_EGRESS_ALLOW holds it.

        Raises:
            ValueError: an entry is wrong; the message names it.
        """
        networks: list[OpenNetwork] = []
        hosts: set[tuple[str, int | None]] = set()
        for entry in filter(None, map(str.strip, text.split(","))):
            try:
                opened = _opened(entry)
            except ValueError:
                raise ValueError(f"{entry!r}: {EXPECTED}") from None
            if isinstance(opened, OpenNetwork):
                networks.append(opened)
            else:
                hosts.add(opened)
        return cls(tuple(networks), frozenset(hosts))

    def names(self, host: str, port: int) -> bool:
        """Whether the operator listed this name, in lower case, for this port."""
        return (host, port) in self.hosts or (host, None) in self.hosts

    def opens(self, address: Address, port: int) -> bool:
        """Whether the operator opened this address, and with it all that may be read into it."""
        return any(address in opened.network and opened.port in (None, port) for opened in self.networks) and all(
            self._is_free(inner, port) or self.opens(inner, port) for inner in embedded(address)
        )

    def permits(self, host: str, address: str, port: int) -> bool:
        """Whether `address`, one of those that `host` has, may be connected to. What is no plain address may not."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        if getattr(parsed, "scope_id", None) is not None:
            return False
        return self.names(host, port) or self._is_free(parsed, port) or self.opens(parsed, port)

    def guard(self, host: str, address: tuple[Any, ...]) -> None:
        """To be called with a host and the socket address about to be connected to on its behalf.

        Raises:
            AddressRefused: it may not be.
        """
        to, port, *flow_and_scope = address
        if any(flow_and_scope) or not self.permits(host, to, port):
            _log.warning("egress.refused", host=host, address=to, port=port)
            raise AddressRefused(host, port)

    @staticmethod
    def _is_free(address: Address, port: int) -> bool:
        return is_public(address) and is_web_port(port)


def is_web_port(port: int) -> bool:
    """Whether a user may name this port: the lower ones but HTTPS's belong to mail, shells and the like."""
    return port == _HTTPS or _FIRST_FREE_PORT <= port <= _MOST_PORT


def _opened(entry: str) -> OpenNetwork | tuple[str, int | None]:
    """One entry of the list. Raises ValueError."""
    if "/" in entry:
        return OpenNetwork(ip_network(entry))
    if entry.count(":") > 1 and not entry.startswith("["):
        entry = f"[{entry}]"
    text, port = entry, None
    if not entry.endswith("]") and ":" in entry:
        text, _, digits = entry.rpartition(":")
        port = _port(digits)
    host = parse_host(text)
    return (host, port) if isinstance(host, str) else OpenNetwork(ip_network(host), port)


def _port(digits: str) -> int:
    if not (digits.isascii() and digits.isdigit() and 0 < int(digits) <= _MOST_PORT):
        raise ValueError("not a port")
    return int(digits)
