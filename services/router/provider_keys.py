"""Providers' secret keys, in memory only: whose turn it is, and what providers said of them."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from pantheon.catalog.v1.provider_key_pb2 import (
    PROVIDER_KEY_STATUS_INVALID,
    PROVIDER_KEY_STATUS_RATE_LIMITED,
    PROVIDER_KEY_STATUS_VALID,
    ProviderKeyStatus,
    ProviderSecrets,
)
from services.router.catalog import PLATFORM, Key
from services.runtime.errors import ProviderAuthentication, ProviderRateLimited

_REST_SECONDS = 60.0
"""A refused key goes last for so long, or until the keys change: providers have been known to refuse good ones."""

_PAYMENT_REQUIRED = "402"
"""Says nothing of a key: what one request asks for may cost more than is left, and another may not."""

Status: TypeAlias = ProviderKeyStatus.ValueType


class ProviderKeys:
    """The keys by organisation and provider, taken in turn. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.loaded = asyncio.Event()
        self._clock = clock
        self._keys: Mapping[str, Mapping[str, tuple[Key, ...]]] = {PLATFORM: {}}
        self._turns: dict[tuple[str, str], int] = {}
        self._said: dict[str, Status] = {}
        self._resting: dict[str, float] = {}
        self._news: dict[str, Status] = {}
        self._has_news = asyncio.Event()

    def put(self, secrets: Iterable[ProviderSecrets]) -> None:
        """Takes all keys there are now, in place of those before. All of them are given another chance."""
        keys: dict[str, dict[str, tuple[Key, ...]]] = {PLATFORM: {}}
        for entry in secrets:
            of_one = tuple(Key(secret.secret, secret.key_id) for secret in entry.secrets)
            if of_one:
                keys.setdefault(entry.organisation_id, {})[entry.provider] = of_one
        good = {key_id for key_id, status in self._said.items() if status == PROVIDER_KEY_STATUS_VALID}
        known = {key.id for providers in keys.values() for of_one in providers.values() for key in of_one}
        self._keys = keys
        self._said = dict.fromkeys(good & known, PROVIDER_KEY_STATUS_VALID)
        self._resting = {}
        self._turns = {}
        self.loaded.set()

    def in_turn(self, provider: str, organisation_id: str) -> Sequence[Key]:
        """The keys for an organisation's requests, beginning with the one whose turn it is.

        An organisation that has keys of its own for a provider uses only those, others the platform's.
        """
        owner, keys = self._of(provider, organisation_id)
        if len(keys) > 1:
            start = self._turns.get((owner, provider), 0) % len(keys)
            self._turns[owner, provider] = start + 1
            keys = keys[start:] + keys[:start]
        return keys

    def is_resting(self, key: Key) -> bool:
        """Whether the key was refused lately: to be tried when there is nothing else."""
        return bool(self._resting) and self._resting.get(key.id, 0.0) > self._clock()

    def hear(self, key: Key, status: Status) -> None:
        """Takes what a provider said of a key, for itself and, if it is news, for the catalog."""
        if not key.id:
            return
        if status == PROVIDER_KEY_STATUS_INVALID:
            self._resting[key.id] = self._clock() + _REST_SECONDS
        if self._said.get(key.id) == status:
            return
        self._said[key.id] = self._news[key.id] = status
        self._has_news.set()
        if status != PROVIDER_KEY_STATUS_INVALID:
            self._resting.pop(key.id, None)

    def hear_error(self, key: Key, error: Exception) -> None:
        """Takes what an error, a provider's or another, says of the key that was shown."""
        if isinstance(error, ProviderRateLimited):
            self.hear(key, PROVIDER_KEY_STATUS_RATE_LIMITED)
        elif isinstance(error, ProviderAuthentication) and error.metadata.get("status") != _PAYMENT_REQUIRED:
            self.hear(key, PROVIDER_KEY_STATUS_INVALID)

    def remind(self, key_id: str, status: Status) -> None:
        """Makes it news again, unless there is newer: it could not be passed on."""
        self._news.setdefault(key_id, status)
        self._has_news.set()

    async def news(self) -> Mapping[str, Status]:
        """Waits until a provider says of a key what it did not say before; the last word on each, by the key's id."""
        await self._has_news.wait()
        self._has_news.clear()
        news, self._news = self._news, {}
        return news

    def _of(self, provider: str, organisation_id: str) -> tuple[str, tuple[Key, ...]]:
        """Whose keys are to be used, and which they are."""
        own = self._keys.get(organisation_id)
        if own is not None and provider in own:
            return organisation_id, own[provider]
        return PLATFORM, self._keys[PLATFORM].get(provider, ())
