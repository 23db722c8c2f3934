"""Which addresses are public. Pure; IANA's registries as of 2026, so that no Python release changes the answer.

IPv6 has a dozen ways to write an IPv4 address, and some machine on the way may take each at its word: who is kept from
127.0.0.1 must not reach it as ::ffff:127.0.0.1. No address that can be translated is public, and where an operator
opens such a network, the IPv4 addresses within are judged too.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

_NOT_PUBLIC_4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network; Linux takes 0.0.0.0 for itself
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared; 100.100.100.200 is Alibaba's metadata
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's platform service: public by its number only
        "169.254.0.0/16",  # link-local; 169.254.169.254 is most clouds' metadata, 169.254.170.2 a container's
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; 192.0.0.192 is Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved; 255.255.255.255 is broadcast
    )
)
"""IANA, IPv4 Special-Purpose Address Registry, and what clouds keep for themselves."""

_UNICAST_6 = IPv6Network("2000::/3")
"""IANA, IPv6 Address Space: the only block of global unicast. Loopback, unspecified, mapped, compatible, translated,
NAT64, unique-local (fd00:ec2::254 is Amazon's metadata), link-local, site-local and multicast lie outside."""

_NOT_PUBLIC_6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3ffe::/16",  # 6bone, given back
        "3fff::/20",  # documentation
    )
)
"""IANA, IPv6 Special-Purpose Address Registry."""

_AT_THE_END = tuple(
    IPv6Network(text)
    for text in (
        "::/96",  # IPv4-compatible: RFC 4291, section 2.5.5.1
        "::ffff:0:0/96",  # IPv4-mapped: section 2.5.5.2
        "::ffff:0:0:0/96",  # IPv4-translated: RFC 2765
        "64:ff9b::/96",  # NAT64: RFC 6052
    )
)
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
"""RFC 8215; how long the prefix is within it is each network's own choice."""
_6TO4 = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
_OF_THEIR_OWN = frozenset({IPv6Address("::"), IPv6Address("::1")})
"""Within ::/96, and yet not IPv4."""
_LAST_32 = 0xFFFF_FFFF
_ISATAP = 0x5EFE
_ISATAP_MASK = 0xFCFF_FFFF
"""Without the bits for universal and group."""


def is_public(address: Address) -> bool:
    """Whether it is an address on the Internet, whoever asks. One with a scope is not."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if address.scope_id is not None or address not in _UNICAST_6:
        return False
    return not any(address in network for network in _NOT_PUBLIC_6) and all(map(is_public, embedded(address)))


def embedded(address: Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that an IPv6 address holds, in all ways it can be read."""
    if isinstance(address, IPv4Address) or address in _OF_THEIR_OWN:
        return
    value = int(address)
    if any(address in network for network in _AT_THE_END):
        yield _bits(value, 96)
    if address in _NAT64_LOCAL:
        yield from (_around_the_u_octet(value, length) for length in (48, 56, 64))
        yield _bits(value, 96)
    if address in _6TO4:
        yield _bits(value, 16)  # RFC 3056, section 2
    if address in _TEREDO:
        yield _bits(value, 32)  # the server: RFC 4380, section 4
        yield IPv4Address(~value & _LAST_32)  # the client, inverted
    if (value >> 32) & _LAST_32 & _ISATAP_MASK == _ISATAP:
        yield _bits(value, 96)  # RFC 5214, section 6.1, whatever the prefix


def _bits(value: int, start: int) -> IPv4Address:
    """The 32 bits from bit `start`, counted from the left."""
    return IPv4Address((value >> (96 - start)) & _LAST_32)


def _around_the_u_octet(value: int, prefix_length: int) -> IPv4Address:
    """RFC 6052, section 2.2: bits 64 to 71 are left out of what follows the prefix."""
    without = ((value >> 64) << 56) | (value & ((1 << 56) - 1))
    return IPv4Address((without >> (120 - prefix_length - 32)) & _LAST_32)
