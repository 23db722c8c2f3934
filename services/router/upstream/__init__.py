"""The one seam to providers: pooled HTTP/1.1, no redirects, no cookies, no proxies, every wait bounded.

One request's way through the package:

    client ─▶ requests       the bytes to send, or a refusal
         ├──▶ pool ─▶ dialling ─▶ names     a connection: kept, or new
         ├──▶ connection                    HTTP/1.1 both ways, by llhttp; read timeout, flow control
         └──▶ response ─▶ exchange          what has come of the answer, and is not read yet
                     └──▶ encoding, sse     unpacked, and cut into events

A failure says whether the request can have reached the provider: what was never sent costs nothing and leaves no
ledger row. Why this is not a library: docs/adr/002-own-upstream-transport.md.
"""

from services.router.upstream.client import NotDispatched, Upstream
from services.router.upstream.limits import Limits, Timeouts
from services.router.upstream.names import Lookup, system_lookup
from services.router.upstream.response import Response

__all__ = ["Limits", "Lookup", "NotDispatched", "Response", "Timeouts", "Upstream", "system_lookup"]
