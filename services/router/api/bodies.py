"""What the HTTP surfaces have in common in reading request bodies: JSON objects whose members stay as they came."""

import re
from typing import TypeVar

import msgspec

from services.router.chat import Body
from services.runtime.errors import InvalidField, MalformedBody

Kind = TypeVar("Kind")

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError)
_NULL, _FALSE = msgspec.Raw(b"null"), msgspec.Raw(b"false")
_KINDS = {b"n": "null", b"{": "an object", b'"': "a text"}
_PLACE = re.compile(r" - at `\$(.*)`$")
_WRONG_TYPE = re.compile(r"Expected `(.*)`, got `(.*)`")
_MISSING = re.compile(r"Object missing required field `(.*)`")
_body = msgspec.json.Decoder(Body)
_text = msgspec.json.Decoder(str)
_flag = msgspec.json.Decoder(bool)


def body_of(content: bytes) -> Body:
    """The members of a JSON object. Raises MalformedBody where it is none, or is not all UTF-8."""
    try:
        if not content.isascii():
            content.decode()  # members are kept as they came, and no one would look at their inside later
        return _body.decode(content)
    except (*_UNREADABLE, RecursionError) as error:
        raise MalformedBody(str(error)) from None


def model_of(body: Body) -> str:
    """The model asked for. Raises InvalidField where none is."""
    try:
        model = _text.decode(body.get("model", _NULL))
    except _UNREADABLE:
        model = ""
    if not model:
        raise InvalidField("model", shown(body.get("model")), "the id of a model")
    return model


def check_messages(body: Body) -> None:
    """Lets a list pass that is not empty. What it is instead is named by kind: it may be somebody's prompt."""
    messages = bytes(body.get("messages", _NULL))
    if not messages.startswith(b"["):
        raise InvalidField("messages", _KINDS.get(messages[:1], "no list"), "a list of at least one message")
    if not messages[1:-1].strip():
        raise InvalidField("messages", "[]", "a list of at least one message")


def stream_of(body: Body) -> bool:
    """Whether the answer is to be streamed. Raises InvalidField where that is neither true nor false."""
    given = body.get("stream")
    if given is None or given in (_NULL, _FALSE):
        return False
    try:
        return _flag.decode(given)
    except _UNREADABLE:
        raise InvalidField("stream", shown(given), "true or false") from None


def member(decoder: msgspec.json.Decoder[Kind], value: msgspec.Raw, field: str) -> Kind:
    """A member, read. Raises InvalidField, naming the place inside it, where it is not what it should be."""
    try:
        return decoder.decode(value or _NULL)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _invalid(field, str(error)) from None


def _invalid(field: str, problem: str) -> InvalidField:
    """What msgspec says of a value ("Expected `str`, got `int` - at `$[0].text`") in terms of the request."""
    place = _PLACE.search(problem)
    field += place.group(1) if place else ""
    problem = _PLACE.sub("", problem)
    if missing := _MISSING.fullmatch(problem):
        return InvalidField(f"{field}.{missing.group(1)}", "nothing", "a value")
    if wrong := _WRONG_TYPE.fullmatch(problem):
        return InvalidField(field, wrong.group(2), wrong.group(1))
    return InvalidField(field, problem, "what the format says")


def shown(value: msgspec.Raw | None) -> str:
    """A member's value as an error may show it."""
    return "null" if value is None else bytes(value)[:200].decode("utf-8", "replace")
