"""A chat completion in OpenAI's own shape: one indented object, or a stream of chunks."""

from typing import Any

import msgspec

from services.sandbox.answers import logprobs
from services.sandbox.chat import Answer, ChatRequest, Choice, Usage
from services.sandbox.openai_chat.deltas import deltas
from services.sandbox.script import Frame
from services.sandbox.text import digest

DONE = Frame(b"data: [DONE]\n\n")

_PADDING = "q8ZxV2mWn4LtR7Ks"
"""What `obfuscation` is cut from; it hides the length of a token from those who watch packets."""


def event(payload: dict[str, Any], tokens: float = 0.0, *, reports_usage: bool = False) -> Frame:
    """A server-sent event with a JSON payload."""
    return Frame(b"data: " + msgspec.json.encode(payload) + b"\n\n", tokens, reports_usage)


def indented(payload: dict[str, Any]) -> bytes:
    """JSON as OpenAI writes bodies."""
    return msgspec.json.format(msgspec.json.encode(payload), indent=2) + b"\n"


def completion(request: ChatRequest, answer: Answer, served: str, usage: Usage | None) -> bytes:
    """A `chat.completion` object by the model `served`."""
    whole: dict[str, Any] = {
        "id": answer.id,
        "object": "chat.completion",
        "created": answer.created,
        "model": served,
        "choices": [_choice(request, choice) for choice in answer.choices],
    }
    if usage is not None:
        whole["usage"] = _usage(usage)
    return indented({**whole, "service_tier": "default", "system_fingerprint": _fingerprint(request)})


def chunks(request: ChatRequest, answer: Answer, served: str, usage: Usage | None, *, done: bool) -> list[Frame]:
    """`chat.completion.chunk` events; `usage` in one of its own, without choices, and `[DONE]` when `done`."""
    envelope = {
        "id": answer.id,
        "object": "chat.completion.chunk",
        "created": answer.created,
        "model": served,
        "service_tier": "default",
        "system_fingerprint": _fingerprint(request),
    }
    tail = {"usage": None} if request.include_usage else {}
    frames: list[Frame] = []

    def add(choice: Choice, adds: dict[str, Any], tokens: float, finish_reason: str | None) -> None:
        step = {"index": choice.index, "delta": adds, **_logprobs(request, adds.get("content"))}
        step["finish_reason"] = finish_reason
        padding = _PADDING[: 1 + len(frames) * 7 % len(_PADDING)]
        frames.append(event({**envelope, "choices": [step], **tail, "obfuscation": padding}, tokens))

    for delta in deltas(answer, shows_reasoning=False):
        add(delta.choice, delta.adds, delta.tokens, None)
    for choice in answer.choices:
        add(choice, {}, 0.0, _finish_reason(request, choice))
    if usage is not None:
        frames.append(event({**envelope, "choices": [], "usage": _usage(usage)}, reports_usage=True))
    return [*frames, DONE] if done else frames


def _choice(request: ChatRequest, choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": choice.content}
    if choice.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in choice.tool_calls
        ]
    return {
        "index": choice.index,
        "message": {**message, "refusal": None, "annotations": []},
        **_logprobs(request, choice.content),
        "finish_reason": _finish_reason(request, choice),
    }


def _finish_reason(request: ChatRequest, choice: Choice) -> str:
    """As recorded: a call of the one tool that was forced finishes with `stop`."""
    is_forced = request.forced_tool is not None and choice.finish_reason == "tool_calls"
    return "stop" if is_forced else choice.finish_reason


def _logprobs(request: ChatRequest, content: str | None) -> dict[str, Any]:
    """The `logprobs` member of a choice, which those of reasoning models lack."""
    if request.reasons:
        return {}
    if request.top_logprobs is None or not content:
        return {"logprobs": None}
    return {"logprobs": {"content": logprobs(content, request.top_logprobs), "refusal": None}}


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _fingerprint(request: ChatRequest) -> str | None:
    return None if request.reasons else f"fp_{digest(request.model) % 16**10:010x}"
