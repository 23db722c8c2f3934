"""Which parameters a request is sent with beside its own, and whether all of them are in range. Pure."""

from dataclasses import replace
from functools import lru_cache

import msgspec

from services.parameters import RANGES, Range
from services.router.catalog import Settings
from services.router.chat import Body, ChatRequest, Format
from services.runtime.errors import InvalidField

_KNOWN_MAXIMA = 1_024
_encode = msgspec.json.Encoder().encode
_NULL = msgspec.Raw(b"null")
_CHAT_FORMATS = {Format.CHAT, Format.RESPONSES, Format.MESSAGES}
_OTHER_MAX_TOKENS = {Format.CHAT: "max_completion_tokens", Format.RESPONSES: "max_output_tokens"}


def fill_in(request: ChatRequest, settings: Settings, most_tokens: int | None) -> Body:
    """The parameters the body leaves open: the request's neutral ones, the user's settings, then (if asked for) the
    platform's defaults. What is set is checked, whoever set it: a model may allow less than the one it was set for.
    """
    fill: Body = {}
    if request.format not in _CHAT_FORMATS:
        return fill
    for name, allowed in RANGES.items():
        if name == "max_tokens":
            allowed = _up_to(most_tokens) if most_tokens else allowed  # noqa: PLW2901 - the model's own range
        field_name, given = _given(request, name)
        if given is None:
            given = request.parameters.get(name) or settings.fill.get(name)
            if given is None and request.apply_defaults:
                given = msgspec.Raw(_encode(min(allowed.default, allowed.maximum)))
            if given is None:
                continue
            fill[name] = given
        _check(field_name, given, allowed)
    return fill


@lru_cache(_KNOWN_MAXIMA)
def _up_to(most_tokens: int) -> Range:
    return replace(RANGES["max_tokens"], maximum=most_tokens)


def _given(request: ChatRequest, name: str) -> tuple[str, msgspec.Raw | None]:
    """What the request itself says, and under which name: max_tokens has others in OpenAI's formats."""
    body = request.body
    if name == "max_tokens" and (other := _OTHER_MAX_TOKENS.get(request.format)) and body.get(other, _NULL) != _NULL:
        return other, body[other]
    given = body.get(name)
    return name, None if given is None or given == _NULL else given


def _check(name: str, given: msgspec.Raw, allowed: Range) -> None:
    try:
        value = msgspec.json.decode(given)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = bytes(given).decode("utf-8", "replace")
    if not allowed.holds(value):
        raise InvalidField(name, value, allowed.allowed)
