"""One request through the stages: plan, START, upstream, answer, FINISH; then the client gets its last frame."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

from pantheon.catalog.v1.provider_key_pb2 import PROVIDER_KEY_STATUS_VALID
from services.router.attempts import Attempt, Call, Journal, booked_as
from services.router.catalog import CustomModel, Key
from services.router.chat import ChatRequest, Facts, Format
from services.router.plan import Candidate, make_plan, plan_custom
from services.router.receipts import Receipt
from services.router.secret_keys import SecretKeys
from services.router.sending import Outgoing, Sender, outgoing
from services.router.snapshot import Snapshot
from services.router.streaming import Streaming
from services.router.upstream import NotDispatched, Response
from services.router.upstreams import Upstreams
from services.router.wire.base import Answer
from services.runtime.auth import Principal
from services.runtime.errors import (
    BadRequest,
    PantheonError,
    ProviderAuthentication,
    ProviderBroken,
    ProviderError,
    ProviderFailed,
    ProviderNotFound,
    ProviderOverloaded,
    ProviderPermission,
    ProviderRateLimited,
    ProviderTimeout,
)
from services.runtime.ids import uuid7
from services.runtime.logging import get_logger
from services.runtime.origins import origin_of
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
    ProviderPermission,
    ProviderRateLimited,
    ProviderTimeout,
)
"""Failures that another key or endpoint may not have."""


class Completed(msgspec.Struct, frozen=True):
    """A whole answer and what it came to. `format` is the request's own, or the common shape."""

    call: Call
    candidate: Candidate
    body: bytes
    format: Format
    facts: Facts
    receipt: Receipt


class Engine:
    """Completes requests. Everything it needs is in memory; the journal is the only disk it touches."""

    def __init__(
        self, snapshot: Snapshot, keys: SecretKeys, journal: Journal, upstreams: Upstreams, *, longest_seconds: float
    ) -> None:
        self._snapshot = snapshot
        self._keys = keys
        self._journal = journal
        self._sender = Sender(upstreams, longest_seconds)
        self._longest_seconds = longest_seconds
        self._settling = Tasks()

    def call(self, request: ChatRequest, caller: Principal, surface: int, began: float) -> Call:
        """Plans a request that arrived at `began` (monotonic), without sending anything. Raises as `make_plan` does."""
        self._snapshot.check_fresh()
        plan = make_plan(request, self._snapshot.catalog, caller)
        return Call(str(uuid7()), request, caller, surface, plan, began)

    def call_custom(
        self, request: ChatRequest, model: CustomModel, api_key: str, caller: Principal, surface: int, began: float
    ) -> Call:
        """The same for a custom model that is not kept, with its own key, if any. Raises as `plan_custom` does."""
        self._snapshot.check_fresh()
        key = Key(api_key, origin=origin_of(model.base_url)) if api_key else None
        plan = plan_custom(request, model, self._snapshot.catalog, caller, key)
        return Call(str(uuid7()), request, caller, surface, plan, began)

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
            content = await self._sender.read(attempt.began, response)
            answer = candidate.wire.parse_response(content, call.request.format)
            attempt.facts = answer.facts
            if answer.failure is not None:
                raise answer.failure
        except asyncio.CancelledError:
            self._settle(attempt.cancel)
            raise
        except Exception as failure:
            await attempt.fail(booked_as(failure, candidate))
            raise
        return Completed(call, candidate, answer.body, answer.format, answer.facts, await attempt.succeed())

    async def open(self, call: Call) -> Streaming:
        """The stream, to be entered, when the provider has accepted the request. Raises as `complete` does."""
        attempt, candidate, response = await self._dispatch(call)
        return Streaming(call, candidate, attempt, response, attempt.began + self._longest_seconds, self._settle)

    async def ask(self, call: Call) -> Answer:
        """A whole answer nobody bills for (a count of tokens): nothing is journalled. Raises as `complete` does."""
        refused: PantheonError | None = None
        for candidate, key in islice(self._ways(call), _MOST_ATTEMPTS):
            try:
                return await self._ask(call, candidate, key)
            except (BadRequest, ProviderError) as failure:
                refused = booked_as(failure, candidate)
                self._keys.providers.hear_error(key, failure)
                if not isinstance(failure, (BadRequest, *_ELSEWHERE)):
                    raise
        raise refused or self._no_way(call)

    async def _ask(self, call: Call, candidate: Candidate, key: Key) -> Answer:
        began = time.monotonic()
        try:
            response = await self._sender.send(began, candidate, outgoing(call, candidate, key), key)
        except NotDispatched as failure:
            raise failure.error from None
        if response.status != 200:
            raise await self._sender.refusal(began, candidate, response)
        content = await self._sender.read(began, response)
        self._keys.providers.hear(key, PROVIDER_KEY_STATUS_VALID)
        answer = candidate.wire.parse_response(content, call.request.format)
        if answer.failure is not None:
            raise answer.failure
        return answer

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
        unsent: PantheonError | None = None
        for number, (candidate, key) in enumerate(islice(self._ways(call), _MOST_ATTEMPTS), 1):
            try:
                sent = outgoing(call, candidate, key)
                attempt = Attempt(self._journal, call, candidate, number)
            except BadRequest as inexpressible:
                unsent = inexpressible
                continue
            except Exception:
                await _book(failed)
                raise
            try:
                response = await self._send(attempt, candidate, sent, key)
            except NotDispatched as refused:
                attempt.never_dispatched()
                unsent = booked_as(refused.error, candidate)
                continue
            except asyncio.CancelledError:
                _pass_over(failed)
                self._settle(attempt.cancel)
                raise
            except Exception as failure:
                _pass_over(failed)
                failed = _Failed(attempt, booked_as(failure, candidate), time.monotonic())
                self._keys.providers.hear_error(key, failure)
                if isinstance(failure, _ELSEWHERE):
                    continue
                await _book(failed)
                raise
            _pass_over(failed)
            return attempt, candidate, response
        await _book(failed)
        raise failed.error if failed else unsent or self._no_way(call)

    def _ways(self, call: Call) -> Iterator[tuple[Candidate, Key]]:
        """Each candidate with each of its keys, best first; those that were refused before only when all else failed.

        A provider that needs no key has the empty one.
        """
        resting: list[tuple[Candidate, Key]] = []
        for candidate in call.plan.candidates:
            for key in self._keys.for_candidate(candidate, call.caller.organisation_id):
                if self._keys.providers.is_resting(key):
                    resting.append((candidate, key))
                else:
                    yield candidate, key
        yield from resting

    def _no_way(self, call: Call) -> PantheonError:
        """Why nothing was tried: no candidate has a key, as far as keys are known."""
        return self._keys.why_none(call.plan.candidates, call.plan.model)

    async def _send(self, attempt: Attempt, candidate: Candidate, sent: Outgoing, key: Key) -> Response:
        if candidate.provider.sandbox:
            sent.headers["x-pantheon-attempt-id"] = str(attempt.id)
        response = await self._sender.send(attempt.began, candidate, sent, key)
        attempt.http_status = response.status
        if response.status != 200:
            raise await self._sender.refusal(attempt.began, candidate, response)
        self._keys.providers.hear(key, PROVIDER_KEY_STATUS_VALID)
        return response

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
