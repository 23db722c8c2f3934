"""The body of an OpenAI chat completion request, decoded strictly where the real API is strict.

After OpenAI's API reference, "Create chat completion"; wording and codes of the errors are those of recorded answers.
Unknown fields are accepted everywhere.
"""

import re
from typing import Any, TypeVar

import msgspec

from services.sandbox.errors import ApiError
from services.sandbox.openai_chat import refusals

_WRONG_TYPE = re.compile(r"Expected `(?P<expected>[^`]+)`, got `(?P<got>[^`]+)`(?: - at `\$(?P<path>[^`]*)`)?")
_MISSING = re.compile(r"Object missing required field `(?P<field>[^`]+)`(?: - at `\$(?P<path>[^`]*)`)?")
_SOME_ITEM = "[...]"
"""How msgspec writes the place of an item, whichever it is."""


class Part(msgspec.Struct, frozen=True):
    """One part of a message's content; of media only its presence matters here."""

    type: str
    text: str = ""
    refusal: str = ""


class FunctionCall(msgspec.Struct, frozen=True):
    """Name and JSON arguments of a call the model made earlier."""

    name: str = ""
    arguments: str = ""


class PastToolCall(msgspec.Struct, frozen=True):
    """A tool call in an assistant's message."""

    id: str = ""
    function: FunctionCall | None = None


class Message(msgspec.Struct, frozen=True):
    """One message; which roles exist is checked later."""

    role: str
    content: str | list[Part] | None = None
    tool_calls: list[PastToolCall] | None = None
    tool_call_id: str | None = None


class FunctionDefinition(msgspec.Struct, frozen=True):
    """A function; `parameters` is kept as written, for its length counts as prompt."""

    name: str
    description: str | None = None
    parameters: msgspec.Raw = msgspec.Raw(b"null")


class ToolDefinition(msgspec.Struct, frozen=True):
    """A tool; types other than `function` are accepted and never called."""

    type: str
    function: FunctionDefinition | None = None


class FunctionName(msgspec.Struct, frozen=True):
    """The function of a forced call."""

    name: str


class NamedToolChoice(msgspec.Struct, frozen=True):
    """A forced call."""

    type: str
    function: FunctionName | None = None


class SchemaFormat(msgspec.Struct, frozen=True):
    """The schema of a structured answer."""

    name: str
    schema: dict[str, Any] | None = None


class ResponseFormat(msgspec.Struct, frozen=True):
    """`text`, `json_object` or `json_schema`."""

    type: str
    json_schema: SchemaFormat | None = None


class StreamOptions(msgspec.Struct, frozen=True):
    """Options of a stream."""

    include_usage: bool | None = None


class ChatBody(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that change an answer."""

    model: str | None = None
    messages: list[Message] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    n: int | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    tools: list[ToolDefinition] | None = None
    tool_choice: str | NamedToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    reasoning_effort: str | None = None


class Gist(msgspec.Struct, frozen=True):
    """What the record of a request wants to know before it is checked."""

    model: Any = None
    stream: Any = None


_Body = TypeVar("_Body", bound=msgspec.Struct)
_gist_decoder = msgspec.json.Decoder(Gist)


def gist(body: bytes) -> tuple[str | None, bool]:
    """Model and streaming of a request that may yet turn out to be wrong."""
    try:
        seen = _gist_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None, False
    return seen.model if isinstance(seen.model, str) else None, seen.stream is True


def decode(body: bytes, decoder: msgspec.json.Decoder[_Body]) -> _Body:
    """The body as a value. Raises ApiError 400 for what is no JSON or has a field of a wrong type."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), body) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise refusals.not_json() from error


def _refusal(message: str, body: bytes) -> ApiError:
    """msgspec's finding in the words of the real API."""
    if (missing := _MISSING.match(message)) is not None:
        param = _located(f"{missing['path'] or ''}.{missing['field']}", body)
        return refusals.missing(param)
    wrong = _WRONG_TYPE.match(message)
    if wrong is None:
        return ApiError(400, message)
    if not wrong["path"]:
        return refusals.not_json()
    param = _located(wrong["path"], body)
    expected = [name for name in wrong["expected"].split(" | ") if name != "null"]
    return refusals.wrong_type(param, expected, wrong["got"])


def _located(path: str, body: bytes) -> str:
    """msgspec's path with the number of the first message or tool concerned, as far as it can be told."""
    head, mark, rest = path.lstrip(".").partition(_SOME_ITEM)
    if not mark:
        return head
    item_type = {"messages": Message, "tools": ToolDefinition}.get(head)
    if item_type is None:
        return head
    items = msgspec.json.decode(body, type=dict[str, Any])[head]
    for position, item in enumerate(items):
        try:
            msgspec.convert(item, item_type)
        except msgspec.ValidationError:
            return f"{head}[{position}]{rest.partition(_SOME_ITEM)[0]}"
    return head
