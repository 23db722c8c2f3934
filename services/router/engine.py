"""One request through the stages: plan, START, upstream, answer, FINISH; then the client gets its last frame."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.router.attempts import Attempt, Call, Journal, Receipt
from services.router.chat import ChatRequest, Facts, Frame
from services.router.plan import Candidate, make_plan
from services.router.snapshot import ProviderKeys, Snapshot
from services.router.sse import Event
from services.router.upstream import NotDispatched, Response, Upstream
from services.runtime.auth import Principal
from services.runtime.errors import (
    NoEndpoint,
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

_WAIT_FOR_USAGE_SECONDS = 2.0
_MOST_ATTEMPTS = 4
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
        settings = self._snapshot.settings_of(caller.user_id)
        plan = make_plan(request, self._snapshot.catalog, settings)
        return Call(uuid7(), request, caller, surface, plan, began)

    async def complete(self, call: Call) -> Completed:
        """The whole answer, when its FINISH is durable.

        Raises:
            ProviderError: no candidate answered.
            JournalUnavailable: nothing was sent, or the answer could not be booked.
        """
        attempt, candidate, response = await self._dispatch(call)
        try:
            async with asyncio.timeout(self._longest_seconds):
                answer = candidate.wire.parse_response(await response.read())
        except (ProviderError, TimeoutError) as failure:
            error = failure if isinstance(failure, ProviderError) else _too_long()
            await attempt.fail(_at(error, candidate), final=True)
            raise error from failure
        except asyncio.CancelledError:
            self._settle(attempt.cancel)
            raise
        finally:
            response.close()
        attempt.facts = answer.facts
        return Completed(call, candidate, answer.body, answer.facts, await attempt.succeed())

    async def open(self, call: Call) -> "Streaming":
        """The stream, when the provider has accepted the request. Raises as `complete` does."""
        attempt, candidate, response = await self._dispatch(call)
        return Streaming(call, candidate, attempt, response, self._longest_seconds, self._settle)

    async def settled(self) -> None:
        """Waits until what cancelled requests left behind is booked: two seconds and a sync at most."""
        await self._settling.join()

    async def _dispatch(self, call: Call) -> tuple[Attempt, Candidate, Response]:
        """Tries one candidate after the other until one answers with success."""
        ways = list(self._ways(call))[:_MOST_ATTEMPTS]
        if not ways:
            raise NoEndpoint(call.plan.model)
        for number, (candidate, key) in enumerate(ways, 1):
            attempt = Attempt(self._journal, call, candidate, number)
            last = number == len(ways)
            try:
                return attempt, candidate, await self._send(call, attempt, candidate, key)
            except NotDispatched as refused:
                attempt.never_dispatched()
                if last:
                    raise _at(refused.error, candidate) from None
            except ProviderError as error:
                last = last or not isinstance(error, _ELSEWHERE)
                await attempt.fail(_at(error, candidate), final=last)
                if last:
                    raise
            except asyncio.CancelledError:
                self._settle(attempt.cancel)
                raise
        raise AssertionError("the last way returns or raises")

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
        async with asyncio.timeout(self._longest_seconds):
            response = await self._upstream.send(url, headers, body)
        attempt.http_status = response.status
        if response.status == 200:
            return response
        try:
            content = await response.read()
        finally:
            response.close()
        raise wire.parse_error(response.status, response.headers, content)

    def _settle(self, close: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Books what a cancelled request leaves behind, in a task that the cancellation does not reach."""
        self._settling.start("engine.settle", close())


class Streaming:
    """One streamed answer. `frames` is to be iterated to its end, or closed."""

    def __init__(
        self,
        call: Call,
        candidate: Candidate,
        attempt: Attempt,
        response: Response,
        longest_seconds: float,
        settle: Callable[[Callable[[], Coroutine[Any, Any, object]]], None],
    ) -> None:
        self.call = call
        self.candidate = candidate
        self._receipt: Receipt | None = None
        self._attempt = attempt
        self._response = response
        self._until = call.began + longest_seconds
        self._settle = settle
        self._parser = candidate.wire.parse_stream()
        attempt.facts = self._parser.facts

    @property
    def facts(self) -> Facts:
        """What the answer has said about itself so far."""
        return self._parser.facts

    def amount(self) -> Decimal | None:
        """What it costs by what is known so far, USD."""
        return self._attempt.amount()

    def final_receipt(self) -> Receipt:
        """What it came to; only after the last frame."""
        if self._receipt is None:
            raise RuntimeError("the stream has not ended")
        return self._receipt

    async def frames(self) -> AsyncGenerator[list[Frame], None]:
        """The frames, in the batches they come in. It ends when the FINISH is durable.

        A client that goes away is a cancellation: the provider is cut off and the attempt booked. Not so after the
        finish reason, when many clients leave: then the usage is waited for, two seconds at most.

        Raises:
            ProviderError: the provider broke off or reported an error; the attempt is booked as failed.
        """
        try:
            async for frames in self._read():
                if frames:
                    yield frames
            if not self._parser.done and not self.facts.finish_reason:
                raise ProviderBroken("The stream ended before its end", phase="stream")
        except ProviderError as error:
            self._response.close()
            await self._attempt.fail(_at(error, self.candidate), final=True)
            raise
        except (asyncio.CancelledError, GeneratorExit):
            self._settle(self._abandon)
            raise
        self._response.close()
        self._receipt = await self._attempt.succeed()

    async def _read(self) -> AsyncIterator[list[Frame]]:
        async for events in self._response.events():
            # The whole batch is read before any of it is given away: who leaves then has not lost what had come, and
            # the usage that some providers send after an error is not lost either.
            frames, failure = self._parse(events)
            self._attempt.note_progress()
            yield frames
            if failure is not None:
                raise failure
            if self._parser.done:
                return
            if time.monotonic() > self._until:
                raise _too_long()

    def _parse(self, events: list[Event]) -> tuple[list[Frame], ProviderError | None]:
        """The frames before the first error, and that error."""
        frames: list[Frame] = []
        failure: ProviderError | None = None
        for event in events:
            try:
                frame = self._parser.parse(event)
            except ProviderError as error:
                failure = failure or error
                continue
            if frame is not None and failure is None:
                frames.append(frame)
        return frames, failure

    async def _abandon(self) -> None:
        """The client has gone."""
        try:
            if self.facts.finish_reason and self.facts.tokens is None and not self._parser.done:
                async with asyncio.timeout(_WAIT_FOR_USAGE_SECONDS):
                    async for _ in self._read():
                        if self.facts.tokens is not None:
                            break
        except (ProviderError, TimeoutError) as error:
            get_logger().info("attempt.usage_not_awaited", attempt_id=str(self._attempt.id), error=str(error))
        self._response.close()
        if self.facts.finish_reason:
            await self._attempt.succeed()
        else:
            await self._attempt.cancel()


def _at(error: ProviderError, candidate: Candidate) -> ProviderError:
    """The error with the provider's name in it."""
    error.metadata["provider"] = candidate.provider.name
    return error


def _too_long() -> ProviderTimeout:
    return ProviderTimeout("The answer took longer than an attempt may take", phase="total")
