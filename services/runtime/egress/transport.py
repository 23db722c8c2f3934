"""The guard for httpx: no address is connected to that was not permitted, and no answer is without bounds.

A name is resolved here, and httpx then asked for the permitted address itself, with the name in the Host header and in
TLS; so nothing resolves it a second time. See docs/adr/007-egress-pins-the-address.md.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx2 as httpx

from services.runtime.egress.policy import AddressRefused, EgressPolicy
from services.runtime.egress.urls import fault_of
from services.runtime.origins import PORTS

SocketAddress = tuple[Any, ...]
"""(host, port), for IPv6 also flow and scope, as the socket module writes them."""
Lookup = Callable[[str, int], Awaitable[Sequence[SocketAddress]]]

_MOST_TRIED = 4
_MOST_AT_ONCE = 100


class EgressRefused(httpx.ConnectError):
    """Nothing was connected to: the URL, or every address its host has, is one that users may not have."""


class AnswerTooLarge(httpx.ReadError):
    """The answer has more bytes than it may have."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds to connect to one address, seconds from the first lookup to the answer's last byte, bytes of its body."""

    connect: float = 5.0
    total: float = 30.0
    body: int = 1024 * 1024


async def system_lookup(host: str, port: int) -> Sequence[SocketAddress]:
    """Asks the system's resolver, in a thread. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [address for *_, address in found]


def egress_client(
    policy: EgressPolicy,
    *,
    bounds: Bounds | None = None,
    tls: ssl.SSLContext | None = None,
    lookup: Lookup = system_lookup,
) -> httpx.AsyncClient:
    """A client for URLs that users gave: guarded, bounded, without redirects, cookies, proxies and netrc.

    `tls` says whom to trust, by default whom the system does. To be closed by whoever asked for it. Beside httpx's own
    errors its requests raise `EgressRefused` and `AnswerTooLarge`, which are of httpx's tree.
    """
    return httpx.AsyncClient(
        transport=EgressTransport(policy, bounds=bounds, tls=tls, lookup=lookup),
        timeout=None,  # the transport has its own
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        follow_redirects=False,
        trust_env=False,
    )


class EgressTransport(httpx.AsyncBaseTransport):
    """Sends each request to an address that the policy permits, on a connection of its own."""

    def __init__(
        self,
        policy: EgressPolicy,
        *,
        bounds: Bounds | None = None,
        tls: ssl.SSLContext | None = None,
        lookup: Lookup = system_lookup,
    ) -> None:
        self._policy = policy
        self._bounds = bounds or Bounds()
        self._lookup = lookup
        # Connections are told apart by address: one kept open could serve another name that has the same.
        self._inner = httpx.AsyncHTTPTransport(
            verify=tls or ssl.create_default_context(),
            trust_env=False,
            limits=httpx.Limits(max_connections=_MOST_AT_ONCE, max_keepalive_connections=0),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, its body still to be read.

        Raises:
            EgressRefused: nothing was connected to.
            httpx.TransportError: no answer, none in time, or one that is packed.
        """
        if fault := fault_of(self._policy, str(request.url)):
            raise EgressRefused(fault)
        deadline = asyncio.get_running_loop().time() + self._bounds.total
        try:
            async with asyncio.timeout_at(deadline):
                answer = await self._ask_any(request)
        except TimeoutError as failure:
            raise httpx.ReadTimeout("no answer in time") from failure
        if answer.headers.get("content-encoding", "identity") != "identity":
            await answer.aclose()
            # A few packed bytes may be gigabytes: the bound would not hold.
            raise httpx.RemoteProtocolError("the answer is packed, which was not asked for")
        bounded = _Bounded(answer, self._bounds.body, deadline)
        return httpx.Response(
            answer.status_code, headers=answer.headers, stream=bounded, extensions=answer.extensions, request=request
        )

    async def aclose(self) -> None:
        """Closes every connection."""
        await self._inner.aclose()

    async def _ask_any(self, request: httpx.Request) -> httpx.Response:
        """The answer of the first permitted address that can be connected to."""
        addresses = await self._permitted(request.url)
        for address in addresses[:-1]:
            try:
                return await self._ask(request, address)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._ask(request, addresses[-1])

    async def _permitted(self, url: httpx.URL) -> Sequence[str]:
        """At least one address."""
        host, port = _ascii_host(url), url.port or PORTS[url.scheme]
        try:
            found = await self._lookup(host, port)
        except (OSError, UnicodeError) as failure:
            raise httpx.ConnectError(f"{host} can't be resolved") from failure
        permitted: list[str] = []
        for address in found:
            try:
                self._policy.guard(host, address)
            except AddressRefused:
                continue
            permitted.append(address[0])
        if not permitted:
            raise EgressRefused(str(AddressRefused(host, port)))
        return permitted[:_MOST_TRIED]

    async def _ask(self, request: httpx.Request, address: str) -> httpx.Response:
        host = _ascii_host(request.url)
        headers = request.headers.copy()
        headers["host"] = request.url.netloc.decode("ascii")
        headers["accept-encoding"] = "identity"
        extensions = {**request.extensions, "timeout": {"connect": self._bounds.connect}}
        if host != address:
            extensions["sni_hostname"] = host
        return await self._inner.handle_async_request(
            httpx.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=headers,
                stream=request.stream,
                extensions=extensions,
            )
        )


def _ascii_host(url: httpx.URL) -> str:
    """As it is resolved and certified; httpx shows xn--... in Unicode, which has several ways back."""
    return url.raw_host.decode("ascii")


class _Bounded(httpx.AsyncByteStream):
    """A body that ends in time and in size, or fails."""

    def __init__(self, answer: httpx.Response, most: int, deadline: float) -> None:
        self._answer = answer
        self._most = most
        self._deadline = deadline

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._most
        pieces = self._answer.aiter_raw()
        while True:
            try:
                async with asyncio.timeout_at(self._deadline):
                    piece = await anext(pieces)
            except StopAsyncIteration:
                return
            except TimeoutError as failure:
                raise httpx.ReadTimeout("the answer did not end in time") from failure
            left -= len(piece)
            if left < 0:
                raise AnswerTooLarge(f"the answer has more than {self._most} bytes")
            yield piece

    async def aclose(self) -> None:
        await self._answer.aclose()
