"""Content blocks of a request as the content parts of the common shape.

Formats: Anthropic API reference, "Create a message", "Vision", "PDF support", "Search results"; OpenAI API reference,
"Create chat completion" (content parts).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from services.router.chat import NULL
from services.router.wire.reading import member
from services.runtime.errors import InvalidField, UnsupportedFeature

Part = dict[str, Any]
NOTHING: Final = msgspec.Raw()
_UNTITLED = "document.pdf"


class Block(msgspec.Struct):
    """A block of any type, with the members that any of them has."""

    type: str
    text: str | None = None
    source: msgspec.Raw = NOTHING
    content: msgspec.Raw = NOTHING
    cache_control: msgspec.Raw = NOTHING
    title: str | None = None
    context: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = NOTHING
    tool_use_id: str | None = None
    is_error: bool | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    tool_name: str | None = None


class _Source(msgspec.Struct):
    type: str
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    content: msgspec.Raw = NOTHING


_source = msgspec.json.Decoder(_Source)
_text = msgspec.json.Decoder(str)
_blocks: msgspec.json.Decoder[str | list[Block]] = msgspec.json.Decoder(str | list[Block])


def is_given(value: msgspec.Raw) -> bool:
    """Whether a member is there and not null."""
    return value not in (NOTHING, NULL)


def parts_of(content: str | Sequence[Block], field: str) -> list[Part]:
    """The content parts of a message, or of whatever else has content.

    Raises:
        UnsupportedFeature: a block has no counterpart.
        InvalidField: one is not what it should be.
    """
    if isinstance(content, str):
        return [_text_part(content)]
    return [part for place, block in enumerate(content) for part in part_of(block, f"{field}[{place}]")]


def part_of(block: Block, field: str) -> Sequence[Part]:
    """The content parts of one block, its wish for caching on the last of them. Raises as `parts_of` does."""
    render = _PARTS.get(block.type)
    if render is None:
        raise UnsupportedFeature(
            f"{field}: content of type {block.type[:64]!r} can't be said to this provider", field=field, type=block.type
        )
    parts = list(render(block, field))
    if parts and is_given(block.cache_control):
        parts[-1]["cache_control"] = block.cache_control
    return parts


def plain(parts: list[Part]) -> str | list[Part]:
    """The parts as they are written most simply: a text alone as such."""
    if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
        text: str = parts[0]["text"]
        return text
    return parts


def nested(content: msgspec.Raw, field: str) -> list[Part]:
    """The parts of content inside a block. Raises as `parts_of` does."""
    return parts_of(member(_blocks, content, field), field) if is_given(content) else []


def _text_part(text: str) -> Part:
    return {"type": "text", "text": text}


def _text_of(block: Block, field: str) -> Iterator[Part]:
    if block.text is None:
        raise InvalidField(f"{field}.text", "null", "a text")
    yield _text_part(block.text)


def _image(block: Block, field: str) -> Iterator[Part]:
    source = _source_of(block, field)
    if source.type == "file":
        yield {"type": "file", "file": {"file_id": source.file_id}}
    else:
        yield {"type": "image_url", "image_url": {"url": _url(source, field)}}


def _document(block: Block, field: str) -> Iterator[Part]:
    source = _source_of(block, field)
    if source.type == "text":
        yield _text_part("\n\n".join(filter(None, (block.title, block.context, source.data))))
        return
    about = [_text_part(block.context)] if block.context else []
    if source.type == "content":
        yield from ([_text_part(block.title)] if block.title else [])
        yield from about
        yield from nested(source.content, f"{field}.source.content")
        return
    yield from about
    if source.type == "file":
        yield {"type": "file", "file": {"file_id": source.file_id}}
    else:
        yield {"type": "file", "file": {"filename": block.title or _UNTITLED, "file_data": _url(source, field)}}


def _search_result(block: Block, field: str) -> Iterator[Part]:
    source = member(_text, block.source, f"{field}.source")
    yield _text_part("\n".join(filter(None, (block.title, source))))
    yield from nested(block.content, f"{field}.content")


def _tool_reference(block: Block, _field: str) -> Iterator[Part]:
    # A tool found by tool search. Here the model knows all its tools from the start.
    yield _text_part(block.tool_name or "")


_PARTS: Mapping[str, Callable[[Block, str], Iterator[Part]]] = {
    "text": _text_of,
    "image": _image,
    "document": _document,
    "search_result": _search_result,
    "tool_reference": _tool_reference,
}


def _source_of(block: Block, field: str) -> _Source:
    return member(_source, block.source, f"{field}.source")


def _url(source: _Source, field: str) -> str:
    """Where the content is: at an address, or in the URL itself."""
    if source.type == "base64" and source.data is not None and source.media_type:
        return f"data:{source.media_type};base64,{source.data}"
    if source.type == "url" and source.url:
        return source.url
    raise InvalidField(f"{field}.source", source.type, "base64 with media_type and data, url with url, or file")
