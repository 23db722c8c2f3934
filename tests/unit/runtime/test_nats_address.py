"""What is shown of a NATS URL, and which URLs are none."""

import traceback

import pytest

from services.runtime.nats_address import nats_address

CANARY = "canary-7c1e"


@pytest.mark.parametrize(
    ("url", "address"),
    (
        (f"nats://{CANARY}@nats:4222", "nats:4222"),
        (f"tls://router:{CANARY}@nats.example.org", "nats.example.org:4222"),
        (f"{CANARY}@127.0.0.1:14222", "127.0.0.1:14222"),
        ("wss://nats.example.org:443", "nats.example.org:443"),
        ("nats://[::1]:4222", "[::1]:4222"),
        ("nats", "nats:4222"),
    ),
)
def test_an_address_is_host_and_port_alone(url: str, address: str) -> None:
    assert nats_address(url) == address


@pytest.mark.parametrize(
    "url",
    (
        "",
        "nats://",
        f"nats://{CANARY}@",
        f"nats://router:{CANARY}#1@nats:4222",
        f"nats://nats:{CANARY}",
        f"nats://[{CANARY}:4222",
        f"http://{CANARY}@nats:4222",
    ),
)
def test_what_is_no_url_of_a_nats_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="expected nats://") as refusal:
        nats_address(url)
    assert CANARY not in "".join(traceback.format_exception(refusal.value))
