"""The response object around the output: what was asked for, how it ended, what it used.

Format: OpenAI API reference, "The response object".
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from services.rating import Tokens
from services.router.api.responses.items import Item
from services.router.attempts import Call
from services.router.chat import NULL

Response = dict[str, Any]

_ASKED: Final = {
    "instructions": NULL,
    "max_output_tokens": NULL,
    "max_tool_calls": NULL,
    "metadata": msgspec.Raw(b"{}"),
    "parallel_tool_calls": msgspec.Raw(b"true"),
    "prompt_cache_key": NULL,
    "reasoning": msgspec.Raw(b'{"effort":null,"summary":null}'),
    "safety_identifier": NULL,
    "service_tier": NULL,
    "temperature": NULL,
    "text": msgspec.Raw(b'{"format":{"type":"text"}}'),
    "tool_choice": msgspec.Raw(b'"auto"'),
    "tools": msgspec.Raw(b"[]"),
    "top_logprobs": NULL,
    "top_p": NULL,
    "user": NULL,
}
"""Members of the request that a response repeats, and what stands for one that was not given."""
_FILLED: Final = {"max_output_tokens": "max_tokens", "temperature": "temperature", "top_p": "top_p"}
_INCOMPLETE: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Why an answer is not whole, by its finish reason."""


def key_of(call: Call) -> str:
    """What makes the ids of a response and its items its own."""
    return call.id.replace("-", "")


def begun(call: Call, created: int) -> Response:
    """The response before anything has come; `created` is in Unix seconds."""
    asked = call.request.body
    echo = {name: asked[name] if asked.get(name, NULL) != NULL else absent for name, absent in _ASKED.items()}
    for name, neutral in _FILLED.items():
        if echo[name] == NULL and neutral in call.plan.fill:
            echo[name] = call.plan.fill[neutral]
    return {
        "id": f"resp_{key_of(call)}",
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "model": call.plan.model,
        "output": [],
        "usage": None,
        **echo,
        "background": False,
        "previous_response_id": None,
        "store": False,
        "truncation": "disabled",
    }


def status_of(finish_reason: str) -> str:
    """`completed`, or `incomplete` where the answer was cut off."""
    return "incomplete" if finish_reason in _INCOMPLETE else "completed"


def ended(
    response: Response, output: Sequence[Item], finish_reason: str, model: str, tokens: Tokens | None, at: int
) -> Response:
    """The response as it has ended, `at` in Unix seconds."""
    reason = _INCOMPLETE.get(finish_reason)
    return {
        **response,
        "status": status_of(finish_reason),
        "completed_at": None if reason else at,
        "incomplete_details": {"reason": reason} if reason else None,
        "model": model or response["model"],
        "output": output,
        "usage": _usage(tokens),
    }


def _usage(tokens: Tokens | None) -> dict[str, Any] | None:
    """The figures; null where the provider told none. The format demands all of them: what is not known is 0 there."""
    if tokens is None or tokens.prompt_tokens is None or tokens.completion_tokens is None:
        return None
    return {
        "input_tokens": tokens.prompt_tokens,
        "input_tokens_details": {
            "cached_tokens": tokens.cached_tokens or 0,
            "cache_write_tokens": tokens.cache_write_tokens or 0,
        },
        "output_tokens": tokens.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning_tokens or 0},
        "total_tokens": tokens.prompt_tokens + tokens.completion_tokens,
    }
