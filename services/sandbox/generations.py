"""What OpenRouter remembers of finished generations, to be asked for at `GET /generation?id=`.

After OpenRouter's API reference, "Get request & usage metadata for a generation".
"""

from collections import OrderedDict
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from services.sandbox.openrouter_rendering import native_finish_reason, number, vendor_of
from services.sandbox.prices import cost_of
from services.sandbox.provider import Ended


class Generations:
    """The newest `capacity` generations, as the JSON they are told in; prompts and answers are not kept."""

    def __init__(self, capacity: int = 10_000) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def add(self, ended: Ended) -> None:
        """Keeps a generation, and forgets the oldest when there are too many."""
        self._kept[ended.answer.id] = msgspec.json.encode({"data": _described(ended)})
        if len(self._kept) > self._capacity:
            self._kept.popitem(last=False)

    def find(self, generation_id: str) -> bytes | None:
        """A generation's JSON; None when it is not known, which includes those not over yet."""
        return self._kept.get(generation_id)


def _described(ended: Ended) -> dict[str, object]:
    """What was billed in the end, which for a cancelled stream is only what was made. Durations are milliseconds."""
    answer, usage, model = ended.answer, ended.bill.usage, ended.request.model
    cost = number(ended.bill.cost or Decimal(0))
    finish_reason = None if ended.cancelled else answer.choices[0].finish_reason
    return {
        "id": answer.id,
        "upstream_id": None,
        "total_cost": cost,
        "cache_discount": None,
        "upstream_inference_cost": number(cost_of(model, usage).total),
        "created_at": datetime.fromtimestamp(answer.created, UTC).isoformat(),
        "model": model,
        "app_id": None,
        "streamed": ended.request.stream,
        "cancelled": ended.cancelled,
        "provider_name": vendor_of(model).provider,
        "latency": round(ended.seconds * 1000),
        "moderation_latency": None,
        "generation_time": round(ended.seconds * 1000),
        "finish_reason": finish_reason,
        "tokens_prompt": usage.prompt_tokens,
        "tokens_completion": usage.completion_tokens,
        "native_tokens_prompt": usage.prompt_tokens,
        "native_tokens_completion": usage.completion_tokens,
        "native_tokens_reasoning": usage.reasoning_tokens,
        "native_tokens_cached": usage.cached_tokens,
        "num_media_prompt": None,
        "num_media_completion": None,
        "num_search_results": None,
        "origin": "",
        "usage": cost,
        "is_byok": False,
        "native_finish_reason": None if finish_reason is None else native_finish_reason(model, finish_reason),
        "api_type": "completions",
    }
