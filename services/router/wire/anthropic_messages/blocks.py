"""The content blocks of a request, and the parts of chat messages they are made from.

Formats: Claude API docs, "Messages", "Vision", "PDF support", "Prompt caching"; OpenAI API reference, "Chat".
"""

import binascii
from base64 import b64decode
from typing import TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from services.router.chat import NULL
from services.runtime.errors import InvalidField, UnsupportedFeature

CacheControl: TypeAlias = msgspec.Raw | UnsetType
"""Anthropic's own object: it is handed on as it came."""

_PDF = "application/pdf"
_PLACES = "a data: URL, or an http(s) URL"


class ImageUrl(msgspec.Struct):
    """The image of a chat part."""

    url: str


class File(msgspec.Struct):
    """The file of a chat part."""

    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class Part(msgspec.Struct):
    """One part of a chat message's content."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: ImageUrl | str | None = None
    file: File | None = None
    cache_control: msgspec.Raw = NULL


class Source(msgspec.Struct):
    """Where an image or a document is: `type` is base64, text or url."""

    type: str
    media_type: str | UnsetType = UNSET
    data: str | UnsetType = UNSET
    url: str | UnsetType = UNSET


class TextBlock(msgspec.Struct, tag="text"):
    """Text, with a visible character."""

    text: str
    cache_control: CacheControl = UNSET


class ImageBlock(msgspec.Struct, tag="image"):
    """An image."""

    source: Source
    cache_control: CacheControl = UNSET


class DocumentBlock(msgspec.Struct, tag="document"):
    """A PDF, or plain text."""

    source: Source
    title: str | UnsetType = UNSET
    cache_control: CacheControl = UNSET


class ThinkingBlock(msgspec.Struct, tag="thinking"):
    """What the model thought before, signed."""

    thinking: str
    signature: str


class RedactedThinkingBlock(msgspec.Struct, tag="redacted_thinking"):
    """The same, sealed."""

    data: str


class ToolUseBlock(msgspec.Struct, tag="tool_use"):
    """A call the model made; `input` is a JSON object."""

    id: str
    name: str
    input: msgspec.Raw
    cache_control: CacheControl = UNSET


class ToolResultBlock(msgspec.Struct, tag="tool_result"):
    """What came of a call."""

    tool_use_id: str
    content: "str | list[Content] | UnsetType" = UNSET
    cache_control: CacheControl = UNSET


Content: TypeAlias = TextBlock | ImageBlock | DocumentBlock
Cacheable: TypeAlias = Content | ToolUseBlock | ToolResultBlock
Block: TypeAlias = Cacheable | ThinkingBlock | RedactedThinkingBlock


def mark_of(raw: msgspec.Raw) -> CacheControl:
    """A cache mark of the request; unset where there is none."""
    return UNSET if raw == NULL else raw


def is_blank(text: str | None) -> bool:
    """Whether Anthropic would refuse it as a text block: it takes none without a visible character."""
    return not text or text.isspace()


def content_of(parts: list[Part], where: str) -> list[Content]:
    """The blocks of a message's parts; blank texts make none. `where` names the list in errors.

    Raises:
        UnsupportedFeature: a part that Anthropic's format has no block for.
        InvalidField: a part without what its type promises, or a malformed data URL.
    """
    found = (_content(part, f"{where}[{number}]") for number, part in enumerate(parts))
    return [block for block in found if block is not None]


def text_content(parts: list[Part], where: str) -> list[TextBlock]:
    """The same where only text may stand: in system prompts and assistant turns. Raises as `content_of` does."""
    found: list[TextBlock] = []
    for number, block in enumerate(content_of(parts, where)):
        if not isinstance(block, TextBlock):
            field = f"{where}[{number}].type"
            raise UnsupportedFeature(f"{field}: only text can stand here in Anthropic's format", field=field)
        found.append(block)
    return found


def _content(part: Part, where: str) -> Content | None:
    cache_control = mark_of(part.cache_control)
    if part.type in ("text", "refusal"):
        text = part.text if part.type == "text" else part.refusal
        if text is None:
            raise InvalidField(f"{where}.{part.type}", "nothing", "a text")
        return None if is_blank(text) else TextBlock(text, cache_control)
    if part.type == "image_url":
        url = part.image_url.url if isinstance(part.image_url, ImageUrl) else part.image_url
        return ImageBlock(_source(url, f"{where}.image_url.url"), cache_control)
    if part.type == "file" and part.file is not None:
        return _document(part.file, f"{where}.file", cache_control)
    message = f"{where}: Anthropic's format has no content of type {part.type[:64]!r}"
    raise UnsupportedFeature(message, field=f"{where}.type", value=part.type[:64])


def _document(file: File, where: str, cache_control: CacheControl) -> Content:
    if file.file_id is not None:
        message = f"{where}.file_id: a file stored elsewhere can't be reached from here; send file_data"
        raise UnsupportedFeature(message, field=f"{where}.file_id")
    field = f"{where}.file_data"
    source = _source(file.file_data, field)
    media_type = "" if source.media_type is UNSET else source.media_type
    if media_type.startswith("image/"):
        return ImageBlock(source, cache_control)
    title = file.filename or UNSET
    if media_type in ("", _PDF):
        return DocumentBlock(source, title, cache_control)
    if not media_type.startswith("text/"):
        message = f"{field}: Anthropic's format takes PDF, text and images, not {media_type[:64]!r}"
        raise UnsupportedFeature(message, field=field, value=media_type[:64])
    return DocumentBlock(_plain_text(source, field), title, cache_control)


def _source(url: str | None, field: str) -> Source:
    if url is not None and url.startswith(("http://", "https://")):
        return Source("url", url=url)
    head, comma, payload = (url or "").partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        raise InvalidField(field, head[:32] or "nothing", _PLACES + "; data in base64")
    return Source("base64", media_type=head[5:-7].partition(";")[0], data=payload)


def _plain_text(source: Source, field: str) -> Source:
    """Text as such: Anthropic takes no text in base64."""
    try:
        text = b64decode(source.data or "", validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidField(field, "unreadable data", "base64 of text in UTF-8") from None
    return Source("text", media_type="text/plain", data=text)
