"""What a router knows without asking: providers, models, prices and settings, followed from the catalog's changes."""

import asyncio
import contextlib
from pathlib import Path

import grpc

from pantheon.catalog.v1 import model_pb2
from pantheon.events.v1.change_pb2 import Change
from pantheon.usage.v1.ledger_pb2 import Target
from services.rating import CompiledPrice
from services.router.catalog import Catalog, Settings
from services.router.catalog_messages import model_of, provider_of, settings_of
from services.runtime.bus import Bus
from services.runtime.follower import Follower
from services.runtime.process import Process

_FIRST_SNAPSHOT_SECONDS = 10.0


class Snapshot:
    """The copy. Readers take what they need in one go; `apply` and `reset` replace entries, never change them."""

    def __init__(self) -> None:
        self.catalog = Catalog()
        self._settings: dict[str, Settings] = {}
        self._no_settings = Settings()
        self.providers_changed = asyncio.Event()
        self._follower: Follower | None = None

    def check_fresh(self) -> None:
        """Raises SnapshotStale when the copy can't be trusted any more."""
        if self._follower is not None:
            self._follower.check_fresh()

    def follow(self, follower: Follower) -> None:
        """Ties the copy to the follower that fills it, to know when it is stale."""
        self._follower = follower

    def settings_of(self, user_id: str) -> Settings:
        """A user's settings; empty ones for a user who never set any."""
        return self._settings.get(user_id, self._no_settings)

    def price(self, target: Target, version_id: str) -> CompiledPrice | None:
        """The price version an attempt was started under; None where it is no longer known."""
        model = self.catalog.models.get(target.model)
        for endpoint in model.endpoints if model else ():
            if endpoint.provider == target.provider:
                for price in endpoint.prices:
                    if price.version.id == version_id:
                        return price
        return None

    def reset(self) -> None:
        """Forgets everything: a snapshot follows."""
        self.catalog = Catalog()
        self._settings = {}

    def apply(self, change: Change) -> None:
        """Takes one change of the catalog's."""
        event = change.WhichOneof("event")
        if event == "model_changed":
            self._put_model(change.model_changed.model)
        elif event == "model_removed":
            self._drop_model(change.model_removed.model_id)
        elif event == "provider_changed":
            provider = provider_of(change.provider_changed.provider)
            self.catalog.providers[provider.name] = provider
            self.providers_changed.set()
        elif event == "settings_changed":
            settings = change.settings_changed.settings
            self._settings[settings.user_id] = settings_of(settings)

    def _put_model(self, message: model_pb2.Model) -> None:
        self._drop_model(message.id)
        self.catalog.models[message.id] = model_of(message)
        for alias in message.aliases:
            self.catalog.aliases[alias] = message.id

    def _drop_model(self, model_id: str) -> None:
        if self.catalog.models.pop(model_id, None) is not None:
            aliases = self.catalog.aliases
            for alias in [alias for alias, target in aliases.items() if target == model_id]:
                del aliases[alias]


async def follow_catalog(
    process: Process, bus: Bus, channel: grpc.aio.Channel, cache: Path, max_staleness: float
) -> Snapshot:
    """A snapshot that is kept up to date until the process stops; returns once it is filled, or after ten seconds."""
    snapshot = Snapshot()
    follower = Follower(
        "catalog",
        bus,
        channel,
        reset=snapshot.reset,
        apply=snapshot.apply,
        cache=cache,
        max_staleness=max_staleness,
    )
    snapshot.follow(follower)
    process.run_task("router.catalog", follower.run())
    process.ready_when("catalog", follower.loaded.is_set)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_FIRST_SNAPSHOT_SECONDS):
            await follower.loaded.wait()
    return snapshot
