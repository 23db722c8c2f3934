"""The one seam to providers: pooled HTTP, no redirects, no cookies, no proxies, every wait bounded.

A failure says whether the request can have reached the provider: what was never sent costs nothing and leaves no
ledger row.
"""

import io
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import aiohttp

from services.router.sse import Event, SseReader
from services.runtime.errors import ProviderBroken, ProviderError, ProviderTimeout

_POOL_PER_HOST = 1_024
_KEEPALIVE_SECONDS = 60
_READ_BYTES = 64 * 1024
_LARGE_BODY = 1024 * 1024
_MOST_BODY = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect; to wait for the status line, or between two reads."""

    connect: float = 5.0
    read: float = 300.0


class NotDispatched(Exception):
    """The request was never sent. `error` is what to tell the client when nothing else can be tried."""

    def __init__(self, error: ProviderError) -> None:
        super().__init__(error.message)
        self.error = error


class Upstream:
    """The pool. One a process; open within a running loop. `tls`: whom to trust, by default whom the system does."""

    def __init__(self, timeouts: Timeouts, *, tls: ssl.SSLContext | None = None) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,
                limit_per_host=_POOL_PER_HOST,
                keepalive_timeout=_KEEPALIVE_SECONDS,
                ttl_dns_cache=30,
                ssl=tls or True,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=True,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=timeouts.connect, sock_read=timeouts.read),
            skip_auto_headers=("User-Agent", "Accept"),
            read_bufsize=_READ_BYTES,
        )

    async def close(self) -> None:
        """Closes every connection."""
        await self._session.close()

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> "Response":
        """Posts and waits for the status line.

        Raises:
            NotDispatched: no connection came about.
            ProviderTimeout, ProviderBroken: it may have been sent, and no answer came.
        """
        try:
            # A large body that isn't a file is sent in one go, during which nothing else runs.
            content = body if len(body) < _LARGE_BODY else io.BytesIO(body)
            response = await self._session.post(url, data=content, headers=headers, allow_redirects=False)
        except aiohttp.ConnectionTimeoutError as failure:
            raise NotDispatched(ProviderTimeout("The provider can't be reached in time", phase="connect")) from failure
        except (aiohttp.ClientConnectorError, aiohttp.NonHttpUrlClientError, ValueError) as failure:
            # ValueError: the URL is none, or a header would become two.
            raise NotDispatched(ProviderBroken("The provider can't be reached", phase="connect")) from failure
        except TimeoutError as failure:
            raise ProviderTimeout("The provider did not answer in time", phase="first_byte") from failure
        except (aiohttp.ClientError, OSError) as failure:
            raise ProviderBroken("The provider closed the connection unanswered", phase="first_byte") from failure
        return Response(response)


class Response:
    """One answer. Closing it before its end closes the connection, which cancels the provider's work."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._reader = SseReader()
        self.status = response.status
        self.headers = response.headers

    async def read(self) -> bytes:
        """The whole body.

        Raises:
            ProviderTimeout, ProviderBroken: it did not come whole.
        """
        try:
            body = await self._response.read()
        except TimeoutError as failure:
            raise ProviderTimeout("The provider stopped in mid-answer", phase="body") from failure
        except (aiohttp.ClientError, OSError) as failure:
            raise ProviderBroken("The provider broke off in mid-answer", phase="body") from failure
        if len(body) > _MOST_BODY:
            raise ProviderBroken(f"The answer exceeds {_MOST_BODY} bytes", phase="body")
        return body

    async def events(self) -> AsyncIterator[list[Event]]:
        """The events of a stream, in the batches they come in. May be left and taken up again where it was left.

        Raises:
            ProviderTimeout, ProviderBroken: the connection stalled or broke.
        """
        content = self._response.content
        try:
            while chunk := await content.readany():
                events = self._reader.feed(chunk)
                if events:
                    yield events
        except TimeoutError as failure:
            raise ProviderTimeout("The provider stopped in mid-stream", phase="stream") from failure
        except (aiohttp.ClientError, OSError) as failure:
            raise ProviderBroken("The provider broke off in mid-stream", phase="stream") from failure
        events = self._reader.finish()
        if events:
            yield events

    def close(self) -> None:
        """Gives the connection back where the body is at its end, else closes it."""
        self._response.close() if not self._response.content.at_eof() else self._response.release()
