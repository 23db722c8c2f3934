"""A chat request as a request for generateContent.

Formats: Gemini API reference, "Generating content"; Gemini API docs and Vertex AI's, "OpenAI compatibility", for what
Google itself takes beside OpenAI's members (`extra_body.google`).
"""

from typing import Any

import msgspec

from services.router.chat import Body
from services.router.wire.gemini.conversation import Conversation
from services.router.wire.gemini.generation_config import generation_config
from services.router.wire.gemini.generations import Generation
from services.router.wire.gemini.messages import MESSAGES
from services.router.wire.gemini.tools import calling_config, tools_of
from services.router.wire.reading import Member, given
from services.runtime.errors import UnsupportedFeature

_OLD = {"functions": "tools", "function_call": "tool_choice"}
_TIERS = ("flex", "priority")
_GOOGLES = {
    "safety_settings": "safetySettings",
    "safetySettings": "safetySettings",
    "cached_content": "cachedContent",
    "cachedContent": "cachedContent",
    "labels": "labels",
}
"""What Google takes at the top of a request, in both spellings of its documents."""

_THINKING = {
    "thinking_budget": "thinkingBudget",
    "thinking_level": "thinkingLevel",
    "include_thoughts": "includeThoughts",
}


class _ExtraBody(msgspec.Struct):
    google: Body = {}


_EXTRA_BODY = Member("extra_body", _ExtraBody)
_GOOGLE = Member("google", Body)
_TIER = Member("service_tier", str)
_CONFIG = Member("thinking_config", Body)

Json = dict[str, Any]


def content_request(body: Body, model: str) -> Json:
    """The request, without the model, which stands in the address.

    Raises:
        UnsupportedFeature: Gemini's format can't say what the request says.
        InvalidField: a member has to be translated and is not what it should be.
    """
    for name, new in _OLD.items():
        if given(body, name) is not None:
            raise UnsupportedFeature(f"{name}: the old form of {new}, which has to be used here", field=name)
    generation = Generation(model)
    conversation = Conversation(generation)
    for number, message in enumerate(MESSAGES.of(body) or ()):
        conversation.add(message, f"messages[{number}]")
    request: Json = {"contents": conversation.turns}
    if conversation.system:
        request["systemInstruction"] = {"parts": conversation.system}
    if tools := tools_of(body):
        request["tools"] = tools
    calling = calling_config(body)
    if calling is not None and tools:
        request["toolConfig"] = {"functionCallingConfig": calling}
    config = generation_config(body, generation)
    _add_googles(request, config, body)
    if config:
        request["generationConfig"] = config
    return request


def _add_googles(request: Json, config: Json, body: Body) -> None:
    """Adds what is Google's own: in `extra_body.google`, in `google`, or (safety, cache) at the top of the request."""
    extra = _EXTRA_BODY.of(body)
    google = {**body, **(extra.google if extra else {}), **(_GOOGLE.of(body) or {})}
    for name, own in _GOOGLES.items():
        value = given(google, name)
        if value is not None:
            request[own] = value
    thinking = _CONFIG.of(google)
    if thinking is not None:
        config["thinkingConfig"] = {_THINKING.get(name, name): value for name, value in thinking.items()}
    tier = _TIER.of(body)
    if tier in _TIERS:
        request["serviceTier"] = tier
