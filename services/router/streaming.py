"""One streamed answer on its way to the client."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

from services.router.attempts import Attempt, Call, booked_as, too_long
from services.router.chat import Facts, Format, Frame
from services.router.plan import Candidate
from services.router.receipts import Receipt
from services.router.sse import Event
from services.router.upstream import Response
from services.runtime.errors import CallerGone, ProviderBroken, ProviderError
from services.runtime.logging import get_logger

_WAIT_FOR_USAGE_SECONDS = 2.0


class Streaming:
    """One streamed answer, to be entered; `frames` is iterated inside. Whatever ends it, its attempt is booked.

    Left early, the client has gone: the provider is cut off and the attempt booked as cancelled. Not so after the
    finish reason, when many clients leave: then the usage is waited for, two seconds at most.
    """

    def __init__(
        self,
        call: Call,
        candidate: Candidate,
        attempt: Attempt,
        response: Response,
        until: float,
        settle: Callable[[Callable[[], Coroutine[Any, Any, object]]], None],
    ) -> None:
        self.call = call
        self.candidate = candidate
        self._receipt: Receipt | None = None
        self._attempt = attempt
        self._response = response
        self._until = until
        self._settle = settle
        self._closed = False
        self._last: Frame | None = None
        self._parser = candidate.wire.parse_stream(call.request.format)
        attempt.facts = self._parser.facts

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._closed:
            return
        self._closed = True
        if isinstance(error, Exception) and not isinstance(error, CallerGone):
            self._response.close()
            await self._attempt.fail(booked_as(error, self.candidate))
        else:
            self._settle(self._abandon)

    @property
    def format(self) -> Format:
        """What the frames are written in: the request's own format, or the common shape."""
        return self._parser.format

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
        """The frames, in the batches they come in; the last one, of a format that has one, once the FINISH is durable.

        Raises:
            ProviderError: the provider broke off or reported an error.
        """
        async for events in self._response.events():
            # The whole batch is read before any of it is given away: who leaves then has not lost what had come.
            frames, failure = self._parse(events)
            self._attempt.note_progress()
            if frames:
                yield frames
            if failure is not None:
                # Some providers send the usage after an error.
                await self._await_usage()
                raise failure
            if self._parser.done:
                break
            if time.monotonic() > self._until:
                raise too_long()
        if not self._parser.done and not self._parser.may_end:
            raise ProviderBroken("The stream ended before its end", phase="stream")
        self._closed = True
        self._response.release()
        self._receipt = await self._attempt.succeed()
        if self._last is not None:
            yield [self._last]

    def _parse(self, events: list[Event]) -> tuple[list[Frame], ProviderError | None]:
        """The frames before the first error, and that error."""
        frames: list[Frame] = []
        failure: ProviderError | None = None
        for event in events:
            if self._parser.done:
                break
            try:
                frame = self._parser.parse(event)
            except ProviderError as error:
                failure = failure or error
                continue
            if frame is None or failure is not None:
                continue
            if self._parser.done:
                self._last = frame
            else:
                frames.append(frame)
        return frames, failure

    async def _await_usage(self) -> None:
        """Reads on until the usage has come or the stream has ended, two seconds at most."""
        try:
            async with asyncio.timeout(_WAIT_FOR_USAGE_SECONDS):
                if self._usage_may_come():
                    async for events in self._response.events():
                        self._parse(events)
                        if not self._usage_may_come():
                            return
        except (ProviderError, TimeoutError) as error:
            get_logger().info("attempt.usage_not_awaited", attempt_id=str(self._attempt.id), error=str(error))

    def _usage_may_come(self) -> bool:
        return self.facts.tokens is None and not self._parser.done

    async def _abandon(self) -> None:
        """The client has gone."""
        if self.facts.ended:
            await self._await_usage()
        self._response.close()
        if self.facts.ended:
            await self._attempt.succeed()
        else:
            await self._attempt.cancel()
