"""The body of an Anthropic messages request, decoded as strictly as the real API does.

After Anthropic's API reference, "Create a Message" and "Count tokens in a Message"; the errors have the words of
recorded answers. Unlike OpenAI's, the real API refuses members of the request that it does not know.
"""

import re
from typing import Any

import msgspec

from services.sandbox.errors import ApiError

_WRONG_TYPE = re.compile(r"Expected `(?P<expected>[^`]+)`, got `[^`]+`(?: - at `\$(?P<path>[^`]*)`)?")
_MISSING = re.compile(r"Object missing required field `(?P<field>[^`]+)`(?: - at `\$(?P<path>[^`]*)`)?")
_ITEM = re.compile(r"\[(\d+|\.\.\.)\]")
_TYPE_NAMES = {
    "str": "a valid string",
    "int": "a valid integer",
    "float": "a valid number",
    "bool": "a valid boolean",
    "array": "a valid array",
    "object": "a valid dictionary",
}
_BETA_FIELDS = frozenset({"context_management", "mcp_servers", "output_format", "thread", "compaction", "fallbacks"})


class CacheControl(msgspec.Struct, frozen=True):
    """A request to cache everything up to here."""

    type: str = "ephemeral"
    ttl: str = "5m"


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A content block of any type; which types exist and what they need is checked later."""

    type: str
    text: str = ""
    thinking: str = ""
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: Any = None
    tool_use_id: str | None = None
    content: str | list[Any] | None = None
    source: dict[str, Any] | None = None
    cache_control: CacheControl | None = None


class Message(msgspec.Struct, frozen=True):
    """One message."""

    role: str
    content: str | list[Block]


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool; those with a type other than `custom` are run by Anthropic, and never called here."""

    name: str = ""
    type: str | None = None
    description: str = ""
    input_schema: dict[str, Any] | None = None
    cache_control: CacheControl | None = None

    @property
    def is_clients(self) -> bool:
        """Whether the client runs it."""
        return self.type in (None, "custom")


class ToolChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Whether and which tool has to be called."""

    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(msgspec.Struct, frozen=True, kw_only=True):
    """Whether and how much the model thinks."""

    type: str
    budget_tokens: int | None = None
    display: str | None = None


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """The schema of a structured answer."""

    type: str
    schema: dict[str, Any] | None = None


class OutputConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How the answer is to be."""

    effort: str | None = None
    format: Format | None = None


class MessagesBody(msgspec.Struct, frozen=True, kw_only=True):
    """All fields the API knows; those of type Any change nothing here."""

    model: str | None = None
    messages: list[Message] | None = None
    max_tokens: int | None = None
    system: str | list[Block] | None = None
    stream: bool | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: Format | None = None
    cache_control: CacheControl | None = None
    metadata: dict[str, Any] | None = None
    service_tier: str | None = None
    container: Any = None
    context_management: Any = None
    mcp_servers: Any = None
    inference_geo: Any = None
    speed: Any = None
    diagnostics: Any = None

    @property
    def format(self) -> Format | None:
        """The schema asked for, under its present name or the one of its beta."""
        return (self.output_config.format if self.output_config else None) or self.output_format


_FIELDS = frozenset(MessagesBody.__struct_fields__) | _BETA_FIELDS
_decoder = msgspec.json.Decoder(MessagesBody)
_names_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


def decode(body: bytes) -> MessagesBody:
    """The body as a value. Raises ApiError 400 for what is no JSON, has an unknown field or one of a wrong type."""
    try:
        names = _names_decoder.decode(body)
        read = _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiError(400, "The request body is not valid JSON: " + str(error)) from error
    for name in names:
        if name not in _FIELDS:
            raise ApiError(400, f"{name}: Extra inputs are not permitted")
    return read


def _refusal(message: str) -> ApiError:
    """msgspec's finding in the words of the real API."""
    if (missing := _MISSING.match(message)) is not None:
        return ApiError(400, f"{_place((missing['path'] or '') + '.' + missing['field'])}: Field required")
    wrong = _WRONG_TYPE.match(message)
    if wrong is None:
        return ApiError(400, message)
    if not wrong["path"]:
        return ApiError(400, "Input should be a valid dictionary or object to extract fields from")
    expected = wrong["expected"].split(" | ")[0]
    return ApiError(400, f"{_place(wrong['path'])}: Input should be {_TYPE_NAMES.get(expected, expected)}")


def _place(path: str) -> str:
    """msgspec's path as Anthropic writes paths; where it does not say which item, the first is named."""
    return _ITEM.sub(lambda item: f".{item[1].replace('...', '0')}", path).lstrip(".")
