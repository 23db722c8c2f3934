"""What the HTTP surfaces have in common in reading request bodies: JSON objects whose members stay as they came."""

import msgspec

from services.router.chat import NULL, UNREADABLE_JSON, Body
from services.runtime.errors import InvalidField, MalformedBody

_FALSE = msgspec.Raw(b"false")
_KINDS = {b"n": "null", b"{": "an object", b'"': "a text"}
_body = msgspec.json.Decoder(Body)
_text = msgspec.json.Decoder(str)
_flag = msgspec.json.Decoder(bool)


def body_of(content: bytes) -> Body:
    """The members of a JSON object. Raises MalformedBody where it is none, or is not all UTF-8."""
    try:
        if not content.isascii():
            content.decode()  # members are kept as they came, and no one would look at their inside later
        return _body.decode(content)
    except UNREADABLE_JSON as error:
        raise MalformedBody(str(error)) from None


def model_of(body: Body) -> str:
    """The model asked for. Raises InvalidField where none is."""
    try:
        model = _text.decode(body.get("model", NULL))
    except UNREADABLE_JSON:
        model = ""
    if not model:
        raise InvalidField("model", shown(body.get("model")), "the id of a model")
    return model


def check_messages(body: Body) -> None:
    """Lets a list pass that is not empty. What it is instead is named by kind: it may be somebody's prompt."""
    messages = bytes(body.get("messages", NULL))
    if not messages.startswith(b"["):
        raise InvalidField("messages", _KINDS.get(messages[:1], "no list"), "a list of at least one message")
    if not messages[1:-1].strip():
        raise InvalidField("messages", "[]", "a list of at least one message")


def stream_of(body: Body) -> bool:
    """Whether the answer is to be streamed. Raises InvalidField where that is neither true nor false."""
    given = body.get("stream")
    if given is None or given in (NULL, _FALSE):
        return False
    try:
        return _flag.decode(given)
    except UNREADABLE_JSON:
        raise InvalidField("stream", shown(given), "true or false") from None


def shown(value: msgspec.Raw | None) -> str:
    """A member's value as an error may show it."""
    return "null" if value is None else bytes(value)[:200].decode("utf-8", "replace")
