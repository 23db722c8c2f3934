"""Content parts of a request's items as the content parts of the common shape.

Formats: OpenAI API reference, "Create a model response" (`input`) and "Create chat completion" (`messages`).
Texts stay the bytes they came in.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from services.router.chat import NULL
from services.router.wire.reading import member
from services.runtime.errors import InvalidField, UnsupportedFeature

Part = dict[str, Any]
Content = msgspec.Raw | list[Part]
"""A text, as JSON, or several parts."""

NOTHING: Final = msgspec.Raw()
_EMPTY: Final = msgspec.Raw(b'""')
_DETAILS: Final = {"original": "high"}
"""Degrees of detail that the common shape does not know, as the nearest that it does."""


class _Part(msgspec.Struct):
    """A part of any type, with the members that any of them has."""

    type: str
    text: msgspec.Raw = NOTHING
    refusal: msgspec.Raw = NOTHING
    image_url: msgspec.Raw = NOTHING
    detail: str | None = None
    file_id: str | None = None
    file_data: msgspec.Raw = NOTHING
    file_url: msgspec.Raw = NOTHING
    filename: msgspec.Raw = NOTHING
    input_audio: msgspec.Raw = NOTHING
    cache_control: msgspec.Raw = NOTHING


_parts = msgspec.json.Decoder(list[_Part])


def is_given(value: msgspec.Raw | None) -> bool:
    """Whether a member is there and not null."""
    return value is not None and value not in (NOTHING, NULL)


def text_at(value: msgspec.Raw, field: str) -> msgspec.Raw:
    """A member that has to be a text, as it came. Raises InvalidField, which never shows what it is instead."""
    if not bytes(value).startswith(b'"'):
        raise InvalidField(field, "no text" if is_given(value) else "nothing", "a text")
    return value


def content_of(given: msgspec.Raw, field: str) -> Content:
    """A message's content, or a tool's output: a text alone as such, all else as parts.

    Raises:
        UnsupportedFeature: a part has no counterpart.
        InvalidField: one is not what it should be.
    """
    if bytes(given).startswith(b'"'):
        return given
    items: list[_Part] = member(_parts, given, field)
    parts = [_chat_part(part, f"{field}[{place}]") for place, part in enumerate(items)]
    if not parts:
        return _EMPTY
    only = parts[0]
    return only["text"] if len(parts) == 1 and only.keys() == {"type", "text"} else parts


def joined(content: Content) -> Content:
    """The same, with texts alone as one: an assistant's, or a tool's, which many providers take as a text only."""
    if isinstance(content, list) and all(part.keys() == {"type", "text"} for part in content):
        return join(*(part["text"] for part in content))
    return content


def join(*texts: msgspec.Raw) -> msgspec.Raw:
    """Texts, each as JSON, as one."""
    return msgspec.Raw(b'"' + b"".join(bytes(text).strip()[1:-1] for text in texts) + b'"')


def as_parts(content: Content) -> Sequence[Part]:
    """The same content, always as parts."""
    return content if isinstance(content, list) else [{"type": "text", "text": content}]


def _chat_part(part: _Part, field: str) -> Part:
    render = _PARTS.get(part.type)
    if render is None:
        message = f"{field}: content of type {part.type[:64]!r} can't be said to this provider"
        raise UnsupportedFeature(message, field=f"{field}.type", type=part.type[:64])
    found = render(part, field)
    if is_given(part.cache_control):
        found["cache_control"] = part.cache_control
    return found


def _text(part: _Part, field: str) -> Part:
    return {"type": "text", "text": text_at(part.text, f"{field}.text")}


def _refusal(part: _Part, field: str) -> Part:
    return {"type": "refusal", "refusal": text_at(part.refusal, f"{field}.refusal")}


def _image(part: _Part, field: str) -> Part:
    if not is_given(part.image_url) and part.file_id:
        message = f"{field}.file_id: an image that OpenAI keeps can't be shown to this provider; send it in image_url"
        raise UnsupportedFeature(message, field=f"{field}.file_id")
    image: Part = {"url": text_at(part.image_url, f"{field}.image_url")}
    if part.detail:
        image["detail"] = _DETAILS.get(part.detail, part.detail)
    return {"type": "image_url", "image_url": image}


def _file(part: _Part, field: str) -> Part:
    name = {"filename": part.filename} if is_given(part.filename) else {}
    if part.file_id:
        return {"type": "file", "file": {"file_id": part.file_id, **name}}
    source = "file_data" if is_given(part.file_data) else "file_url"
    return {"type": "file", "file": {**name, "file_data": text_at(getattr(part, source), f"{field}.{source}")}}


def _audio(part: _Part, field: str) -> Part:
    if not is_given(part.input_audio):
        raise InvalidField(f"{field}.input_audio", "nothing", "an object with data and format")
    return {"type": "input_audio", "input_audio": part.input_audio}


_PARTS: Mapping[str, Callable[[_Part, str], Part]] = {
    "input_text": _text,
    "output_text": _text,
    "text": _text,
    "refusal": _refusal,
    "input_image": _image,
    "input_file": _file,
    "input_audio": _audio,
}
