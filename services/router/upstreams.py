"""The two ways out of a router: to where operators point, and, guarded, to where users do."""

import ssl
from collections.abc import Mapping

from services.router.plan import Candidate
from services.router.upstream import Limits, Lookup, NotDispatched, Response, Timeouts, Upstream, system_lookup
from services.runtime.egress import AddressRefused, EgressPolicy, check_url
from services.runtime.errors import InvalidField

_FIELD = "api_endpoint"
"""Where users give URLs."""
_ALLOWED = "expected a host with a public address; others need an entry by the operator in PANTHEON_EGRESS_ALLOW"


class Upstreams:
    """Sends each request the way its candidate has to go. The two have no connection in common, and no name looked up.

    `policy` says where users may point; `tls`, `limits` and `lookup` are as of `Upstream`.
    """

    def __init__(
        self,
        timeouts: Timeouts,
        policy: EgressPolicy,
        *,
        tls: ssl.SSLContext | None = None,
        limits: Limits | None = None,
        lookup: Lookup = system_lookup,
    ) -> None:
        self._policy = policy
        self._trusted = Upstream(timeouts, tls=tls, limits=limits, lookup=lookup)
        self._guarded = Upstream(timeouts, tls=tls, guard=policy.guard, limits=limits, lookup=lookup)

    async def send(self, candidate: Candidate, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Posts and waits for the status line.

        Raises:
            NotDispatched: as `Upstream.send`; with an InvalidField where users may not have Pantheon connect there.
            ProviderTimeout, ProviderBroken: as `Upstream.send`.
        """
        if not candidate.is_guarded:
            return await self._trusted.send(url, headers, body)
        try:
            check_url(self._policy, _FIELD, url)
            return await self._guarded.send(url, headers, body)
        except InvalidField as fault:
            raise NotDispatched(fault) from None
        except NotDispatched as failure:
            if isinstance(failure.__cause__, AddressRefused):
                raise NotDispatched(InvalidField(_FIELD, url, _ALLOWED)) from failure
            raise

    async def close(self) -> None:
        """Closes every connection."""
        await self._trusted.close()
        await self._guarded.close()
