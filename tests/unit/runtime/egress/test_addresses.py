from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.egress import EgressPolicy
from services.runtime.egress.addresses import embedded, is_public
from tests.fixtures.forbidden_hosts import ipv6_embeddings

_NOT_GLOBAL_4 = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
)

forbidden_ipv4 = st.one_of([st.ip_addresses(v=4, network=network) for network in _NOT_GLOBAL_4])
everything_opened = EgressPolicy.parse("::/0")


@pytest.mark.parametrize(
    "text",
    (
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.17",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "192.169.0.0",
        "223.255.255.255",
        "2001:200::1",
        "2606:4700::6810:84e5",
        "2a00:1450:4001:830::200e",
        "2c0f:ffff::1",
    ),
)
def test_an_address_of_the_internet_is_public(text: str) -> None:
    assert is_public(ip_address(text))


@given(forbidden_ipv4)
def test_an_ipv4_address_set_aside_is_not_public(address: IPv4Address) -> None:
    assert not is_public(address)


@given(forbidden_ipv4.filter(lambda address: int(address) > 1))
def test_an_ipv6_address_that_embeds_one_is_neither_public_nor_to_be_opened(address: IPv4Address) -> None:
    for embedding in ipv6_embeddings(address):
        assert address in set(embedded(embedding))
        assert not is_public(embedding)
        assert not everything_opened.permits("model.example", str(embedding), 443)


@given(st.ip_addresses(v=4), st.integers(0, 2**48 - 1), st.integers(0, 2**64 - 1))
def test_what_stands_around_an_embedded_address_does_not_hide_it(address: IPv4Address, low: int, prefix: int) -> None:
    value = int(address)
    assert address in set(embedded(IPv6Address(0x2002 << 112 | value << 80 | low)))
    assert address in set(embedded(IPv6Address(0x2001_0000 << 96 | low << 32 | value ^ 0xFFFF_FFFF)))
    assert address in set(embedded(IPv6Address(prefix << 64 | 0x0200_5EFE << 32 | value)))


@given(st.ip_addresses(v=6))
def test_no_ipv6_address_is_public_that_python_calls_private(address: IPv6Address) -> None:
    if not address.is_global or address.is_multicast:
        assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_is_public_that_python_calls_private(address: IPv4Address) -> None:
    if not address.is_global or address.is_multicast:
        assert not is_public(address)


def test_loopback_and_unspecified_are_addresses_of_their_own() -> None:
    assert not list(embedded(IPv6Address("::1")))
    assert not list(embedded(IPv6Address("::")))


def test_a_scope_makes_an_address_local() -> None:
    assert is_public(IPv6Address("2606:4700::1"))
    assert not is_public(IPv6Address("2606:4700::1%eth0"))
