"""What a response or an event of its stream says about itself: ids, finish reason, tokens, cost, failure.

Formats: OpenAI API reference, "Responses" (the response object) and "Streaming events"; OpenRouter, "Usage accounting"
(`usage.cost`); xAI, "Cost tracking" (`usage.cost_in_usd_ticks`, of which a dollar has ten billion).
"""

from decimal import Decimal
from typing import Annotated, Any

import msgspec

from services.rating import Tokens
from services.router.chat import NULL, UNREADABLE_JSON, Facts
from services.router.wire.lenient import LenientDecoder
from services.router.wire.openai_chat_answer import Usage, clean_id, cost_of
from services.router.wire.refusals import refusal
from services.runtime.errors import (
    ContentFiltered,
    ProviderContextTooLong,
    ProviderError,
    ProviderFailed,
    ProviderInvalidRequest,
    ProviderRateLimited,
    ProviderTimeout,
)

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_CALLS = {"function_call", "custom_tool_call"}
_FINISH_REASONS = {"max_output_tokens": "length", "max_tokens": "length", "content_filter": "content_filter"}
_TICKS_EXPONENT = -10
_FAILURES: dict[str, tuple[type[ProviderError], int]] = {
    "rate_limit_exceeded": (ProviderRateLimited, 429),
    "too_many_requests": (ProviderRateLimited, 429),
    "insufficient_quota": (ProviderRateLimited, 429),
    "context_length_exceeded": (ProviderContextTooLong, 400),
    "content_filter": (ContentFiltered, 400),
    "content_policy_violation": (ContentFiltered, 400),
    "image_content_policy_violation": (ContentFiltered, 400),
    "bio_policy": (ContentFiltered, 400),
    "misalignment_policy_violation": (ContentFiltered, 400),
    "vector_store_timeout": (ProviderTimeout, 504),
    "invalid_prompt": (ProviderInvalidRequest, 400),
    "invalid_request_error": (ProviderInvalidRequest, 400),
}
"""The error and the status it would have had, by the code or type of a failure. The rest are the provider's fault."""


class _InputDetails(msgspec.Struct):
    cached_tokens: _Count | None = None
    cache_write_tokens: _Count | None = None
    audio_tokens: _Count | None = None
    image_tokens: _Count | None = None
    video_tokens: _Count | None = None


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: _Count | None = None
    audio_tokens: _Count | None = None
    image_tokens: _Count | None = None


class _ServerTools(msgspec.Struct):
    web_search_calls: _Count | None = None


class _Usage(Usage):
    input_tokens: _Count | None = None
    output_tokens: _Count | None = None
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None
    cost_in_usd_ticks: _Count | None = None
    server_side_tool_usage_details: _ServerTools | None = None  # xAI


class _Part(msgspec.Struct):
    text: str | None = None
    refusal: str | None = None


class Item(msgspec.Struct):
    """One item of the output."""

    type: str | None = None
    name: str | None = None
    arguments: str | None = None
    input: str | None = None
    content: list[_Part] | None = None
    summary: list[_Part] | None = None


class _Incomplete(msgspec.Struct):
    reason: str | None = None


class _Failure(msgspec.Struct):
    code: Any = None
    type: Any = None
    message: Any = None


class Response(msgspec.Struct):
    """A response object, in whatever state."""

    object: str | None = None
    id: str | None = None
    model: str | None = None
    status: str | None = None
    output: list[Item] | None = None
    incomplete_details: _Incomplete | None = None
    usage: _Usage | None = None
    error: msgspec.Raw = NULL


class StreamEvent(msgspec.Struct):
    """Any event of a stream: most have a `delta`, the ones about the whole a `response`, errors the rest."""

    type: str | None = None
    delta: Any = None
    item: Item | None = None
    response: Response | None = None
    error: msgspec.Raw = NULL
    code: Any = None
    message: Any = None


decode_response = LenientDecoder(Response).decode
"""A response object. Raises ProviderBroken where it is not a JSON object."""
decode_event = LenientDecoder(StreamEvent).decode
"""An event of a stream. Raises ProviderBroken where it is not a JSON object."""
_failure = msgspec.json.Decoder(_Failure).decode


def note(facts: Facts, response: Response, *, calls: bool = False) -> None:
    """Adds what a response object says to what is known; `calls` says that its stream has shown calls of tools."""
    if response.id:
        facts.response_id = clean_id(response.id)
    if response.model:
        facts.served_model = clean_id(response.model)
    if response.usage is not None:
        facts.tokens = _tokens(response.usage)
        facts.reported_cost = _cost(response.usage)
    if response.status == "completed":
        calls = calls or any(is_call(item) for item in response.output or ())
        facts.finish_reason = "tool_calls" if calls else "stop"
    elif response.status == "incomplete":
        reason = response.incomplete_details.reason if response.incomplete_details else None
        facts.finish_reason = _FINISH_REASONS.get(reason or "", "length")
    elif response.status == "failed":
        facts.finish_reason = "error"


def is_call(item: Item) -> bool:
    """Whether the client is to run a tool and bring the result."""
    return item.type in _CALLS


def written(item: Item) -> int:
    """How many characters of an item the model wrote."""
    count = len(item.name or "") + len(item.arguments or "") + len(item.input or "")
    for part in (*(item.content or ()), *(item.summary or ())):
        count += len(part.text or "") + len(part.refusal or "")
    return count


def failure(error: bytes, original: bytes) -> ProviderError:
    """The error that a failed response's, or an error event's, `error` means; `original` is what held it."""
    try:
        said = _failure(error)
    except UNREADABLE_JSON:
        said = _Failure()
    words = [word for word in (said.code, said.type) if isinstance(word, str)]
    kind, status = next((_FAILURES[word] for word in words if word in _FAILURES), (ProviderFailed, 502))
    if "image" in (words[0] if words else "") and kind is ProviderFailed:
        kind, status = ProviderInvalidRequest, 400  # invalid_image_url, image_too_large and so on
    message = said.message if isinstance(said.message, str) else ""
    return refusal(kind, status, message, original)


def _tokens(usage: _Usage) -> Tokens:
    given = usage.input_tokens_details or _InputDetails()
    made = usage.output_tokens_details or _OutputDetails()
    routed, own = usage.server_tool_use_details, usage.server_side_tool_usage_details
    searches = routed.web_search_requests if routed else own.web_search_calls if own else None
    return Tokens(
        prompt_tokens=usage.input_tokens,
        completion_tokens=usage.output_tokens,
        cached_tokens=given.cached_tokens,
        cache_write_tokens=given.cache_write_tokens,
        prompt_audio_tokens=given.audio_tokens,
        reasoning_tokens=made.reasoning_tokens,
        completion_audio_tokens=made.audio_tokens,
        prompt_image_tokens=given.image_tokens,
        prompt_video_tokens=given.video_tokens,
        completion_image_tokens=made.image_tokens,
        web_searches=searches,
    )


def _cost(usage: _Usage) -> Decimal | None:
    if usage.cost is None and usage.cost_in_usd_ticks is not None:
        return Decimal(usage.cost_in_usd_ticks).scaleb(_TICKS_EXPONENT)
    return cost_of(usage)
