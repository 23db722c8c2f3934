"""A request in Anthropic's format, put into the common shape. What becomes of what: docs/translation.md.

Formats: Anthropic API reference, "Create a message", "Extended thinking", "Effort", "Structured outputs"; OpenRouter,
"Reasoning tokens" (`reasoning`).
"""

import hashlib
from typing import Any

import msgspec

from services.router.api.anthropic.content import NOTHING, is_given
from services.router.api.anthropic.tools import choice_of, response_format, tools_of
from services.router.api.anthropic.turns import messages_of
from services.router.chat import Body
from services.router.wire.reading import member
from services.runtime.errors import UnsupportedFeature

_SAME = ("max_tokens", "temperature", "top_p", "top_k", "stream", "cache_control")
"""Members that the common shape has too."""
_RENAMED = {"stop_sequences": "stop"}
_ONLY_THERE = {
    "mcp_servers": b"[]",
    "container": b"null",
    "inference_geo": b'"global"',
}
"""What only Anthropic can do, and the value that asks for nothing. Left out, it would change what the answer is."""
_EFFORTS = {"max": "xhigh"}
_USER_LENGTH = 64
"""OpenAI takes no more; agents send whole JSON objects."""
_encode = msgspec.json.Encoder().encode


class _Thinking(msgspec.Struct):
    type: str
    budget_tokens: int | None = None


class _OutputConfig(msgspec.Struct):
    effort: str | None = None
    format: msgspec.Raw = NOTHING


class _Metadata(msgspec.Struct):
    user_id: str | None = None


_thinking = msgspec.json.Decoder(_Thinking)
_output_config = msgspec.json.Decoder(_OutputConfig)
_metadata = msgspec.json.Decoder(_Metadata)
_tier = msgspec.json.Decoder(str)


def to_chat(body: Body) -> Body:
    """The request in the common shape.

    Raises:
        UnsupportedFeature: it asks for what only Anthropic has.
        InvalidField: a member is not what it should be.
    """
    for name, harmless in _ONLY_THERE.items():
        given = _given(body, name)
        if is_given(given) and bytes(given) != harmless:
            raise UnsupportedFeature(f"{name}: only Anthropic's own API can do this", field=name)
    chat: Body = {"model": body["model"]}
    chat |= {name: body[name] for name in _SAME if is_given(_given(body, name))}
    chat |= {theirs: body[ours] for ours, theirs in _RENAMED.items() if is_given(_given(body, ours))}
    messages = messages_of(_given(body, "system"), _given(body, "messages"))
    for name, value in {"messages": messages, **_tools(body), **_wishes(body)}.items():
        chat[name] = msgspec.Raw(_encode(value))
    return chat


def _given(body: Body, name: str) -> msgspec.Raw:
    return body.get(name, NOTHING)


def _tools(body: Body) -> dict[str, Any]:
    tools = tools_of(_given(body, "tools"))
    if not tools:
        return {}
    found: dict[str, Any] = {"tools": tools}
    if is_given(_given(body, "tool_choice")):
        found["tool_choice"], parallel = choice_of(body["tool_choice"])
        if not parallel:
            found["parallel_tool_calls"] = False
    return found


def _wishes(body: Body) -> dict[str, Any]:
    """What the answer should be like, and for whom it is."""
    found: dict[str, Any] = {}
    config = _OutputConfig()
    if is_given(_given(body, "output_config")):
        config = member(_output_config, body["output_config"], "output_config")
    if is_given(config.format):
        found["response_format"] = response_format(config.format, "output_config.format")
    elif is_given(_given(body, "output_format")):
        found["response_format"] = response_format(body["output_format"], "output_format")
    reasoning = _reasoning(body, config.effort)
    if reasoning:
        found["reasoning"] = reasoning
    if is_given(_given(body, "metadata")):
        user = member(_metadata, body["metadata"], "metadata").user_id
        found |= {"user": _short(user)} if user else {}
    if is_given(_given(body, "service_tier")) and member(_tier, body["service_tier"], "service_tier") != "auto":
        found["service_tier"] = "default"
    return found


def _reasoning(body: Body, effort: str | None) -> dict[str, Any]:
    """How much to think: an effort or a budget of tokens, for OpenRouter takes only one of them."""
    wish = _Thinking("")
    if is_given(_given(body, "thinking")):
        wish = member(_thinking, body["thinking"], "thinking")
    if wish.type == "disabled":
        return {"enabled": False}
    if effort:
        return {"effort": _EFFORTS.get(effort, effort)}
    if wish.budget_tokens is not None:
        return {"max_tokens": wish.budget_tokens}
    return {"enabled": True} if wish.type else {}


def _short(user: str) -> str:
    """A user's id; a long one as its SHA-256, which tells users apart as well."""
    return user if len(user) <= _USER_LENGTH else hashlib.sha256(user.encode()).hexdigest()
