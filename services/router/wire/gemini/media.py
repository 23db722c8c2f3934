"""Parts of chat messages that are no text, as Gemini's parts.

Formats: OpenAI API reference, "Chat" (content parts); OpenRouter, "Video inputs"; Gemini API docs, "File input methods"
(inline data, URLs, files of the Files API) and "Audio understanding".
"""

import binascii
from base64 import b64decode, b64encode
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import msgspec

from services.runtime.errors import InvalidField, UnsupportedFeature

_BY_ENDING = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "heic": "image/heic",
    "heif": "image/heif",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "html": "text/html",
    "csv": "text/csv",
    "json": "application/json",
    "xml": "text/xml",
    "mp3": "audio/mp3",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "aac": "audio/aac",
    "aiff": "audio/aiff",
    "m4a": "audio/mp4",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "mpeg": "video/mpeg",
    "webm": "video/webm",
}
_SOUNDS = {"pcm16": "audio/L16;rate=24000", "m4a": "audio/mp4"}
_URL_SCHEMES = ("http://", "https://", "gs://")
_PLACES = "a data: URL, an http(s) URL or a gs:// URI"


class Link(msgspec.Struct):
    """Where something is."""

    url: str


class Sound(msgspec.Struct):
    """Sound in base64."""

    data: str
    format: str


class File(msgspec.Struct):
    """A document, by its content or by its name at a provider."""

    file_id: str | None = None
    file_data: str | None = None
    filename: str | None = None


class Part(msgspec.Struct):
    """One part of a chat message's content."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: Link | str | None = None
    video_url: Link | str | None = None
    input_audio: Sound | None = None
    file: File | None = None


def part_of(part: Part, where: str) -> dict[str, Any]:
    """Gemini's part; `where` names the chat part in errors.

    Raises:
        UnsupportedFeature: a part that Gemini has no form for.
        InvalidField: a part without what its type promises, or a malformed data URL.
    """
    if part.type in ("text", "refusal"):
        text = part.text if part.type == "text" else part.refusal
        if text is None:
            raise InvalidField(f"{where}.{part.type}", "nothing", "a text")
        return {"text": text}
    if part.type in ("image_url", "video_url"):
        link = part.image_url if part.type == "image_url" else part.video_url
        return _located(link.url if isinstance(link, Link) else link, f"{where}.{part.type}.url")
    if part.type == "input_audio":
        return _sound(part.input_audio, f"{where}.input_audio")
    if part.type == "file":
        return _file(part.file, f"{where}.file")
    message = f"{where}: Gemini's format has no content of type {part.type[:64]!r}"
    raise UnsupportedFeature(message, field=f"{where}.type", value=part.type[:64])


def _sound(sound: Sound | None, where: str) -> dict[str, Any]:
    if sound is None:
        raise InvalidField(where, "nothing", "sound with its format")
    return _inline(_SOUNDS.get(sound.format, f"audio/{sound.format}"), sound.data)


def _file(file: File | None, where: str) -> dict[str, Any]:
    if file is None:
        raise InvalidField(where, "nothing", "a file")
    if file.file_id is not None:
        if file.file_id.startswith(_URL_SCHEMES):
            return _located(file.file_id, f"{where}.file_id", file.filename)
        message = f"{where}.file_id: a file stored elsewhere can't be reached from here; send file_data"
        raise UnsupportedFeature(message, field=f"{where}.file_id")
    content = file.file_data or ""
    if content.startswith(("data:", *_URL_SCHEMES)):
        return _located(content, f"{where}.file_data", file.filename)
    try:
        b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        content = ""
    if not content:
        raise InvalidField(f"{where}.file_data", "something else", f"{_PLACES}, or base64")
    return _inline(_by_ending(file.filename) or "application/pdf", content)


def _located(url: str | None, field: str, name: str | None = None) -> dict[str, Any]:
    if url is not None and url.startswith(_URL_SCHEMES):
        media_type = _by_ending(name) or _by_ending(_path(url, field))
        return {"fileData": {"mimeType": media_type, "fileUri": url} if media_type else {"fileUri": url}}
    head, comma, payload = (url or "").partition(",")
    if not comma or not head.startswith("data:"):
        raise InvalidField(field, head[:32] or "nothing", _PLACES)
    media_type = head[5:].removesuffix(";base64")
    if not head.endswith(";base64"):
        payload = b64encode(unquote_to_bytes(payload)).decode()
    return _inline(media_type or "text/plain", payload)


def _path(url: str, field: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        raise InvalidField(field, url, "a URL") from None


def _inline(media_type: str, payload: str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": media_type, "data": payload}}


def _by_ending(name: str | None) -> str | None:
    return _BY_ENDING.get((name or "").rpartition(".")[2].lower())
