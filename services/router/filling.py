"""Which parameters a request is sent with beside its own, and whether all of them are in range. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from services.parameters import Range
from services.router.chat import CHAT_FORMATS, NULL, UNREADABLE_JSON, Body, ChatRequest, Format
from services.router.parameters import ChosenParameters, Parameter
from services.runtime.errors import InvalidField

_MAX_TOKENS = "max_tokens"
_encode = msgspec.json.Encoder().encode
_OTHER_MAX_TOKENS = {Format.CHAT: "max_completion_tokens", Format.RESPONSES: "max_output_tokens"}


def fill_in(request: ChatRequest, parameters: Sequence[Parameter], *levels: ChosenParameters | None) -> Body:
    """What to send beside the body, for what it leaves open: the request's neutral parameters, then what was chosen at
    each of the `levels`, the first one first, of what the model takes; then, if asked for, the model's defaults.

    What is set is checked, whoever set it: a model may allow less than the one it was set for.

    Raises:
        InvalidField: a parameter is out of range.
    """
    fill: Body = {}
    if request.format not in CHAT_FORMATS:
        return fill
    chosen = [level for level in levels if level is not None]
    for parameter in parameters:
        name, given = _given(request, parameter.name)
        if given is None and request.parameters:
            given = request.parameters.get(parameter.name)
            if given is not None:
                fill[parameter.name] = given
        if given is not None:
            _check(name, given, parameter.range)
        elif parameter.supported:
            for level in chosen:
                value = getattr(level, parameter.name)
                if value is not None:
                    fill[parameter.name] = _as_sent(value, parameter)
                    break
            else:
                if request.apply_defaults:
                    fill[parameter.name] = parameter.default
    return fill


def most_tokens_asked(request: ChatRequest, fill: Mapping[str, msgspec.Raw]) -> int:
    """How many tokens the completion may have at most, by the request or else by `fill`; 1 where neither says."""
    given = _given(request, _MAX_TOKENS)[1] or fill.get(_MAX_TOKENS)
    if given is None:
        return 1
    try:
        return msgspec.json.decode(given, type=int)
    except UNREADABLE_JSON:
        return 1  # which is refused elsewhere


def _as_sent(value: float, parameter: Parameter) -> msgspec.Raw:
    if not parameter.range.holds(value):
        raise InvalidField(parameter.name, value, parameter.range.allowed)
    return msgspec.Raw(_encode(value))


def _given(request: ChatRequest, name: str) -> tuple[str, msgspec.Raw | None]:
    """What the request itself says, and under which name: max_tokens has others in OpenAI's formats."""
    body = request.body
    if name == _MAX_TOKENS and (other := _OTHER_MAX_TOKENS.get(request.format)) and body.get(other, NULL) != NULL:
        return other, body[other]
    given = body.get(name)
    return name, None if given is None or given == NULL else given


def _check(name: str, given: msgspec.Raw, allowed: Range) -> None:
    try:
        value = msgspec.json.decode(given)
    except UNREADABLE_JSON:
        value = bytes(given).decode("utf-8", "replace")
    if not allowed.holds(value):
        raise InvalidField(name, value, allowed.allowed)
