"""A chat completion in OpenRouter's shape: OpenAI's, with the serving provider, native finish reasons and the cost."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from services.sandbox.answers import logprobs
from services.sandbox.chat import Answer, ChatRequest, Choice
from services.sandbox.errors import ApiError
from services.sandbox.openai_chat.deltas import deltas
from services.sandbox.openai_chat.rendering import DONE, event
from services.sandbox.prices import cost_of
from services.sandbox.provider import Bill
from services.sandbox.script import Frame

_WAITING = b"\n         \n\n         \n"
"""White space that OpenRouter sends before a body while the model is at work."""
_SMALLEST_PLAIN = Decimal("0.000001")


class Vendor(msgspec.Struct, frozen=True):
    """Who serves the models of a vendor, and how it names its finish reasons and its reasoning."""

    provider: str
    native: Mapping[str, str]
    reasoning_format: str = "unknown"


_RESPONSES = {"stop": "completed", "length": "max_output_tokens", "tool_calls": "completed"}
_MESSAGES = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
_GEMINI = {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP"}
_VENDORS: Mapping[str, Vendor] = {
    "openai": Vendor("OpenAI", _RESPONSES, "openai-responses-v1"),
    "anthropic": Vendor("Amazon Bedrock", _MESSAGES, "anthropic-claude-v1"),
    "google": Vendor("Google AI Studio", _GEMINI, "google-gemini-v1"),
    "x-ai": Vendor("xAI", _RESPONSES, "xai-responses-v1"),
    "mistralai": Vendor("Mistral", {}),
    "deepseek": Vendor("AtlasCloud", {}),
    "z-ai": Vendor("Z.AI", {}),
}
_ANY_VENDOR = Vendor("DeepInfra", {})


def vendor_of(model: str) -> Vendor:
    """The vendor in `<vendor>/<model>`."""
    return _VENDORS.get(model.partition("/")[0], _ANY_VENDOR)


def native_finish_reason(model: str, finish_reason: str) -> str:
    """A finish reason in the words of the model's own API."""
    return vendor_of(model).native.get(finish_reason, finish_reason)


def completion(request: ChatRequest, answer: Answer, bill: Bill | None) -> bytes:
    """A `chat.completion` object, behind white space."""
    whole: dict[str, Any] = {
        **_envelope(request, answer, "chat.completion"),
        "system_fingerprint": None,
        "service_tier": None,
        "choices": [_choice(request, choice) for choice in answer.choices],
    }
    if bill is not None:
        whole["usage"] = _usage(request.model, bill)
    return _WAITING + msgspec.json.encode(whole)


def chunks(request: ChatRequest, answer: Answer, bill: Bill | None, *, done: bool) -> list[Frame]:
    """`chat.completion.chunk` events; the bill comes in a last one that repeats the finish."""
    envelope = _envelope(request, answer, "chat.completion.chunk")
    frames: list[Frame] = []
    waiting = 0.0
    for delta in deltas(answer, shows_reasoning=request.shows_reasoning):
        waiting += delta.tokens
        if _says_nothing(delta.adds):
            continue
        step = _step(delta.choice.index, _delta(request.model, delta.adds))
        frames.append(event({**envelope, "choices": [step]}, waiting))
        waiting = 0.0
    finished: dict[str, Any] = {}
    for choice in answer.choices:
        finished = _step(choice.index, {"content": "", "role": "assistant"})
        finished["finish_reason"] = choice.finish_reason
        finished["native_finish_reason"] = native_finish_reason(request.model, choice.finish_reason)
        frames.append(event({**envelope, "choices": [finished]}, waiting))
        waiting = 0.0
    if bill is not None:
        last = {**envelope, "service_tier": None, "choices": [finished], "usage": _usage(request.model, bill)}
        frames.append(event(last, reports_usage=True))
    return [*frames, DONE] if done else frames


def failure(request: ChatRequest, answer: Answer, error_: ApiError) -> Frame:
    """A chunk that ends a stream with an error."""
    envelope = _envelope(request, answer, "chat.completion.chunk")
    step = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
    return event({**envelope, "error": error(error_), "choices": [step]})


def error(error_: ApiError) -> dict[str, Any]:
    """OpenRouter's error object, whose code is the HTTP status."""
    shape: dict[str, Any] = {"code": error_.status, "message": error_.message}
    return shape if error_.code is None else {**shape, "metadata": {"error_type": error_.code}}


def number(amount: Decimal) -> msgspec.Raw:
    """A decimal as JavaScript writes the number: in plain digits, with an exponent below a millionth."""
    if amount == 0:
        return msgspec.Raw(b"0")
    digits = amount.normalize()
    if abs(digits) >= _SMALLEST_PLAIN:
        return msgspec.Raw(f"{digits:f}".encode())
    return msgspec.Raw(f"{digits:e}".encode())


def _envelope(request: ChatRequest, answer: Answer, kind: str) -> dict[str, Any]:
    return {
        "id": answer.id,
        "object": kind,
        "created": answer.created,
        "model": request.model,
        "provider": vendor_of(request.model).provider,
    }


def _choice(request: ChatRequest, choice: Choice) -> dict[str, Any]:
    shown = choice.reasoning if request.shows_reasoning else ""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": choice.content,
        "refusal": None,
        "reasoning": shown or None,
    }
    if choice.tool_calls:
        message["tool_calls"] = [
            {
                "type": "function",
                "index": position,
                "id": call.id,
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for position, call in enumerate(choice.tool_calls)
        ]
    if shown:
        message["reasoning_details"] = [_reasoning_detail(request.model, shown)]
    wanted = request.top_logprobs is not None and choice.content
    return {
        "index": choice.index,
        "logprobs": {"content": logprobs(choice.content or "", request.top_logprobs or 0)} if wanted else None,
        "finish_reason": choice.finish_reason,
        "native_finish_reason": native_finish_reason(request.model, choice.finish_reason),
        "message": message,
    }


def _says_nothing(adds: Mapping[str, Any]) -> bool:
    """Whether a delta only opens the message, which OpenRouter does with the first that says something."""
    return "role" in adds and "tool_calls" not in adds


def _delta(model: str, adds: Mapping[str, Any]) -> dict[str, Any]:
    if "reasoning" in adds:
        details = [_reasoning_detail(model, adds["reasoning"])]
        return {"content": "", "role": "assistant", "reasoning": adds["reasoning"], "reasoning_details": details}
    if "tool_calls" in adds:
        return {"content": None, "role": "assistant", "tool_calls": adds["tool_calls"]}
    return {"content": adds["content"], "role": "assistant"}


def _step(index: int, delta: dict[str, Any]) -> dict[str, Any]:
    return {"index": index, "delta": delta, "finish_reason": None, "native_finish_reason": None}


def _reasoning_detail(model: str, shown: str) -> dict[str, Any]:
    return {"type": "reasoning.text", "text": shown, "format": vendor_of(model).reasoning_format, "index": 0}


def _usage(model: str, bill: Bill) -> dict[str, Any]:
    usage, cost = bill.usage, cost_of(model, bill.usage)
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "cost": number(cost.total if bill.cost is None else bill.cost),
        "is_byok": False,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": 0,
            "audio_tokens": 0,
            "video_tokens": 0,
        },
        "cost_details": {
            "upstream_inference_cost": number(cost.total),
            "upstream_inference_prompt_cost": number(cost.prompt),
            "upstream_inference_completions_cost": number(cost.completion),
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "image_tokens": 0,
            "audio_tokens": 0,
        },
    }
