"""The guard of every connection to where a user pointed: custom endpoints, webhooks.

    url ─▶ urls ─▶ resolver ─▶ policy ─▶ connect(2)
           spelling, scheme    each address, as it is connected to

What an operator configured (a provider's base URL) is trusted and does not come by here. A URL is checked on entry for
the sake of a clear error, without asking any resolver; what protects is the second check, of each address at the
moment it is connected to, so that a name may answer differently every time it is asked.

`addresses` says what is public, `hosts` how a host may be spelled, `policy` what an operator opened with
PANTHEON_EGRESS_ALLOW. `EgressPolicy.guard` is made for the router's transport; `transport`, imported by itself, is for
httpx.
"""

from services.runtime.egress.policy import AddressRefused, EgressPolicy
from services.runtime.egress.settings import EgressSettings
from services.runtime.egress.urls import check_url

__all__ = ["AddressRefused", "EgressPolicy", "EgressSettings", "check_url"]
