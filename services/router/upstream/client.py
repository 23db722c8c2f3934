"""Sending: one request, one answer, no second try. What went wrong says whether anything was sent."""

import ssl
from collections.abc import Mapping

from services.router.upstream.dialling import Dialler, Guard, allow_all
from services.router.upstream.limits import Limits, Timeouts
from services.router.upstream.names import Lookup, Names, system_lookup
from services.router.upstream.pool import Pool
from services.router.upstream.requests import request_head, target_of
from services.router.upstream.response import Response
from services.runtime.errors import PantheonError, ProviderBroken, ProviderTimeout


class NotDispatched(Exception):
    """The request was never sent. `error` is what to tell the client when nothing else can be tried."""

    def __init__(self, error: PantheonError) -> None:
        super().__init__(error.message)
        self.error = error


class Upstream:
    """The connections to all providers that may share them. To be made within a running loop.

    `tls` says whom to trust, by default whom the system does; `guard` is asked about each address to be connected to,
    once a connection; `lookup` finds the addresses of a name.
    """

    def __init__(
        self,
        timeouts: Timeouts,
        *,
        tls: ssl.SSLContext | None = None,
        guard: Guard = allow_all,
        limits: Limits | None = None,
        lookup: Lookup = system_lookup,
    ) -> None:
        limits = limits or Limits()
        self._names = Names(lookup, seconds=limits.names)
        self._pool = Pool(Dialler(self._names, tls, guard), timeouts, limits)

    async def close(self) -> None:
        """Closes every connection."""
        await self._pool.close()
        await self._names.close()

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Posts and waits for the status line.

        Nothing is sent twice: on a connection that the provider closes meanwhile, a request may have been received.

        Raises:
            NotDispatched: no connection came about, or the request can't be sent as it is.
            ProviderTimeout, ProviderBroken: it may have been sent, and no answer came.
        """
        try:
            target = target_of(url)
            head = request_head(target, headers, len(body))
            connection = self._pool.idle(target.origin) or await self._pool.open(target.origin)
        except TimeoutError as failure:
            raise NotDispatched(ProviderTimeout("The provider can't be reached in time", phase="connect")) from failure
        except (OSError, ValueError) as failure:
            raise NotDispatched(ProviderBroken("The provider can't be reached", phase="connect")) from failure
        try:
            return Response(await connection.ask(head, body))
        except TimeoutError as failure:
            raise ProviderTimeout("The provider did not answer in time", phase="first_byte") from failure
        except OSError as failure:
            raise ProviderBroken("The provider closed the connection unanswered", phase="first_byte") from failure
