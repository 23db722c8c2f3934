"""One completion: understood, made up, delivered at its pace, and billed for as much of it as was made."""

import time
from decimal import Decimal

import msgspec

from services.sandbox import answers
from services.sandbox.chat import Answer, ChatRequest, Usage
from services.sandbox.exchange import Exchange
from services.sandbox.faults import Directives
from services.sandbox.pace import Pace
from services.sandbox.provider import Bill, Ended
from services.sandbox.recorder import Outcome
from services.sandbox.text import count_tokens


class CompletionExchange(Exchange):
    """A request for a completion and the way it goes."""

    async def _fulfil(self, key: str, orders: Directives) -> Outcome:
        request = self._dialect.parse(self._call)
        answer = self._compose(request, key, orders)
        return await self._answer(request, answer, orders)

    def _compose(self, request: ChatRequest, key: str, orders: Directives) -> Answer:
        seed = self._laboratory.settings.sandbox_seed
        choices = answers.compose(request, seed, length=orders.length, filter_after=orders.filter_after)
        tokens = [answers.completion_tokens(choice) for choice in choices]
        cached, written = self._cached(request, key)
        usage = Usage(
            prompt_tokens=request.prompt_tokens,
            completion_tokens=sum(tokens),
            cached_tokens=cached,
            cache_write_tokens=written,
            reasoning_tokens=sum(count_tokens(choice.reasoning) for choice in choices),
        )
        self._record.response_id = self._dialect.answer_id()
        return Answer(
            id=self._record.response_id, created=int(time.time()), choices=choices, usage=usage, longest=max(tokens)
        )

    def _cached(self, request: ChatRequest, key: str) -> tuple[int, int]:
        """Tokens of the prompt read from the cache, and those written to it for a price."""
        cache, scope = self._laboratory.prompt_cache, f"{self._dialect.name}\n{request.model}\n{key}"
        if request.cache_blocks is None:
            return cache.cached_tokens(scope, request.prompt), 0
        return cache.marked(scope, request.prompt, request.cache_blocks)

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
            self._dialect.ended(Ended(request=request, answer=answer, bill=bill, cancelled=cancelled, seconds=seconds))
        return outcome

    def _pace(self, orders: Directives) -> Pace:
        settings = self._laboratory.settings
        first_token = settings.sandbox_first_token_ms if orders.first_token is None else orders.first_token
        return Pace.of(first_token, settings.sandbox_tokens_per_second if orders.rate is None else orders.rate)

    def _bill(self, request: ChatRequest, usage: Usage, orders: Directives) -> Bill:
        bill = self._dialect.bill(request, usage if orders.usage_drift is None else usage.scaled(orders.usage_drift))
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
