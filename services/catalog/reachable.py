"""Whether a user's endpoint leads anywhere that users may go, as far as that can be told before it is connected to."""

import asyncio
from urllib.parse import urlsplit

from services.runtime.egress import AddressRefused, EgressPolicy
from services.runtime.egress.hosts import parse_host
from services.runtime.egress.policy import VARIABLE
from services.runtime.egress.transport import Lookup
from services.runtime.errors import InvalidField
from services.runtime.origins import PORTS

_LOOKUP_SECONDS = 2.0
_ALLOWED = f"expected a host with a public address; others need an entry by the operator in {VARIABLE}"


async def check_reachable(
    policy: EgressPolicy,
    field: str,
    url: str,
    lookup: Lookup,
    *,
    seconds: float = _LOOKUP_SECONDS,
) -> None:
    """Lets pass what may be connected to by what its name resolves to now; `check_url` has let the URL itself pass.

    A name that does not resolve, or not soon, passes: each address is judged again when it is connected to, and that is
    what protects. This is for the sake of a clear error.

    Raises:
        InvalidField: none of the addresses may be connected to. Tells none of them: they may be nobody's business.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or PORTS[parts.scheme]
    if policy.names(host, port) or not isinstance(parse_host(f"[{host}]" if ":" in host else host), str):
        return
    try:
        async with asyncio.timeout(seconds):
            found = await lookup(host, port)
    except (OSError, UnicodeError):  # TimeoutError is one
        return
    refused = 0
    for address in found:
        try:
            policy.guard(host, address)
        except AddressRefused:
            refused += 1
    if found and refused == len(found):
        raise InvalidField(field, url.partition("?")[0], _ALLOWED)
