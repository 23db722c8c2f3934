"""A translated request without what only some providers of this format take, and none needs to answer.

The common shape has more than OpenAI's chat completions: what OpenRouter has added. A request that came in it is the
client's own affair; one that was put into it is to work with any provider, and many refuse members they don't know.

Formats: OpenAI API reference, "Create chat completion"; OpenRouter, "Reasoning tokens" and "Prompt caching"; DeepSeek,
"Thinking mode" (`reasoning_content`).
"""

from typing import Any

import msgspec

from services.router.chat import Body
from services.router.wire.reading import member

_TURN = ("reasoning", "reasoning_content", "reasoning_details", "extra_content")
_REQUEST = (
    "reasoning",
    "thinking",
    "top_k",
    "cache_control",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
)
_JOINTS = {"assistant": ""}
"""Between an answer's texts there was nothing; other messages are joined like paragraphs."""
_PARAGRAPH = "\n\n"
_LOW, _MEDIUM = 1024, 8192
"""The most tokens to think with that are still a low, a medium effort."""
_SEE_BELOW = "The result follows in the next message."
_encode = msgspec.json.Encoder().encode


class _Reasoning(msgspec.Struct):
    effort: str | None = None
    max_tokens: int | None = None


_reasoning = msgspec.json.Decoder(_Reasoning)
_messages = msgspec.json.Decoder(list[dict[str, Any]])
_tools = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


def plain(body: Body, *, with_reasoning: bool) -> Body:
    """The request as any provider takes it. What was put into the common shape is known to be of it.

    With `with_reasoning` each of the model's turns keeps its own as `reasoning_content`, be it empty.

    Raises:
        InvalidField: there is a number in it that no double holds.
    """
    found = {name: value for name, value in body.items() if name not in _REQUEST}
    effort = _effort(body.get("reasoning"))
    if effort and "reasoning_effort" not in body:
        found["reasoning_effort"] = msgspec.Raw(_encode(effort))
    messages: list[dict[str, Any]] = member(_messages, body["messages"], "messages")
    found["messages"] = msgspec.Raw(_encode(_plain_messages(messages, with_reasoning=with_reasoning)))
    tools = body.get("tools")
    if tools is not None and b'"cache_control"' in bytes(tools):
        without = [
            {key: value for key, value in tool.items() if key != "cache_control"} for tool in _tools.decode(tools)
        ]
        found["tools"] = msgspec.Raw(_encode(without))
    return found


def _effort(reasoning: msgspec.Raw | None) -> str | None:
    """How much to think: a budget as the effort that is nearest. Whether to think at all is the model's choice here."""
    if reasoning is None:
        return None
    wish = _reasoning.decode(reasoning)
    if wish.effort or wish.max_tokens is None:
        return wish.effort
    if wish.max_tokens <= _LOW:
        return "low"
    return "medium" if wish.max_tokens <= _MEDIUM else "high"


def _plain_messages(messages: list[dict[str, Any]], *, with_reasoning: bool) -> list[dict[str, Any]]:
    """The messages; images and files in results of tools come in a message of the user's behind them."""
    found: list[dict[str, Any]] = []
    shown: list[dict[str, Any]] = []
    for message in messages:
        role = message.get("role")
        if role != "tool" and shown:
            found.append({"role": "user", "content": shown})
            shown = []
        one = {name: value for name, value in message.items() if name not in _TURN}
        if with_reasoning and role == "assistant":
            one["reasoning_content"] = _reasoning_of(message)
        content = one.get("content")
        if isinstance(content, list):
            parts = [{name: value for name, value in part.items() if name != "cache_control"} for part in content]
            if role == "tool":
                shown += [part for part in parts if part.get("type") != "text"]
                parts = [part for part in parts if part.get("type") == "text"]
                parts = parts or [{"type": "text", "text": _SEE_BELOW}]
            one["content"] = _joined(parts, _JOINTS.get(str(role), _PARAGRAPH))
        if "tool_calls" in one:
            one["tool_calls"] = [{k: v for k, v in call.items() if k != "extra_content"} for call in one["tool_calls"]]
        found.append(one)
    if shown:
        found.append({"role": "user", "content": shown})
    return found


def _reasoning_of(message: dict[str, Any]) -> str:
    """What a turn of the model's says of its reasoning, in whichever member."""
    told = message.get("reasoning_content") or message.get("reasoning")
    if told:
        return str(told)
    details = message.get("reasoning_details") or ()
    return "".join(str(detail.get("text") or detail.get("summary") or "") for detail in details)


def _joined(parts: list[dict[str, Any]], joint: str) -> str | list[dict[str, Any]]:
    """Parts that are all text as one, which providers take that know of no parts."""
    if any(part.get("type") != "text" for part in parts):
        return parts
    return joint.join(str(part.get("text") or "") for part in parts)
