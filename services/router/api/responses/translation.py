"""A request in the Responses format, put into the common shape. What becomes of what: docs/translation.md.

Formats: OpenAI API reference, "Create a model response" and "Create chat completion".
"""

from typing import Any, Final

import msgspec

from services.router.api.responses.content import NOTHING, is_given
from services.router.api.responses.conversation import messages_of
from services.router.api.responses.tools import response_format, tools_of
from services.router.chat import Body
from services.router.wire.reading import member
from services.runtime.errors import UnsupportedFeature

_KEPT_THERE: Final = {
    "previous_response_id": "the responses before are not kept here; send the conversation in input",
    "conversation": "conversations are not kept here; send the conversation in input",
    "prompt": "prompt templates are kept at OpenAI; send instructions and input",
}
"""What this provider has nothing for, and what to do instead."""
_DROPPED: Final = {
    "background", "context_management", "include", "max_tool_calls", "metadata", "moderation",
    "prompt_cache_options", "store", "stream_options", "truncation",
}  # fmt: skip
"""What changes nothing about the answer, or says how OpenAI is to keep it."""
_TRANSLATED: Final = {
    "instructions", "input", "tools", "tool_choice", "parallel_tool_calls", "text", "reasoning", "max_output_tokens",
    "top_logprobs",
}  # fmt: skip
_LOGPROBS: Final = "message.output_text.logprobs"
_TRUE: Final = msgspec.Raw(b"true")
_ZERO: Final = msgspec.Raw(b"0")
_encode = msgspec.json.Encoder().encode


class _Text(msgspec.Struct):
    format: msgspec.Raw = NOTHING
    verbosity: str | None = None


class _Reasoning(msgspec.Struct):
    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None


_text = msgspec.json.Decoder(_Text)
_reasoning = msgspec.json.Decoder(_Reasoning)
_include = msgspec.json.Decoder(list[str])


def to_chat(body: Body) -> Body:
    """The request in the common shape. Members that both formats have, or neither, go along as they are.

    Raises:
        UnsupportedFeature: it asks for what only OpenAI has.
        InvalidField: a member is not what it should be.
    """
    _check(body)
    chat = {
        name: value
        for name, value in body.items()
        if name not in _TRANSLATED and name not in _DROPPED and is_given(value)
    }
    messages = messages_of(body.get("instructions"), body.get("input"))
    translated = {"messages": messages, **_tools(body), **_wishes(body)}
    return chat | {name: msgspec.Raw(_encode(value)) for name, value in translated.items()}


def _check(body: Body) -> None:
    for name, instead in _KEPT_THERE.items():
        if is_given(body.get(name)):
            raise UnsupportedFeature(f"{name}: {instead}", field=name)
    if body.get("background") == _TRUE:
        raise UnsupportedFeature(
            "background: an answer that is to be fetched later can't be had here", field="background"
        )
    if is_given(body.get("n")):
        raise UnsupportedFeature("n: a response has one answer only", field="n")


def _tools(body: Body) -> dict[str, Any]:
    found = tools_of(body)
    parallel = body.get("parallel_tool_calls")
    if found and is_given(parallel):
        found["parallel_tool_calls"] = parallel
    return found


def _wishes(body: Body) -> dict[str, Any]:
    """What the answer should be like."""
    found: dict[str, Any] = {}
    if is_given(given := body.get("max_output_tokens", NOTHING)):
        found["max_tokens"] = given
    if is_given(given := body.get("text", NOTHING)):
        wish = member(_text, given, "text")
        asked = response_format(wish.format) if is_given(wish.format) else None
        found |= {"response_format": asked} if asked else {}
        found |= {"verbosity": wish.verbosity} if wish.verbosity else {}
    if is_given(given := body.get("reasoning", NOTHING)):
        found |= _thinking(member(_reasoning, given, "reasoning"))
    return found | _logprobs(body)


def _thinking(wish: _Reasoning) -> dict[str, Any]:
    """How much to think. Who asks for a summary wants to see it: that is what the object, `reasoning`, stands for."""
    effort = {"effort": wish.effort} if wish.effort else {}
    if wish.summary or wish.generate_summary:
        return {"reasoning": effort}
    return {"reasoning_effort": wish.effort} if wish.effort else {}


def _logprobs(body: Body) -> dict[str, Any]:
    most = body.get("top_logprobs", NOTHING)
    if is_given(most) and most != _ZERO:
        return {"logprobs": True, "top_logprobs": most}
    include = body.get("include", NOTHING)
    if is_given(include) and _LOGPROBS in member(_include, include, "include"):
        return {"logprobs": True}
    return {}
