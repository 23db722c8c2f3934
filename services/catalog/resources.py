"""What the RPCs of the catalog work with."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx2 as httpx

from services.catalog.providers import Circumstances
from services.runtime.db import Database
from services.runtime.egress import EgressPolicy
from services.runtime.egress.transport import Lookup, system_lookup
from services.runtime.outbox import Outbox
from services.runtime.sealing import Sealer

SEALING_PURPOSE = "pantheon.catalog.keys"


@dataclass(frozen=True, slots=True)
class Resources:
    """Made once a process.

    Attributes:
        outbox: where changes are announced.
        found: what the environment says of each provider, keys included, by name.
        pepper: what secrets are recognised by.
        sealer: what secrets are kept in.
        egress: which URLs users may give.
        http: what providers themselves are asked with, at base URLs that operators have set.
        lookup: how names in users' URLs are resolved.
    """

    outbox: Outbox
    found: Mapping[str, Circumstances]
    pepper: bytes
    sealer: Sealer
    egress: EgressPolicy
    http: httpx.AsyncClient
    lookup: Lookup = system_lookup

    @property
    def db(self) -> Database:
        """The catalog's schema."""
        return self.outbox.db
