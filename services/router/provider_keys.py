"""The secret keys that a router shows to providers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import grpc

from pantheon.catalog.v1.catalog_service_pb2 import ListSecretsRequest
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from services.runtime.errors import PantheonError
from services.runtime.logging import get_logger
from services.runtime.status import error_from_rpc

_KEYS_SECONDS = 5.0
_KEYS_AGAIN_SECONDS = 1.0


class ProviderKeys:
    """The providers' secret keys, in memory only; taken in turn.

    `fetch` gives all of them, by provider; `changed` is set when they should be asked for again.
    """

    def __init__(
        self, fetch: Callable[[], Awaitable[Mapping[str, tuple[str, ...]]]], changed: asyncio.Event | None = None
    ) -> None:
        self._fetch = fetch
        self._changed = changed or asyncio.Event()
        self._keys: Mapping[str, tuple[str, ...]] = {}
        self._turn: dict[str, int] = {}
        self.loaded = asyncio.Event()

    def in_turn(self, provider: str) -> tuple[str, ...]:
        """All keys of a provider, beginning with the one whose turn it is. Empty where it has none."""
        keys = self._keys.get(provider, ())
        if len(keys) < 2:
            return keys
        start = self._turn[provider] = (self._turn.get(provider, -1) + 1) % len(keys)
        return keys[start:] + keys[:start]

    def refused(self) -> None:
        """A provider refused a key: there may be a newer one."""
        self._changed.set()

    async def keep(self) -> None:
        """Fetches the keys now and whenever there is reason to, once a second at most. Runs until cancelled."""
        while True:
            self._changed.clear()
            try:
                self._keys = await self._fetch()
                self.loaded.set()
            except PantheonError as error:
                get_logger().warning("keys.provider_keys_unavailable", error=str(error))
                self._changed.set()
            await asyncio.sleep(_KEYS_AGAIN_SECONDS)
            await self._changed.wait()


def keys_from(catalog: grpc.aio.Channel) -> Callable[[], Awaitable[Mapping[str, tuple[str, ...]]]]:
    """The catalog as the source of keys."""
    stub = CatalogServiceStub(catalog)

    async def fetch() -> Mapping[str, tuple[str, ...]]:
        try:
            answer = await stub.ListSecrets(ListSecretsRequest(providers=True), timeout=_KEYS_SECONDS)
        except grpc.aio.AioRpcError as failure:
            raise error_from_rpc(failure, "catalog") from None
        return {entry.provider: tuple(key.secret for key in entry.secrets) for entry in answer.provider_secrets}

    return fetch
