"""One attempt at a provider, from its START in the journal to its FINISH."""

import time
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from pantheon.errors.v1.error_reason_pb2 import ERROR_REASON_UNSPECIFIED, ErrorReason
from pantheon.events.v1.completion_pb2 import (
    CompletionCheckpointed,
    CompletionEvent,
    CompletionFinished,
    CompletionStarted,
)
from pantheon.usage.v1.ledger_pb2 import (
    LEDGER_STATE_ESTIMATED,
    LEDGER_STATE_SETTLED,
    OUTCOME_CANCELLED,
    OUTCOME_FAILED,
    OUTCOME_SUCCEEDED,
    Attribution,
    Target,
)
from pantheon.usage.v1.measure_pb2 import Timing
from services.rating import CompiledPrice, Tokens
from services.router import estimate
from services.router.chat import CHARACTERS_PER_TOKEN, ChatRequest, Facts
from services.router.plan import Candidate, Plan
from services.router.receipts import Receipt, cost_message, token_usage
from services.runtime import times
from services.runtime.auth import Principal
from services.runtime.errors import InternalFault, PantheonError, ProviderError, ProviderTimeout
from services.runtime.ids import uuid7, uuid7_like, uuid7_time
from services.runtime.logging import get_logger

_FINISH_BYTES = 1_024
_CHECKPOINT_SECONDS = 1.0
_NOTHING = Tokens(prompt_tokens=0, completion_tokens=0)


class Journal(Protocol):
    """What attempts need of the journal (`services.router.journal`)."""

    @property
    def open_count(self) -> int:
        """STARTs without a FINISH."""

    def start(self, payload: bytes, finish_reserve: int) -> int:
        """Writes a START and keeps room for its FINISH. Raises JournalUnavailable."""

    def checkpoint(self, start_number: int, payload: bytes) -> None:
        """Writes how far an open attempt has come, if there is room."""

    async def finish(self, start_number: int, payload: bytes) -> int:
        """Writes a FINISH and returns when it is durable. Raises JournalUnavailable."""

    def finish_nowait(self, start_number: int, payload: bytes) -> int:
        """Writes a FINISH that becomes durable with the next sync."""


class Call(msgspec.Struct, frozen=True):
    """One request on its way. `id` is a UUIDv7; `began` the monotonic time of its arrival."""

    id: str
    request: ChatRequest
    caller: Principal
    surface: int
    plan: Plan
    began: float


class Attempt:
    """An attempt whose START is in the journal. Exactly one of the ways to close it is to be called.

    Attributes:
        began: monotonic, when it was about to be sent.
        facts: what the answer has said about itself so far.
        http_status: the provider's; 0 until it came.
    """

    def __init__(self, journal: Journal, call: Call, candidate: Candidate, number: int) -> None:
        self.id = uuid7()
        self.began = time.monotonic()
        self.facts = Facts()
        self.http_status = 0
        self.first_token_at: float | None = None
        self._journal = journal
        self._call = call
        self._price: CompiledPrice | None = candidate.price_at(self.started)
        self._checkpointed_at = self.began
        self._start = CompletionStarted(
            attempt_id=str(self.id),
            finish_id=str(uuid7_like(self.id)),
            request_id=call.id,
            attempt_number=number,
            attribution=_attribution(call),
            target=Target(
                model=call.plan.model,
                provider=candidate.provider.name,
                provider_model_id=candidate.endpoint.provider_model_id,
                surface=call.surface,  # type: ignore[arg-type]  # an enum is an int on the wire
                stream=call.request.stream,
                sandbox=candidate.provider.sandbox,
            ),
            estimated_prompt_tokens=estimate.prompt_tokens(call.request),
            price_version_id=self._price.version.id if self._price else "",
            price_override_id=self._price.override_id if self._price else "",
        )
        payload = CompletionEvent(started=self._start).SerializeToString()
        self._number = journal.start(payload, len(payload) + _FINISH_BYTES)

    @property
    def started(self) -> datetime:
        """The ledger's time of the attempt, UTC."""
        return uuid7_time(self.id)

    def amount(self) -> Decimal | None:
        """What the attempt costs by what is known so far, USD."""
        return self._rate(self.facts.tokens)

    def note_progress(self) -> None:
        """Called after each piece of a stream: takes the time of the first token, checkpoints every second."""
        now = time.monotonic()
        if self.first_token_at is None and self.facts.characters:
            self.first_token_at = now
        if now - self._checkpointed_at >= _CHECKPOINT_SECONDS:
            self._checkpointed_at = now
            checkpoint = CompletionCheckpointed(
                attempt_id=self._start.attempt_id,
                completion_characters=self.facts.characters,
                tokens=token_usage(self.facts.tokens) if self.facts.tokens else None,
                timing=self._timing(now),
                provider_response_id=self.facts.response_id,
            )
            self._journal.checkpoint(self._number, CompletionEvent(checkpointed=checkpoint).SerializeToString())

    async def succeed(self) -> Receipt:
        """The answer came whole. Returns when the FINISH is durable."""
        now = time.monotonic()
        self.first_token_at = self.first_token_at or now
        receipt, payload = self._finish(OUTCOME_SUCCEEDED, self.facts.tokens, now, final=True)
        await self._journal.finish(self._number, payload)
        return receipt

    async def cancel(self) -> Receipt:
        """The client went away, and the provider was cut off."""
        receipt, payload = self._finish(OUTCOME_CANCELLED, self.facts.tokens, time.monotonic(), final=True)
        await self._journal.finish(self._number, payload)
        return receipt

    async def fail(self, error: PantheonError, at: float | None = None) -> None:
        """The provider refused, failed or broke off (`at`, monotonic: before now), and no other attempt follows."""
        await self._journal.finish(self._number, self._failed(error, at, final=True))

    def fail_over(self, error: PantheonError, at: float) -> None:
        """As `fail`, but another attempt has followed; durable with the next sync."""
        self._journal.finish_nowait(self._number, self._failed(error, at, final=False))

    def never_dispatched(self) -> None:
        """Nothing was sent: closes the START and leaves no ledger row."""
        finished = CompletionFinished(event_id=self._start.finish_id, started=self._start, not_dispatched=True)
        self._journal.finish_nowait(self._number, CompletionEvent(finished=finished).SerializeToString())

    def _failed(self, error: PantheonError, at: float | None, *, final: bool) -> bytes:
        """The FINISH of a failure. What a provider refused, by its status, it does not bill: nothing was used."""
        tokens = self.facts.tokens if self.http_status in (0, 200) else _NOTHING
        now = time.monotonic() if at is None else at
        _, payload = self._finish(OUTCOME_FAILED, tokens, now, final=final, error=error)
        target = self._start.target
        get_logger().warning(
            "attempt.failed",
            attempt_id=self._start.attempt_id,
            provider=target.provider,
            model=target.model,
            reason=error.reason,
            http_status=self.http_status,
            final=final,
        )
        return payload

    def _finish(
        self, outcome: int, tokens: Tokens | None, now: float, *, final: bool, error: PantheonError | None = None
    ) -> tuple[Receipt, bytes]:
        facts = self.facts
        whole = tokens is not None and tokens.prompt_tokens is not None and tokens.completion_tokens is not None
        known = whole and (outcome == OUTCOME_SUCCEEDED or tokens is _NOTHING or not facts.counts_so_far)
        booked = tokens if tokens is not None and known else self._estimate(tokens)
        receipt = Receipt(
            state=LEDGER_STATE_SETTLED if known else LEDGER_STATE_ESTIMATED,
            tokens=token_usage(booked),
            cost=cost_message(
                Decimal(0) if booked is _NOTHING and self._price else self._rate(booked),
                facts.reported_cost,
                self._start.price_version_id,
                self._start.price_override_id,
            ),
            timing=self._timing(now),
        )
        finished = CompletionFinished(
            event_id=self._start.finish_id,
            started=self._start,
            outcome=outcome,  # type: ignore[arg-type]
            state=receipt.state,  # type: ignore[arg-type]
            tokens=receipt.tokens,
            cost=receipt.cost,
            timing=receipt.timing,
            final=final,
            served_model=facts.served_model,
            provider_response_id=facts.response_id,
            finish_reason=facts.finish_reason,
            error_reason=ErrorReason.Value(f"ERROR_REASON_{error.reason}") if error else ERROR_REASON_UNSPECIFIED,
            http_status=self.http_status,
        )
        return receipt, CompletionEvent(finished=finished).SerializeToString()

    def _estimate(self, tokens: Tokens | None) -> Tokens:
        """What was reported, and an estimate in place of what was not; of a running count no less than it says."""
        reported = tokens or Tokens()
        prompt, completion = reported.prompt_tokens, reported.completion_tokens
        if prompt is None:
            prompt = self._start.estimated_prompt_tokens
        if completion is None or self.facts.counts_so_far:
            completion = max(completion or 0, -(-self.facts.characters // CHARACTERS_PER_TOKEN))
        return replace(reported, prompt_tokens=prompt, completion_tokens=completion)

    def _rate(self, tokens: Tokens | None) -> Decimal | None:
        if tokens is None or self._price is None:
            return None
        rating = self._price.rate(tokens)
        return None if rating is None else rating.amount

    def _timing(self, now: float) -> Timing:
        first = self.first_token_at
        return Timing(
            time_to_first_token=None if first is None else times.duration(first - self._call.began),
            total=times.duration(now - self._call.began),
        )


def booked_as(failure: Exception, candidate: Candidate) -> PantheonError:
    """What a failed attempt is booked as: the error with the provider's name in it; what was not foreseen is ours."""
    if not isinstance(failure, PantheonError):
        return InternalFault()
    if isinstance(failure, ProviderError):
        failure.metadata["provider"] = candidate.provider.name
    return failure


def too_long() -> ProviderTimeout:
    """The error of an attempt that takes longer than any may."""
    return ProviderTimeout("The answer took longer than an attempt may take", phase="total")


def _attribution(call: Call) -> Attribution:
    caller = call.caller
    return Attribution(
        organisation_id=caller.organisation_id,
        project_id=caller.project_id,
        user_id=caller.user_id,
        key_id=caller.key_id,
        tags=call.request.tags,
    )
