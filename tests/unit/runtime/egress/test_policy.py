from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.egress import AddressRefused, EgressPolicy

NAME = "model.example"


def test_by_default_public_addresses_are_permitted_and_nothing_else() -> None:
    policy = EgressPolicy()
    assert policy.permits(NAME, "8.8.8.8", 443)
    assert policy.permits(NAME, "2606:4700::1", 8_443)
    assert not policy.permits(NAME, "10.1.2.3", 443)
    assert not policy.permits(NAME, "::1", 443)


@pytest.mark.parametrize("port", (0, 22, 25, 80, 442, 444, 1_023, 65_536))
def test_ports_of_other_protocols_are_not_permitted(port: int) -> None:
    assert not EgressPolicy().permits(NAME, "8.8.8.8", port)


def test_a_network_is_opened_and_not_its_neighbours() -> None:
    policy = EgressPolicy.parse("10.1.0.0/16, fd00:1::/32")
    assert policy.permits(NAME, "10.1.255.255", 80)
    assert policy.permits(NAME, "fd00:1::5", 80)
    for address in ("10.0.255.255", "10.2.0.0", "fd00:2::5", "127.0.0.1", "::ffff:10.1.0.1"):
        assert not policy.permits(NAME, address, 80)


@pytest.mark.parametrize("entry", ("127.0.0.1:11434", "[::1]:11434", "ollama:11434", "OLLAMA:11434"))
def test_an_entry_with_a_port_opens_that_port_alone(entry: str) -> None:
    policy = EgressPolicy.parse(entry)
    host, address = (
        ("ollama", "10.0.0.5") if "llama" in entry.lower() else (NAME, "::1" if "[" in entry else "127.0.0.1")
    )
    assert policy.permits(host, address, 11_434)
    assert not policy.permits(host, address, 11_435)
    assert not policy.permits(NAME, "10.0.0.5", 11_434)
    assert not policy.permits(NAME, "127.0.0.2", 11_434)


@pytest.mark.parametrize(
    ("entry", "address"), (("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("[::1]", "::1"), ("::", "::"))
)
def test_an_address_is_opened_on_all_ports(entry: str, address: str) -> None:
    policy = EgressPolicy.parse(entry)
    assert policy.permits(NAME, address, 1)
    assert policy.permits(NAME, address, 65_535)


def test_a_listed_name_may_lead_anywhere_and_others_may_not_follow() -> None:
    policy = EgressPolicy.parse("ollama.internal")
    assert policy.permits("ollama.internal", "10.9.9.9", 80)
    assert not policy.permits(NAME, "10.9.9.9", 80)
    assert not policy.permits("x.ollama.internal", "10.9.9.9", 80)


def test_an_opened_translator_does_not_open_what_it_translates_to() -> None:
    policy = EgressPolicy.parse("64:ff9b::/96")
    assert policy.permits(NAME, "64:ff9b::8.8.8.8", 443)
    assert not policy.permits(NAME, "64:ff9b::127.0.0.1", 443)
    assert EgressPolicy.parse("64:ff9b::/96,127.0.0.1").permits(NAME, "64:ff9b::127.0.0.1", 443)


@pytest.mark.parametrize("address", ("", "localhost", "127.1", "0x7f000001", "2130706433", "/run/socket", "8.8.8.08"))
def test_what_is_no_plain_address_is_not_permitted(address: str) -> None:
    assert not EgressPolicy.parse("0.0.0.0/0,::/0").permits(NAME, address, 443)


@pytest.mark.parametrize(
    "address", (("fe80::1", 443, 0, 2), ("2606:4700::1", 443, 7, 0), ("2606:4700::1", 443, 0, 1), ("fe80::1%2", 443))
)
def test_an_address_with_a_scope_is_refused_even_if_opened(address: tuple[Any, ...]) -> None:
    with pytest.raises(AddressRefused):
        EgressPolicy.parse("::/0").guard(NAME, address)


def test_a_refusal_names_the_host_the_port_and_the_variable_but_not_the_address() -> None:
    with pytest.raises(AddressRefused) as refused:
        EgressPolicy().guard(NAME, ("10.11.12.13", 8_443))
    assert "model.example:8443" in str(refused.value)
    assert "PANTHEON_EGRESS_ALLOW" in str(refused.value)
    assert "10.11.12.13" not in str(refused.value)


def test_a_permitted_address_passes_the_guard() -> None:
    EgressPolicy().guard(NAME, ("8.8.8.8", 443))
    EgressPolicy().guard(NAME, ("2606:4700::1", 443, 0, 0))


@pytest.mark.parametrize("text", ("", " ", ",", " , "))
def test_an_empty_list_opens_nothing(text: str) -> None:
    assert EgressPolicy.parse(text) == EgressPolicy()


@pytest.mark.parametrize(
    "entry",
    (
        "http://ollama:11434",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "10.0.0.0/8:80",
        "127.1",
        "0x7f.0.0.1",
        "2130706433",
        "127.0.0.01",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:http",
        "127.0.0.1:",
        "ollama:",
        ":80",
        "ollama.",
        "*.example.com",
        "user@ollama",
        "ollama 11434",
        "öllama",
        "fe80::1%eth0",
        "[fe80::1%eth0]",
        "[127.0.0.1]",
        "[::1",
        "::g",
        "-ollama",
        "a..b",
    ),
)
def test_a_wrong_entry_is_named(entry: str) -> None:
    with pytest.raises(ValueError, match="expected a CIDR, an address, a host or host:port") as wrong:
        EgressPolicy.parse(f"10.0.0.0/8,{entry}")
    assert repr(entry) in str(wrong.value)


@given(st.text())
def test_any_list_is_either_read_or_refused_with_a_value_error(text: str) -> None:
    try:
        EgressPolicy.parse(text)
    except ValueError as wrong:
        assert "expected a CIDR" in str(wrong)  # noqa: PT017 - both outcomes are right
