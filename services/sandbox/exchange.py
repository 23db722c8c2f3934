"""One request through the stages all have in common: seen, ordered faults, checked, answered, ended."""

from abc import ABC, abstractmethod
from datetime import UTC, datetime

import msgspec
from starlette.types import Send

from services.sandbox.connection import Connection
from services.sandbox.delivery import Delivery
from services.sandbox.errors import ApiError
from services.sandbox.faults import NOTHING, Directives, InvalidDirective, Rules, from_headers, from_model
from services.sandbox.prompt_cache import PromptCache
from services.sandbox.provider import Call, Dialect, Operation
from services.sandbox.recorder import Outcome, Received, Recorder, RequestRecord
from services.sandbox.settings import SandboxSettings

ATTEMPT_ID = "x-pantheon-attempt-id"
LONGEST_EXCHANGE_S = 900.0
LARGEST_BODY = 64 * 1024 * 1024

_CREDENTIALS = frozenset({"authorization", "cookie", "x-api-key", "x-goog-api-key"})


class Laboratory(msgspec.Struct, frozen=True):
    """What all exchanges of a sandbox share."""

    settings: SandboxSettings
    recorder: Recorder
    rules: Rules
    prompt_cache: PromptCache


class Exchange(ABC):
    """One request and the way it goes."""

    def __init__(
        self, dialect: Dialect, laboratory: Laboratory, connection: Connection, send: Send, call: Call
    ) -> None:
        self._dialect = dialect
        self._laboratory = laboratory
        self._connection = connection
        self._call = call
        self._record = self._arrive()
        self._delivery = Delivery(dialect, connection, send, self._record)

    async def serve(self) -> None:
        """Answers or refuses, and completes the record whatever happens."""
        outcome = Outcome.ABANDONED
        try:
            outcome = await self._serve()
        finally:
            self._laboratory.recorder.finished(self._record, outcome)

    @abstractmethod
    async def _fulfil(self, key: str, orders: Directives) -> Outcome:
        """Answers a request with a good key. Raises ApiError for what is refused, before anything is sent."""

    def _arrive(self) -> RequestRecord:
        recorder = self._laboratory.recorder
        model, stream = self._dialect.gist(self._call)
        received = None
        if recorder.keeps_bodies:
            kept = {name: value for name, value in self._call.headers.items() if name not in _CREDENTIALS}
            received = Received(kept, self._call.body)
        attempt_id = self._call.headers.get(ATTEMPT_ID)
        return recorder.arrived(
            provider=self._dialect.name, attempt_id=attempt_id, model=model, stream=stream, received=received
        )

    async def _serve(self) -> Outcome:
        try:
            orders = self._orders()
            if orders is not NOTHING and (early := await self._cut_before_answering(orders)) is not None:
                return early
            if orders.status is not None:
                raise self._dialect.refusal(orders.status, orders.retry_after)
            key = self._authenticate()
            if len(self._call.body) > LARGEST_BODY:
                raise ApiError(413, f"Request body is larger than {LARGEST_BODY} bytes.", code="request_too_large")
            return await self._fulfil(key, orders)
        except ApiError as error:
            return await self._delivery.refuse(error)

    def _authenticate(self) -> str:
        return self._dialect.authenticate(self._call)

    def _orders(self) -> Directives:
        """Directives of headers, model name and rules, in this precedence."""
        model = self._record.model or ""
        try:
            ordered = from_headers(self._call.headers).over(from_model(model)[1])
        except InvalidDirective as error:
            raise ApiError(400, str(error), code="invalid_sandbox_directive") from error
        return ordered.over(self._rule(model))

    def _rule(self, model: str) -> Directives:
        return self._laboratory.rules.take(self._dialect.name, model)

    async def _cut_before_answering(self, orders: Directives) -> Outcome | None:
        """How the exchange ended before a byte was sent; None when it goes on."""
        if orders.first_byte is not None and not await self._connection.pause(orders.first_byte / 1000):
            return Outcome.ABANDONED
        if orders.hang:
            await self._connection.hold(LONGEST_EXCHANGE_S)
        if self._connection.lost:
            return Outcome.ABANDONED
        if orders.hang or orders.reset:
            await self._connection.reset()
            return Outcome.CUT
        return None


class OperationExchange(Exchange):
    """A request that is answered at once, without a completion."""

    def __init__(
        self,
        dialect: Dialect,
        laboratory: Laboratory,
        connection: Connection,
        send: Send,
        call: Call,
        operation: Operation,
    ) -> None:
        super().__init__(dialect, laboratory, connection, send, call)
        self._operation = operation

    async def _fulfil(self, key: str, orders: Directives) -> Outcome:
        return await self._delivery.reply(self._operation(self._call), orders)


class ReadingExchange(OperationExchange):
    """A request that only reads: it is not recorded, and only rules for readings apply to it."""

    def __init__(
        self,
        dialect: Dialect,
        laboratory: Laboratory,
        connection: Connection,
        send: Send,
        call: Call,
        operation: Operation,
        *,
        public: bool,
    ) -> None:
        super().__init__(dialect, laboratory, connection, send, call, operation)
        self._public = public

    async def serve(self) -> None:
        """Answers or refuses."""
        await self._serve()

    def _arrive(self) -> RequestRecord:
        return RequestRecord(
            sequence=0,
            provider=self._dialect.name,
            attempt_id=None,
            model=None,
            stream=False,
            arrived_at=datetime.now(UTC),
        )

    def _authenticate(self) -> str:
        return "" if self._public else super()._authenticate()

    def _rule(self, model: str) -> Directives:
        return self._laboratory.rules.take(self._dialect.name, model, reading=True)
