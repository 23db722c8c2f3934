"""What the guarded httpx client does beside refusing: it opens what was opened, and nothing is without bounds."""

import gzip
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from cryptography import x509

from services.runtime.egress import EgressPolicy
from services.runtime.egress.transport import (
    AnswerTooLarge,
    Bounds,
    EgressRefused,
    EgressTransport,
    Lookup,
    egress_client,
)
from tests.integration.router.upstream.conftest import Authority, make_authority
from tests.integration.router.upstream.scripted import (
    HELLO,
    LAST_CHUNK,
    OK,
    STREAM,
    Peer,
    Request,
    answering,
    chunk,
    event,
    scripted,
)

NAME = "model.example"
_TEN_BYTES = Bounds(connect=1.0, total=5.0, body=10)
_NO_BODY = {"content-length": "0"}
"""What scripted providers want to see."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("egress"), [x509.DNSName(NAME)])


def leading_to(*hosts: str) -> Lookup:
    """A resolver for which every name has these addresses."""

    async def lookup(host: str, port: int) -> Sequence[tuple[Any, ...]]:
        return [(address, port) for address in hosts]

    return lookup


async def test_an_opened_address_and_port_is_reached_and_nothing_beside_it() -> None:
    async with scripted(answering(HELLO)) as opened, scripted(answering(HELLO)) as other:
        async with egress_client(EgressPolicy.parse(f"127.0.0.1:{opened.port}")) as client:
            assert (await client.get(f"http://127.0.0.1:{opened.port}/", headers=_NO_BODY)).content == b"hello"
            for url in (
                f"http://127.0.0.1:{other.port}/",
                f"http://localhost:{opened.port}/",
                f"http://127.0.0.2:{opened.port}/",
                f"https://127.1:{opened.port}/",
            ):
                with pytest.raises(EgressRefused):
                    await client.get(url)
        assert (len(opened.peers), len(other.peers)) == (1, 0)


async def test_an_opened_network_is_reached_by_any_name_over_tls_only(authority: Authority) -> None:
    async with scripted(answering(HELLO), tls=authority.server_context()) as provider:
        policy = EgressPolicy.parse("127.0.0.0/8")
        lookup, tls = leading_to("127.0.0.1"), authority.client_context()
        async with egress_client(policy, tls=tls, lookup=lookup) as client:
            assert (await client.get(f"https://{NAME}:{provider.port}/", headers=_NO_BODY)).content == b"hello"
            with pytest.raises(EgressRefused, match="http:// needs a host that the operator lists"):
                await client.get(f"http://{NAME}:{provider.port}/")


async def test_an_opened_name_is_reached_over_plain_http() -> None:
    asked: list[Request] = []

    async def serve(peer: Peer) -> None:
        asked.append(await peer.request())
        await peer.send(HELLO)

    async with scripted(serve) as provider:
        policy = EgressPolicy.parse(f"ollama:{provider.port}")
        async with egress_client(policy, lookup=leading_to("127.0.0.1")) as client:
            url = f"http://ollama:{provider.port}/v1/chat?x=%20y"
            assert (await client.post(url, content=b"{}", headers={"x-tag": "a"})).content == b"hello"
            with pytest.raises(EgressRefused):
                await client.get(f"http://other:{provider.port}/")
    assert asked[0].line == "POST /v1/chat?x=%20y HTTP/1.1"
    assert asked[0].headers["host"] == [f"ollama:{provider.port}"]
    assert asked[0].headers["x-tag"] == ["a"]
    assert asked[0].headers["accept-encoding"] == ["identity"]
    assert asked[0].body == b"{}"


async def test_the_certificate_has_to_be_that_of_the_name_not_of_the_address(authority: Authority) -> None:
    async with scripted(answering(HELLO), tls=authority.server_context()) as provider:
        policy, tls = EgressPolicy.parse("127.0.0.1"), authority.client_context()
        async with egress_client(policy, tls=tls, lookup=leading_to("127.0.0.1")) as client:
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await client.get(f"https://other.example:{provider.port}/")
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await client.get(f"https://127.0.0.1:{provider.port}/")


async def test_names_with_one_address_share_no_connection() -> None:
    async with scripted(answering(HELLO, HELLO)) as provider:
        policy = EgressPolicy.parse("one,two")
        async with egress_client(policy, lookup=leading_to("127.0.0.1")) as client:
            for name in ("one", "two", "two"):
                assert (await client.get(f"http://{name}:{provider.port}/", headers=_NO_BODY)).content == b"hello"
        assert len(provider.peers) == 3


async def test_an_address_where_nobody_answers_gives_way_to_the_next() -> None:
    async with scripted(answering(HELLO), host="127.0.0.2") as provider:
        policy = EgressPolicy.parse("ollama")
        async with egress_client(policy, lookup=leading_to("127.0.0.3", "127.0.0.2")) as client:
            assert (await client.get(f"http://ollama:{provider.port}/", headers=_NO_BODY)).content == b"hello"
        async with egress_client(policy, lookup=leading_to("127.0.0.3")) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(f"http://ollama:{provider.port}/")


async def test_a_name_without_an_address_is_an_error_of_httpx() -> None:
    async def nothing(host: str, port: int) -> Sequence[tuple[Any, ...]]:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    async with egress_client(EgressPolicy(), lookup=nothing) as client:
        with pytest.raises(httpx.ConnectError, match=r"model\.example can't be resolved"):
            await client.get(f"https://{NAME}/")


async def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted(answering(HELLO)) as provider, scripted(answering(HELLO)) as proxy:
        for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
        async with egress_client(EgressPolicy.parse("127.0.0.1")) as client:
            assert (await client.get(f"http://127.0.0.1:{provider.port}/", headers=_NO_BODY)).content == b"hello"
            with pytest.raises(EgressRefused):
                await client.get("https://10.0.0.1/")
        assert not proxy.peers


async def test_passwords_of_a_netrc_file_are_not_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Request] = []

    async def serve(peer: Peer) -> None:
        asked.append(await peer.request())
        await peer.send(HELLO)

    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password canary\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with scripted(serve) as provider, egress_client(EgressPolicy.parse("127.0.0.1")) as client:
        await client.get(f"http://127.0.0.1:{provider.port}/", headers=_NO_BODY)
    assert "authorization" not in asked[0].headers


async def test_cookies_of_one_request_do_not_come_with_the_next() -> None:
    cookies: list[Any] = []

    async def serve(peer: Peer) -> None:
        cookies.append((await peer.request()).headers.get("cookie"))
        await peer.send(OK + b"set-cookie: session=canary; Path=/\r\ncontent-length: 0\r\n\r\n")

    async with scripted(serve) as provider, egress_client(EgressPolicy.parse("127.0.0.1")) as client:
        for _ in range(2):
            await client.post(f"http://127.0.0.1:{provider.port}/", content=b"{}")
    assert cookies == [None, None]


@pytest.mark.parametrize(
    "answer",
    (
        OK + b"content-length: 11\r\n\r\n" + b"x" * 11,
        STREAM + chunk(b"x" * 10) + chunk(b"x") + LAST_CHUNK,
        OK + b"\r\n" + b"x" * 11,
    ),
    ids=("declared", "chunked", "until it closes"),
)
async def test_an_answer_larger_than_its_bound_is_broken_off(answer: bytes) -> None:
    async with (
        scripted(answering(answer)) as provider,
        egress_client(EgressPolicy.parse("127.0.0.1"), bounds=_TEN_BYTES) as client,
    ):
        with pytest.raises(AnswerTooLarge, match="more than 10 bytes"):
            await client.get(f"http://127.0.0.1:{provider.port}/", headers=_NO_BODY)


async def test_an_answer_of_just_its_bound_is_whole() -> None:
    async with (
        scripted(answering(OK + b"content-length: 10\r\n\r\n0123456789")) as provider,
        egress_client(EgressPolicy.parse("127.0.0.1"), bounds=_TEN_BYTES) as client,
    ):
        answer = await client.get(f"http://127.0.0.1:{provider.port}/", headers=_NO_BODY)
    assert answer.content == b"0123456789"


async def test_a_packed_answer_is_refused_unread() -> None:
    packed = gzip.compress(b"x" * 1_000_000)
    head = OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed)
    async with (
        scripted(answering(head + packed)) as provider,
        egress_client(EgressPolicy.parse("127.0.0.1")) as client,
    ):
        with pytest.raises(httpx.RemoteProtocolError, match="packed"):
            await client.get(f"http://127.0.0.1:{provider.port}/", headers=_NO_BODY)


@pytest.mark.parametrize("begun", (b"", OK, STREAM + chunk(b"x")), ids=("silent", "in its head", "in its body"))
async def test_an_answer_that_does_not_end_in_time_is_broken_off(begun: bytes) -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(begun)
        await peer.gone()

    async with scripted(serve) as provider:
        async with egress_client(EgressPolicy.parse("127.0.0.1"), bounds=Bounds(total=0.3)) as client:
            began = time.monotonic()
            with pytest.raises(httpx.ReadTimeout):
                await client.get(f"http://127.0.0.1:{provider.port}/", headers=_NO_BODY)
            assert 0.2 < time.monotonic() - began < 3
        await provider.played()


async def test_a_stream_is_handed_on_as_it_comes() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(STREAM, event("one"))
        await peer.gone()

    async with scripted(serve) as provider, egress_client(EgressPolicy.parse("127.0.0.1")) as client:
        async with client.stream("POST", f"http://127.0.0.1:{provider.port}/", content=b"{}") as answer:
            assert await anext(answer.aiter_lines()) == "data: one"
        await provider.played()


async def test_a_client_of_ones_own_is_guarded_by_the_transport() -> None:
    async with httpx.AsyncClient(transport=EgressTransport(EgressPolicy())) as client:
        for url in ("https://127.0.0.1:8443/", "https://localhost/", "http://example.com/", "https://u:p@example.com/"):
            with pytest.raises(EgressRefused):
                await client.get(url)
