"""One completion request through its stages: seen, ordered faults, checked, answered, ended."""

import asyncio
import time
from collections.abc import Mapping
from decimal import Decimal

import msgspec
from starlette.types import Receive, Scope, Send

from services.runtime.logging import get_logger
from services.sandbox import answers
from services.sandbox.chat import Answer, ChatRequest, Usage
from services.sandbox.connection import Connection, of_request
from services.sandbox.delivery import Delivery
from services.sandbox.errors import ApiError
from services.sandbox.faults import NOTHING, Directives, InvalidDirective, Rules, from_headers, from_model
from services.sandbox.pace import Pace
from services.sandbox.prompt_cache import PromptCache
from services.sandbox.provider import Bill, Ended, Provider
from services.sandbox.recorder import Outcome, Received, Recorder, RequestRecord
from services.sandbox.settings import SandboxSettings
from services.sandbox.text import count_tokens

ATTEMPT_ID = "x-pantheon-attempt-id"

_LONGEST_EXCHANGE_S = 900.0
_LARGEST_BODY = 64 * 1024 * 1024
_CREDENTIALS = frozenset({"authorization", "cookie", "x-api-key", "x-goog-api-key"})


class Laboratory(msgspec.Struct, frozen=True):
    """What all exchanges of a sandbox share."""

    settings: SandboxSettings
    recorder: Recorder
    rules: Rules
    prompt_cache: PromptCache


class Completions:
    """The ASGI application behind the completion routes of one provider."""

    def __init__(self, provider: Provider, laboratory: Laboratory) -> None:
        self._provider = provider
        self._laboratory = laboratory

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request, within 15 minutes."""
        connection = of_request(scope)
        try:
            async with asyncio.timeout(_LONGEST_EXCHANGE_S):
                body = await _read(receive)
                if body is None:
                    return
                headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
                await _Exchange(self._provider, self._laboratory, connection, send, headers, body).serve()
        except TimeoutError:
            get_logger().warning("sandbox.exchange_timed_out", provider=self._provider.name)
            await connection.reset()


class _Exchange:
    """One request and the way it goes."""

    def __init__(
        self,
        provider: Provider,
        laboratory: Laboratory,
        connection: Connection,
        send: Send,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        self._provider = provider
        self._laboratory = laboratory
        self._connection = connection
        self._headers = headers
        self._body = body
        self._record = self._arrive()
        self._delivery = Delivery(provider, connection, send, self._record)

    async def serve(self) -> None:
        """Answers or refuses, and completes the record whatever happens."""
        outcome = Outcome.ABANDONED
        try:
            outcome = await self._serve()
        finally:
            self._laboratory.recorder.finished(self._record, outcome)

    def _arrive(self) -> RequestRecord:
        recorder = self._laboratory.recorder
        model, stream = self._provider.gist(self._body)
        received = None
        if recorder.keeps_bodies:
            kept = {name: value for name, value in self._headers.items() if name not in _CREDENTIALS}
            received = Received(kept, self._body)
        attempt_id = self._headers.get(ATTEMPT_ID)
        return recorder.arrived(
            provider=self._provider.name, attempt_id=attempt_id, model=model, stream=stream, received=received
        )

    async def _serve(self) -> Outcome:
        try:
            orders = self._orders()
            if orders is not NOTHING and (early := await self._cut_before_answering(orders)) is not None:
                return early
            if orders.status is not None:
                raise self._provider.refusal(orders.status, orders.retry_after)
            key = self._provider.authenticate(self._headers)
            if len(self._body) > _LARGEST_BODY:
                raise ApiError(413, f"Request body is larger than {_LARGEST_BODY} bytes.", code="request_too_large")
            request = self._provider.parse(self._body)
            answer = self._compose(request, key, orders)
        except ApiError as error:
            return await self._delivery.refuse(error)
        return await self._answer(request, answer, orders)

    def _orders(self) -> Directives:
        """Directives of headers, model name and rules, in this precedence."""
        model = self._record.model or ""
        try:
            ordered = from_headers(self._headers).over(from_model(model)[1])
        except InvalidDirective as error:
            raise ApiError(400, str(error), code="invalid_sandbox_directive") from error
        return ordered.over(self._laboratory.rules.take(self._provider.name, model))

    async def _cut_before_answering(self, orders: Directives) -> Outcome | None:
        """How the exchange ended before a byte was sent; None when it goes on."""
        if orders.first_byte is not None and not await self._connection.pause(orders.first_byte / 1000):
            return Outcome.ABANDONED
        if orders.hang:
            await self._connection.hold(_LONGEST_EXCHANGE_S)
        if self._connection.lost:
            return Outcome.ABANDONED
        if orders.hang or orders.reset:
            await self._connection.reset()
            return Outcome.CUT
        return None

    def _compose(self, request: ChatRequest, key: str, orders: Directives) -> Answer:
        choices = answers.compose(request, self._laboratory.settings.sandbox_seed, length=orders.length)
        tokens = [answers.completion_tokens(choice) for choice in choices]
        scope = f"{self._provider.name}\n{request.model}\n{key}"
        usage = Usage(
            prompt_tokens=request.prompt_tokens,
            completion_tokens=sum(tokens),
            cached_tokens=self._laboratory.prompt_cache.cached_tokens(scope, request.prompt),
            reasoning_tokens=sum(count_tokens(choice.reasoning) for choice in choices),
        )
        self._record.response_id = self._provider.answer_id()
        return Answer(
            id=self._record.response_id, created=int(time.time()), choices=choices, usage=usage, longest=max(tokens)
        )

    async def _answer(self, request: ChatRequest, answer: Answer, orders: Directives) -> Outcome:
        pace = self._pace(orders)
        bill = self._bill(request, answer.usage, orders)
        deliver = self._delivery.stream if request.stream else self._delivery.whole
        outcome = Outcome.ABANDONED
        try:
            outcome = await deliver(request, answer, None if orders.no_usage else bill, orders, pace)
        finally:
            cancelled = outcome is Outcome.ABANDONED
            if cancelled:
                bill = self._bill(request, self._made(answer), orders)
            seconds = self._delivery.seconds
            self._provider.ended(Ended(request=request, answer=answer, bill=bill, cancelled=cancelled, seconds=seconds))
        return outcome

    def _pace(self, orders: Directives) -> Pace:
        settings = self._laboratory.settings
        first_token = settings.sandbox_first_token_ms if orders.first_token is None else orders.first_token
        return Pace.of(first_token, settings.sandbox_tokens_per_second if orders.rate is None else orders.rate)

    def _bill(self, request: ChatRequest, usage: Usage, orders: Directives) -> Bill:
        bill = self._provider.bill(request, usage if orders.usage_drift is None else usage.scaled(orders.usage_drift))
        if orders.cost_drift is None or bill.cost is None:
            return bill
        return Bill(bill.usage, bill.cost * Decimal(str(orders.cost_drift)))

    def _made(self, answer: Answer) -> Usage:
        """The tokens made until the client left: all of a body, as much of a stream as was sent."""
        share = self._delivery.share_made(answer)
        made = round(answer.usage.completion_tokens * share)
        return msgspec.structs.replace(
            answer.usage, completion_tokens=made, reasoning_tokens=min(made, answer.usage.reasoning_tokens)
        )


async def _read(receive: Receive) -> bytes | None:
    """The request's body, no more than a little over the largest allowed; None when the client left amid it."""
    parts: list[bytes] = []
    size = 0
    while size <= _LARGEST_BODY:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part: bytes = message["body"]
        if not message["more_body"]:
            return b"".join((*parts, part)) if parts else part
        parts.append(part)
        size += len(part)
    return b"".join(parts)
