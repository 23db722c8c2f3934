"""What auth's RPCs work with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.auth.entities import SigningKey
from services.auth.passwords import Passwords
from services.auth.tokens import TokenIssuer
from services.runtime import times
from services.runtime.db import Database
from services.runtime.outbox import Outbox
from services.runtime.sealing import Sealer


@dataclass(frozen=True, slots=True)
class Resources:
    """Made once a process. `pepper` is what secrets are hashed with, `sealer` what signing keys are sealed with,
    `clock` tells the present instant in UTC.
    """

    outbox: Outbox
    passwords: Passwords
    issuer: TokenIssuer
    signing_keys: tuple[SigningKey, ...]
    pepper: bytes
    sealer: Sealer
    clock: Callable[[], datetime] = times.now

    @property
    def db(self) -> Database:
        """The database that the outbox is in."""
        return self.outbox.db
