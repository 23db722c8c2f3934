import asyncio
import socket
from collections.abc import Sequence

import pytest

from services.catalog.reachable import check_reachable
from services.runtime.egress import EgressPolicy
from services.runtime.egress.transport import Lookup, SocketAddress
from services.runtime.errors import InvalidField

URL = "https://models.example/v1/chat/completions"
NOTHING_OPEN = EgressPolicy()


def answering(*addresses: str) -> Lookup:
    async def lookup(host: str, port: int) -> Sequence[SocketAddress]:
        assert (host, port) == ("models.example", 443)
        return [(address, port) for address in addresses]

    return lookup


async def silent(host: str, port: int) -> Sequence[SocketAddress]:
    raise AssertionError(f"{host} was looked up")


@pytest.mark.parametrize(
    "addresses",
    (("127.0.0.1",), ("10.0.0.1", "192.168.0.1"), ("::1",), ("169.254.169.254",), ("::ffff:10.0.0.1",), ("0.1.2.3",)),
)
async def test_a_name_that_leads_only_to_forbidden_addresses_is_refused_without_telling_them(
    addresses: tuple[str, ...],
) -> None:
    with pytest.raises(InvalidField) as caught:
        await check_reachable(NOTHING_OPEN, "api_endpoint", URL, answering(*addresses))
    assert (caught.value.metadata["field"], caught.value.metadata["value"]) == ("api_endpoint", URL)
    assert "PANTHEON_EGRESS_ALLOW" in caught.value.metadata["allowed"]
    assert not any(address in caught.value.message for address in addresses)


@pytest.mark.parametrize("addresses", (("93.184.215.14",), ("10.0.0.1", "93.184.215.14"), ()))
async def test_a_name_with_a_public_address_passes_and_so_does_one_with_none(addresses: tuple[str, ...]) -> None:
    await check_reachable(NOTHING_OPEN, "api_endpoint", URL, answering(*addresses))


async def test_a_name_that_does_not_resolve_passes() -> None:
    async def unknown(host: str, port: int) -> Sequence[SocketAddress]:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    await check_reachable(NOTHING_OPEN, "api_endpoint", URL, unknown)


async def test_a_resolver_that_does_not_answer_is_not_waited_for() -> None:
    async def never(host: str, port: int) -> Sequence[SocketAddress]:
        await asyncio.Event().wait()
        return []

    async with asyncio.timeout(10):
        await check_reachable(NOTHING_OPEN, "api_endpoint", URL, never, seconds=0.01)


@pytest.mark.parametrize(
    ("allow", "url"),
    (
        ("", "https://93.184.215.14/v1/chat/completions"),
        ("", "https://[2606:4700::1111]/v1/chat/completions"),
        ("models.example", URL),
        ("models.example:443", URL),
        ("MODELS.example", "https://Models.Example/v1/chat/completions"),
    ),
)
async def test_addresses_and_names_that_the_operator_listed_are_not_looked_up(allow: str, url: str) -> None:
    await check_reachable(EgressPolicy.parse(allow), "api_endpoint", url, silent)


async def test_a_name_that_leads_to_what_the_operator_opened_passes() -> None:
    await check_reachable(EgressPolicy.parse("10.0.0.0/8"), "api_endpoint", URL, answering("10.0.0.1"))
