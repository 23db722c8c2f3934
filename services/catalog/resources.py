"""What the RPCs of the catalog work with."""

from collections.abc import Sequence
from dataclasses import dataclass

import httpx2 as httpx

from services.catalog.provider_keys import OpenKey
from services.runtime.db import Database
from services.runtime.egress import EgressPolicy
from services.runtime.egress.transport import Lookup, system_lookup
from services.runtime.logging import get_logger
from services.runtime.outbox import Outbox
from services.runtime.sealing import SealBrokenError, Sealer

SEALING_PURPOSE = "pantheon.catalog.keys"


@dataclass(frozen=True, slots=True)
class Resources:
    """Made once a process.

    Attributes:
        outbox: where changes are announced.
        environment_keys: the platform's keys that are in the environment and in no table, in the order to be used.
        pepper: what secrets are recognised by.
        sealer: what secrets are kept in.
        egress: which URLs users may give.
        http: what providers themselves are asked with, at base URLs that operators have set.
        lookup: how names in users' URLs are resolved.
    """

    outbox: Outbox
    environment_keys: Sequence[OpenKey]
    pepper: bytes
    sealer: Sealer
    egress: EgressPolicy
    http: httpx.AsyncClient
    lookup: Lookup = system_lookup

    @property
    def db(self) -> Database:
        """The catalog's schema."""
        return self.outbox.db

    def opened(self, sealed: bytes, label: str) -> str:
        """A secret out of its envelope. Empty where that is damaged: one such must not keep anybody from all others."""
        try:
            return self.sealer.open(sealed, label).decode()
        except SealBrokenError:
            get_logger().error("secret.unreadable", label=label)
            return ""
