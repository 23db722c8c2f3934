"""The messages of a chat request, as far as they are read."""

from typing import Any

import msgspec

from services.router.wire.gemini.media import Link, Part
from services.router.wire.reading import Member


class Google(msgspec.Struct):
    """What Google's own answers carry and want back: a signature, and parts that chat has no form for."""

    thought_signature: str | None = None
    parts: list[msgspec.Raw] | None = None


class Extra(msgspec.Struct):
    """`extra_content`, as in Google's OpenAI compatibility."""

    google: Google | None = None


class Function(msgspec.Struct):
    """The function called; its arguments are an object written as a text."""

    name: str
    arguments: str | None = None


class ToolCall(msgspec.Struct):
    """A call the model made."""

    id: str | None = None
    type: str = "function"
    function: Function | None = None
    extra_content: Extra | None = None

    @property
    def signature(self) -> str | None:
        """The signature the call came with."""
        google = self.extra_content.google if self.extra_content else None
        return google.thought_signature if google else None


class Detail(msgspec.Struct):
    """One of `reasoning_details`; `id` is that of the tool call it belongs to."""

    type: str = ""
    id: str | None = None
    format: str | None = None
    text: str | None = None
    signature: str | None = None
    data: str | None = None


class Image(msgspec.Struct):
    """An image the model made."""

    image_url: Link


class Message(msgspec.Struct):
    """One message of whatever role."""

    role: str
    content: str | list[Part] | None = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    reasoning_details: list[Detail] | None = None
    extra_content: Extra | None = None
    images: list[Image] | None = None
    function_call: Any = None
    audio: Any = None


MESSAGES = Member("messages", list[Message])
