"""What a router knows without asking: models, prices and what people chose, followed from the catalog's changes."""

import asyncio
import contextlib
from collections import deque
from pathlib import Path
from typing import TypeVar

import grpc

from pantheon.catalog.v1 import model_pb2
from pantheon.catalog.v1.settings_pb2 import UserSettings
from pantheon.events.v1.change_pb2 import Change, ProviderKeysChanged
from services.router.catalog import NOTHING_CHOSEN, Catalog, CustomModel, Endpoint
from services.router.catalog_messages import choices_of, custom_model_of, model_of, provider_of, settings_of
from services.router.prices import override_of
from services.router.wanted import Wanted
from services.runtime.bus import Bus
from services.runtime.follower import Follower
from services.runtime.process import Process

Entry = TypeVar("Entry")

_FIRST_SNAPSHOT_SECONDS = 10.0
_REMOVED_ENDPOINTS = 1_024


class Snapshot:
    """The copy. Readers take what they need in one go; `apply` and `reset` replace entries, never change them.

    Attributes:
        catalog: the copy itself.
        wanted: the secrets that its changes say have to be fetched.
        removed: endpoints that are gone, latest last: what was started at them is still to be rated.
    """

    def __init__(self) -> None:
        self.catalog = Catalog()
        self.wanted = Wanted()
        self.removed: deque[Endpoint] = deque(maxlen=_REMOVED_ENDPOINTS)
        self._custom_models: dict[str, CustomModel] = {}
        self._follower: Follower | None = None

    @property
    def revision(self) -> int:
        """The catalog's, as far as it was followed; -1 before that."""
        return -1 if self._follower is None else self._follower.revision

    def check_fresh(self) -> None:
        """Raises SnapshotStale when the copy can't be trusted any more."""
        if self._follower is not None:
            self._follower.check_fresh()

    def follow(self, follower: Follower) -> None:
        """Ties the copy to the follower that fills it, to know when it is stale."""
        self._follower = follower

    def reset(self) -> None:
        """Forgets everything: a snapshot follows."""
        self.catalog = Catalog()
        self.wanted.add_all(self._custom_models)
        self._custom_models = {}

    def apply(self, change: Change) -> None:
        """Takes one change of the catalog's."""
        match change.WhichOneof("event"):
            case "model_changed":
                self._put_model(change.model_changed.model)
            case "model_removed":
                self._drop_model(change.model_removed.model_id)
            case "provider_changed":
                provider = provider_of(change.provider_changed.provider)
                self.catalog.providers[provider.name] = provider
                self.wanted.add_providers()
            case "provider_keys_changed":
                self._put_own_keys(change.provider_keys_changed)
            case "settings_changed":
                self._put_settings(change.settings_changed.settings)
            case "use_cases_changed":
                changed = change.use_cases_changed
                _put(self.catalog.use_cases, changed.organisation_id, choices_of(changed.choices))
            case "custom_model_changed":
                self._put_custom_model(custom_model_of(change.custom_model_changed.custom_model))
            case "custom_model_removed":
                self._drop_custom_model(change.custom_model_removed.custom_model_id)
            case "price_override_added":
                override = override_of(change.price_override_added.price_override)
                kept = self.catalog.overrides.get(override.organisation_id, ())
                others = (each for each in kept if each.id != override.id)
                self.catalog.overrides[override.organisation_id] = (*others, override)

    def _put_model(self, message: model_pb2.Model) -> None:
        self._drop_model(message.id)
        model = model_of(message)
        self.catalog.models[model.id] = model
        for alias in model.aliases:
            self.catalog.aliases[alias] = model.id

    def _drop_model(self, model_id: str) -> None:
        model = self.catalog.models.pop(model_id, None)
        if model is None:
            return
        self.removed.extend(model.endpoints)
        for alias in model.aliases:
            if self.catalog.aliases.get(alias) == model_id:
                del self.catalog.aliases[alias]

    def _put_custom_model(self, model: CustomModel) -> None:
        self._forget_custom_model(model.id)
        self._custom_models[model.id] = model
        shared = self.catalog.custom_models.get(model.scope, {})
        self.catalog.custom_models[model.scope] = {**shared, model.model_id: model}
        if model.key_version:
            self.wanted.add_custom_model(model.id)

    def _drop_custom_model(self, id_: str) -> None:
        model = self._forget_custom_model(id_)
        if model is not None:
            self.removed.append(model.endpoint)

    def _forget_custom_model(self, id_: str) -> CustomModel | None:
        model = self._custom_models.pop(id_, None)
        if model is None:
            return None
        if model.key_version:
            self.wanted.add_custom_model(id_)
        left = {name: each for name, each in self.catalog.custom_models[model.scope].items() if each.id != id_}
        _put(self.catalog.custom_models, model.scope, left)
        return model

    def _put_settings(self, message: UserSettings) -> None:
        settings = settings_of(message)
        if settings == NOTHING_CHOSEN:
            self.catalog.settings.pop(message.user_id, None)
        else:
            self.catalog.settings[message.user_id] = settings

    def _put_own_keys(self, event: ProviderKeysChanged) -> None:
        self.wanted.add_providers()
        if not event.organisation_id:
            return
        providers = self.catalog.own_keys.get(event.organisation_id, frozenset())
        providers = providers | {event.provider} if event.count else providers - {event.provider}
        _put(self.catalog.own_keys, event.organisation_id, providers)


def _put(known: dict[str, Entry], name: str, entry: Entry) -> None:
    """Replaces an entry; one that is empty is left out."""
    if entry:
        known[name] = entry
    else:
        known.pop(name, None)


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
