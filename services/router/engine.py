"""One request through the stages: plan, START, upstream, answer, FINISH; then the client gets its last frame."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from services.router.attempts import Attempt, Call, Journal, booked_as, too_long
from services.router.chat import ChatRequest, Facts
from services.router.plan import Candidate, make_plan
from services.router.receipts import Receipt
from services.router.snapshot import ProviderKeys, Snapshot
from services.router.streaming import Streaming
from services.router.upstream import NotDispatched, Response, Upstream
from services.runtime.auth import Principal
from services.runtime.errors import (
    DependencyUnavailable,
    JournalUnavailable,
    NoEndpoint,
    PantheonError,
    ProviderAuthentication,
    ProviderBroken,
    ProviderError,
    ProviderFailed,
    ProviderNotFound,
    ProviderOverloaded,
    ProviderRateLimited,
    ProviderTimeout,
)
from services.runtime.ids import uuid7
from services.runtime.logging import get_logger
from services.runtime.tasks import Tasks

_MOST_ATTEMPTS = 4
# Longer than a client that left may make an attempt wait for its usage.
_SETTLE_SECONDS = 5.0
_LOOK_SECONDS = 0.01
_ELSEWHERE = (
    ProviderAuthentication,
    ProviderBroken,
    ProviderFailed,
    ProviderNotFound,
    ProviderOverloaded,
    ProviderRateLimited,
    ProviderTimeout,
)
"""Failures that another key or endpoint may not have."""


@dataclass(frozen=True, slots=True)
class Completed:
    """A whole answer and what it came to."""

    call: Call
    candidate: Candidate
    body: bytes
    facts: Facts
    receipt: Receipt


class Engine:
    """Completes requests. Everything it needs is in memory; the journal is the only disk it touches."""

    def __init__(
        self, snapshot: Snapshot, keys: ProviderKeys, journal: Journal, upstream: Upstream, *, longest_seconds: float
    ) -> None:
        self._snapshot = snapshot
        self._keys = keys
        self._journal = journal
        self._upstream = upstream
        self._longest_seconds = longest_seconds
        self._settling = Tasks()

    def call(self, request: ChatRequest, caller: Principal, surface: int, began: float) -> Call:
        """Plans a request that arrived at `began` (monotonic), without sending anything. Raises as `make_plan` does."""
        self._snapshot.check_fresh()
        settings = self._snapshot.settings_of(caller.user_id)
        plan = make_plan(request, self._snapshot.catalog, settings)
        return Call(uuid7(), request, caller, surface, plan, began)

    async def complete(self, call: Call) -> Completed:
        """The whole answer, when its FINISH is durable.

        Raises:
            ProviderError: no candidate answered.
            NoEndpoint: the provider has no key.
            DependencyUnavailable: the providers' keys have not been fetched yet.
            JournalUnavailable: nothing was sent, or the answer could not be booked.
        """
        attempt, candidate, response = await self._dispatch(call)
        try:
            async with self._in_time(attempt):
                answer = candidate.wire.parse_response(await response.read())
        except asyncio.CancelledError:
            self._settle(attempt.cancel)
            raise
        except Exception as failure:
            await attempt.fail(booked_as(failure, candidate))
            raise
        finally:
            response.close()
        attempt.facts = answer.facts
        return Completed(call, candidate, answer.body, answer.facts, await attempt.succeed())

    async def open(self, call: Call) -> Streaming:
        """The stream, to be entered, when the provider has accepted the request. Raises as `complete` does."""
        attempt, candidate, response = await self._dispatch(call)
        return Streaming(call, candidate, attempt, response, attempt.began + self._longest_seconds, self._settle)

    async def settled(self, within: float = _SETTLE_SECONDS) -> None:
        """Waits until no attempt is open, `within` seconds at most: once surfaces have stopped, that is soon.

        A stopped gRPC server may leave handlers that have yet to notice; what is still open then is booked as lost.
        """
        try:
            async with asyncio.timeout(within):
                while self._journal.open_count:
                    await self._settling.join()
                    await asyncio.sleep(_LOOK_SECONDS)
                await self._settling.join()
        except TimeoutError:
            get_logger().error("engine.attempts_left_open", count=self._journal.open_count)

    async def _dispatch(self, call: Call) -> tuple[Attempt, Candidate, Response]:
        """Tries one candidate after the other until one answers with success.

        A failed attempt is booked when it is known whether another one reached a provider: only the last that did is
        the final one of its request, and its error is the one to tell.
        """
        failed: _Failed | None = None
        unreachable: ProviderError | None = None
        for number, (candidate, key) in enumerate(islice(self._ways(call), _MOST_ATTEMPTS), 1):
            try:
                attempt = Attempt(self._journal, call, candidate, number)
            except JournalUnavailable:
                await _book(failed)
                raise
            try:
                response = await self._send(call, attempt, candidate, key)
            except NotDispatched as refused:
                attempt.never_dispatched()
                unreachable = refused.error
                booked_as(unreachable, candidate)
                continue
            except asyncio.CancelledError:
                _pass_over(failed)
                self._settle(attempt.cancel)
                raise
            except Exception as failure:
                _pass_over(failed)
                failed = _Failed(attempt, booked_as(failure, candidate), time.monotonic())
                if isinstance(failure, ProviderAuthentication):
                    self._keys.refused()
                if isinstance(failure, _ELSEWHERE):
                    continue
                await _book(failed)
                raise
            _pass_over(failed)
            return attempt, candidate, response
        await _book(failed)
        if failed is None and unreachable is None and not self._keys.loaded.is_set():
            raise DependencyUnavailable("catalog")
        raise failed.error if failed else unreachable or NoEndpoint(call.plan.model)

    def _ways(self, call: Call) -> Iterator[tuple[Candidate, str]]:
        """Each candidate with each of its keys, best first. A provider that needs no key has the empty one."""
        for candidate in call.plan.candidates:
            provider = candidate.provider
            if not provider.key_header:
                yield candidate, ""
            for key in self._keys.in_turn(provider.name):
                yield candidate, key

    async def _send(self, call: Call, attempt: Attempt, candidate: Candidate, key: str) -> Response:
        provider, model = candidate.provider, candidate.endpoint.provider_model_id
        wire = candidate.wire
        headers = {"content-type": "application/json", "user-agent": "pantheon"}
        if key:
            headers[provider.key_header] = provider.key_prefix + key
        if provider.sandbox:
            headers["x-pantheon-attempt-id"] = str(attempt.id)
        body = wire.render_request(call.request, model, call.plan.fill, provider.dialect)
        url = wire.request_url(provider.base_url, model, stream=call.request.stream)
        async with self._in_time(attempt):
            response = await self._upstream.send(url, headers, body)
            attempt.http_status = response.status
            if response.status == 200:
                return response
            try:
                content = await response.read()
            finally:
                response.close()
        raise wire.parse_error(response.status, response.headers, content)

    @asynccontextmanager
    async def _in_time(self, attempt: Attempt) -> AsyncIterator[None]:
        """Raises ProviderTimeout once the attempt has taken longer than any may."""
        try:
            async with asyncio.timeout(attempt.began + self._longest_seconds - time.monotonic()):
                yield
        except TimeoutError:
            raise too_long() from None

    def _settle(self, close: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Books what a cancelled request leaves behind, in a task that the cancellation does not reach."""
        self._settling.start("engine.settle", close())


@dataclass(frozen=True, slots=True)
class _Failed:
    """An attempt that failed at `at` (monotonic) and is not booked yet."""

    attempt: Attempt
    error: PantheonError
    at: float


def _pass_over(failed: _Failed | None) -> None:
    """Books a failed attempt that another one followed."""
    if failed is not None:
        failed.attempt.fail_over(failed.error, failed.at)


async def _book(failed: _Failed | None) -> None:
    """Books a failed attempt that no other followed."""
    if failed is not None:
        await failed.attempt.fail(failed.error, failed.at)
