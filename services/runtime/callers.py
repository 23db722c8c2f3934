"""How a process that is not auth finds out who calls it: it follows auth's keys."""

from pathlib import Path

from pydantic import Field, SecretStr

from services.runtime.bus import Bus
from services.runtime.client import connect
from services.runtime.follower import Follower
from services.runtime.identity import ServiceIdentity
from services.runtime.keys import KeyDirectory
from services.runtime.process import Process
from services.runtime.settings import ServiceSettings

_PEPPER_LENGTH = 32


class CallerSettings(ServiceSettings):
    """Settings of a process that lets people and applications in."""

    auth_address: str = "127.0.0.1:50054"
    key_pepper: SecretStr = Field(min_length=_PEPPER_LENGTH)
    """The same for every process that knows API keys: without auth's, no key is valid here."""
    max_staleness: float = Field(300.0, gt=0)
    """Seconds a copy of another service's state is trusted without hearing of it."""

    @property
    def pepper(self) -> bytes:
        """What API keys are hashed with."""
        return self.key_pepper.get_secret_value().encode()


def follow_keys(
    process: Process, bus: Bus, settings: CallerSettings, identity: ServiceIdentity, cache: Path | None = None
) -> KeyDirectory:
    """The authenticator of this process, kept up to date until it stops; /readyz has "keys" once they are known.

    `cache` is the file that lets the process start without auth; login tokens are then refused as not to be judged
    yet, until auth has told its public keys. Call it on the running event loop.
    """
    channel = connect(settings.auth_address, identity, "auth")
    process.on_stop(channel.close)
    keys = KeyDirectory(settings.pepper, channel)
    follower = Follower(
        "auth", bus, channel, reset=keys.reset, apply=keys.apply, cache=cache, max_staleness=settings.max_staleness
    )
    keys.follow(follower)
    process.run_task("keys.follower", follower.run())
    process.run_task("keys.signing_keys", keys.keep_signing_keys())
    known = keys.signing_keys_loaded
    process.ready_when("keys", lambda: follower.loaded.is_set() and (known.is_set() or follower.began_from_cache))
    return keys
