"""Nobody reaches a forbidden address through Pantheon: every spelling, both transports, three ways to get there.

The listeners' silence is the proof on both event loops; on asyncio's own, which tells, so is that nothing was asked of
the kernel: it tries all spellings, the other one some. httpx is what webhooks are sent with.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial

import pytest
from cryptography import x509

from services.router.upstream import NotDispatched, Timeouts, Upstream
from services.router.upstream.names import Address, Lookup
from services.runtime.egress import EgressPolicy
from tests.fixtures.forbidden_hosts import FORBIDDEN_HOSTS
from tests.integration.router.upstream.conftest import Authority, make_authority
from tests.integration.router.upstream.loops import on_both_loops
from tests.integration.router.upstream.scripted import HELLO, Provider, answering, ask, scripted
from tests.integration.runtime.egress_ground import (
    NAME,
    NOBODY_HOST,
    OPEN_FAMILY,
    OPEN_HOST,
    Ground,
    Refused,
    Sender,
    Unreached,
    connections_tried,
    httpx_sender,
    meaning,
    open_ground,
    spellings_proven,
    upstream_sender,
)

Record = Callable[[str, object], None]
Opening = Callable[[Ground, Lookup], AbstractAsyncContextManager[Sender]]

by_each_transport = pytest.mark.parametrize("opening", (upstream_sender, httpx_sender), ids=("upstream", "httpx"))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("egress"), [x509.DNSName(NAME)])


async def outcome(sender: Sender, url: str) -> str:
    try:
        return str(await sender.post(url))
    except (Refused, Unreached) as failure:
        return type(failure).__name__


async def outcomes(sender: Sender, urls: Sequence[str]) -> dict[str, list[str]]:
    """What came of each URL: the outcome, and whose."""
    found: dict[str, list[str]] = {}
    for url in urls:
        found.setdefault(await outcome(sender, url), []).append(url)
    return found


def hosts() -> Sequence[str]:
    """All on asyncio's own loop, a twelfth on others."""
    return FORBIDDEN_HOSTS if isinstance(asyncio.get_running_loop(), asyncio.BaseEventLoop) else FORBIDDEN_HOSTS[::12]


def urls_to(port: int) -> list[str]:
    return [f"https://{host}:{port}/v1" for host in hosts()]


def test_there_are_enough_spellings() -> None:
    assert len(FORBIDDEN_HOSTS) >= 200
    assert len(set(FORBIDDEN_HOSTS)) == len(FORBIDDEN_HOSTS)


@on_both_loops
async def test_who_is_not_guarded_would_be_heard(authority: Authority) -> None:
    with connections_tried() as tried:
        async with open_ground(authority) as ground:
            for listener in ground.silent:
                with socket.create_connection(listener.getsockname()[:2]):
                    pass
            assert ground.reached() == [listener.getsockname() for listener in ground.silent]
            assert len([address for address in tried if address[1] == ground.port]) == len(ground.silent) > 0
            would_lead_there = {address.address for host in FORBIDDEN_HOSTS for address in meaning(host, ground.port)}
            assert would_lead_there >= {listener.getsockname() for listener in ground.silent}


@pytest.mark.proof
@by_each_transport
@on_both_loops
async def test_a_forbidden_host_is_not_connected_to(
    opening: Opening, authority: Authority, record_property: Record
) -> None:
    with connections_tried() as tried:
        async with open_ground(authority) as ground, opening(ground, ground.worst_lookup) as sender:
            assert await outcomes(sender, urls_to(ground.port)) == {"Refused": urls_to(ground.port)}
            assert not ground.reached()
            assert not [address for address in tried if address[1] == ground.port]
    note(record_property, "directly", opening)


@pytest.mark.proof
@by_each_transport
@on_both_loops
async def test_a_redirect_to_it_is_not_followed(
    opening: Opening, authority: Authority, record_property: Record
) -> None:
    with connections_tried() as tried:
        async with open_ground(authority) as ground, opening(ground, ground.worst_lookup) as sender:
            urls = redirects_from(ground)
            assert await outcomes(sender, urls) == {"307": urls}
            assert not ground.reached()
            assert {address[0] for address in tried if address[1] == ground.port} <= {OPEN_HOST}
    note(record_property, "by redirect", opening)


@pytest.mark.proof
@on_both_loops
async def test_a_redirect_to_it_is_refused_even_where_httpx_follows(authority: Authority) -> None:
    with connections_tried() as tried:
        async with open_ground(authority) as ground:
            async with httpx_sender(ground, ground.worst_lookup, follow=True) as sender:
                urls = redirects_from(ground)
                assert await outcomes(sender, urls) == {"Refused": urls}
            assert not ground.reached()
            assert {address[0] for address in tried if address[1] == ground.port} <= {OPEN_HOST}


def note(record: Record, way: str, opening: Opening) -> None:
    """Of the loop that has tried all."""
    if len(hosts()) == len(FORBIDDEN_HOSTS):
        spellings_proven(record, f"{way}, over {opening.__name__.removesuffix('_sender')}", len(FORBIDDEN_HOSTS))


def redirects_from(ground: Ground) -> list[str]:
    """One URL for each spelling, which redirects there."""
    return [f"https://{NAME}:{ground.port}/to/{url.encode().hex()}" for url in urls_to(ground.port)]


@pytest.mark.proof
@by_each_transport
@on_both_loops
async def test_a_name_that_changes_its_answer_is_judged_each_time(
    opening: Opening, authority: Authority, record_property: Record
) -> None:
    with connections_tried() as tried:
        async with open_ground(authority) as ground:
            answers: list[Sequence[Address]] = []
            permitted, nobody = ([Address(OPEN_FAMILY, (address, ground.port))] for address in (OPEN_HOST, NOBODY_HOST))
            async with opening(ground, partial(next_of, answers)) as sender:
                for number, host in enumerate(hosts()):
                    forbidden = meaning(host, ground.port)
                    answers += (permitted if number % 4 == 0 else nobody, forbidden, forbidden)
                    first = "200" if number % 4 == 0 else "Unreached"
                    url = f"https://{NAME}:{ground.port}/v1"
                    assert [await outcome(sender, url) for _ in range(3)] == [first, "Refused", "Refused"]
                    assert answers == []
            assert not ground.reached()
            assert {address[0] for address in tried if address[1] == ground.port} <= {OPEN_HOST, NOBODY_HOST}
    note(record_property, "by a name that changes its answer", opening)


@by_each_transport
@on_both_loops
async def test_of_mixed_answers_only_what_is_permitted_is_used(opening: Opening, authority: Authority) -> None:
    async with open_ground(authority) as ground:
        permitted = Address(OPEN_FAMILY, (OPEN_HOST, ground.port))
        mixed = [*meaning("localhost", ground.port), permitted, *meaning("10.0.0.1", ground.port)]
        async with opening(ground, partial(next_of, [mixed])) as sender:
            assert await outcome(sender, f"https://{NAME}:{ground.port}/v1") == "200"
        assert not ground.reached()


@on_both_loops
async def test_the_router_reaches_what_is_opened_and_nothing_beside_it() -> None:
    async def lookup(host: str, port: int) -> Sequence[Address]:
        return [Address(socket.AF_INET, ("127.0.0.1", port))]

    async with scripted(answering(HELLO)) as opened, scripted(answering(HELLO)) as other:
        policy = EgressPolicy.parse(f"ollama:{opened.port},127.0.0.2")
        upstream = Upstream(Timeouts(), guard=policy.guard, lookup=lookup)
        assert await ask(upstream, Provider("ollama", opened.port)) == b"hello"
        for host, port in (("ollama", other.port), (NAME, opened.port), ("127.0.0.1", opened.port)):
            with pytest.raises(NotDispatched):
                await ask(upstream, Provider(host, port))
        await upstream.close()
        assert (len(opened.peers), len(other.peers)) == (1, 0)


async def next_of(answers: list[Sequence[Address]], host: str, port: int) -> Sequence[Address]:
    """A resolver that answers as it is told."""
    return answers.pop(0)
