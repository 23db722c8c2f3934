"""Where a router's secrets come from: the catalog, whenever they may have changed. They are never on disk."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Protocol

import grpc

from pantheon.catalog.v1.catalog_service_pb2 import ListSecretsRequest, ListSecretsResponse, ReportProviderKeyRequest
from pantheon.catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from services.router.catalog import Key
from services.router.custom_keys import CustomKeys
from services.router.plan import Candidate
from services.router.provider_keys import ProviderKeys, Status
from services.router.wanted import Wanted, Wants
from services.runtime.errors import (
    DeadlinePassed,
    DependencyUnavailable,
    NoEndpoint,
    PantheonError,
    Unavailable,
)
from services.runtime.logging import get_logger
from services.runtime.status import error_from_rpc

_CALL_SECONDS = 5.0
_AT_ONCE = 1_000
_FETCH_AGAIN_SECONDS = 0.1
_AFTER_FAILURE_SECONDS = 1.0
_REPORT_AGAIN_SECONDS = 1.0
_NO_KEY = (Key(""),)


class Source(Protocol):
    """Who knows the secrets, and wants to know what becomes of them."""

    async def secrets(self, *, providers: bool, custom_model_ids: Sequence[str]) -> ListSecretsResponse:
        """All keys of providers, and those of these custom models (at most 1000). Raises PantheonError."""

    async def report(self, key_id: str, status: Status) -> None:
        """Takes what a provider said of one of its keys. Raises PantheonError."""


class CatalogSource:
    """The catalog."""

    def __init__(self, catalog: grpc.aio.Channel) -> None:
        self._stub = CatalogServiceStub(catalog)

    async def secrets(self, *, providers: bool, custom_model_ids: Sequence[str]) -> ListSecretsResponse:
        """See `Source`."""
        request = ListSecretsRequest(providers=providers, custom_model_ids=custom_model_ids)
        try:
            return await self._stub.ListSecrets(request, timeout=_CALL_SECONDS)
        except grpc.aio.AioRpcError as failure:
            raise error_from_rpc(failure, "catalog") from None

    async def report(self, key_id: str, status: Status) -> None:
        """See `Source`."""
        request = ReportProviderKeyRequest(key_id=key_id, status=status)
        try:
            await self._stub.ReportProviderKey(request, timeout=_CALL_SECONDS)
        except grpc.aio.AioRpcError as failure:
            raise error_from_rpc(failure, "catalog") from None


class SecretKeys:
    """All secrets of one router, fetched as they are `wanted`."""

    def __init__(self, source: Source, wanted: Wanted) -> None:
        self.providers = ProviderKeys()
        self._custom = CustomKeys()
        self._source = source
        self._wanted = wanted
        self._is_fetching = False

    def for_candidate(self, candidate: Candidate, organisation_id: str) -> Sequence[Key]:
        """The keys to try, best first; an empty one where none is to be shown, and nothing where one is lacking.

        A custom model's own key goes before its provider's; where a user says where the model is, no other is shown.
        """
        provider, custom = candidate.provider, candidate.custom
        if not provider.key_header:
            return _NO_KEY
        if custom is not None:
            if self._custom.is_awaited(custom):
                return ()
            own = candidate.key if candidate.key is not None else self._custom.key_of(custom)
            if own is not None and own.may_go_to(provider.base_url):
                return (own,)
            if candidate.is_guarded:
                return _NO_KEY
        return self.providers.in_turn(provider.name, organisation_id)

    @property
    def is_fetching(self) -> bool:
        """Whether anything that is wanted is not here yet."""
        return self._is_fetching or self._wanted.anything

    def why_none(self, candidates: Sequence[Candidate], model: str) -> PantheonError:
        """What to tell who asked for `model`, when there is no key for any of these."""
        if not self.providers.loaded.is_set() or any(
            candidate.custom is not None and self._custom.is_awaited(candidate.custom) for candidate in candidates
        ):
            return DependencyUnavailable("catalog")
        return NoEndpoint(model)

    async def keep(self) -> None:
        """Fetches what is wanted, at once and then whenever something is. Runs until cancelled."""
        while True:
            wants = await self._wanted.take()
            self._is_fetching = True
            try:
                await self._fetch(wants)
            except PantheonError as error:
                get_logger().warning("keys.secrets_unavailable", error=str(error))
                self._wanted.put_back(wants)
                await asyncio.sleep(_AFTER_FAILURE_SECONDS)
            else:
                self._is_fetching = False
                await asyncio.sleep(_FETCH_AGAIN_SECONDS)

    async def report(self) -> None:
        """Tells the catalog what providers say of their keys, as it changes. Runs until cancelled."""
        while True:
            for key_id, status in (await self.providers.news()).items():
                try:
                    await self._source.report(key_id, status)
                except PantheonError as error:
                    get_logger().warning("keys.not_reported", key_id=key_id, error=str(error))
                    if isinstance(error, Unavailable | DeadlinePassed):
                        self.providers.remind(key_id, status)
            await asyncio.sleep(_REPORT_AGAIN_SECONDS)

    async def _fetch(self, wants: Wants) -> None:
        """Raises PantheonError."""
        ids = iter(wants.custom_models)
        batches: Iterator[list[str]] = iter(lambda: list(islice(ids, _AT_ONCE)), [])
        first = next(batches, [])
        answer = await self._source.secrets(providers=wants.providers, custom_model_ids=first)
        if wants.providers:
            self.providers.put(answer.provider_secrets)
        self._custom.put(first, answer.custom_model_secrets)
        for batch in batches:
            answer = await self._source.secrets(providers=False, custom_model_ids=batch)
            self._custom.put(batch, answer.custom_model_secrets)
