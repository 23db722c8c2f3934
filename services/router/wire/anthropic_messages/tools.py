"""Tools and the choice among them.

Formats: Claude API docs, "Tool use", "Strict tool use", "Web search tool"; OpenAI API reference, "Chat" (`tools`,
`tool_choice`, `parallel_tool_calls`, `web_search_options`).
"""

from typing import TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from services.router.chat import NULL, Body
from services.router.wire.anthropic_messages.blocks import CacheControl, mark_of
from services.router.wire.anthropic_messages.generations import Generation
from services.router.wire.anthropic_messages.outputs import constrained
from services.router.wire.reading import Member, member
from services.runtime.errors import InvalidField, UnsupportedFeature

_NO_PARAMETERS = msgspec.Raw(b'{"type":"object","properties":{}}')
_CHOICES = {"auto": "auto", "none": "none", "required": "any"}
_encode = msgspec.json.Encoder().encode
_any = msgspec.json.Decoder()


class _Function(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: dict[str, msgspec.Raw] | None = None
    strict: bool | None = None
    cache_control: msgspec.Raw = NULL


class _Offered(msgspec.Struct):
    type: str = "function"
    function: _Function | None = None
    cache_control: msgspec.Raw = NULL


class _Chosen(msgspec.Struct):
    name: str


class _Choice(msgspec.Struct):
    type: str
    function: _Chosen | None = None


class Tool(msgspec.Struct):
    """One of the client's tools."""

    name: str
    input_schema: msgspec.Raw
    description: str | UnsetType = UNSET
    strict: bool | UnsetType = UNSET
    cache_control: CacheControl = UNSET


class WebSearch(msgspec.Struct, tag="web_search_20250305"):
    """The provider's own search, in the version that every model takes."""

    name: str = "web_search"
    user_location: dict[str, msgspec.Raw] | UnsetType = UNSET


class ToolChoice(msgspec.Struct):
    """`type` is auto, any, none, or tool (then with its name)."""

    type: str
    name: str | UnsetType = UNSET
    disable_parallel_tool_use: bool | UnsetType = UNSET

    @property
    def forces(self) -> bool:
        """Whether the model has to call a tool."""
        return self.type in ("any", "tool")


class _Location(msgspec.Struct):
    approximate: dict[str, msgspec.Raw] | None = None


class _SearchOptions(msgspec.Struct):
    user_location: _Location | None = None


AnyTool: TypeAlias = Tool | WebSearch

_tools: Member[list[_Offered]] = Member("tools", list[_Offered])
_choice: Member[str | _Choice] = Member("tool_choice", str | _Choice)
_parallel: Member[bool] = Member("parallel_tool_calls", bool)
_search: Member[_SearchOptions] = Member("web_search_options", _SearchOptions)


def tools_of(chat: Body, generation: Generation) -> list[AnyTool]:
    """The tools of the request, and web search where it asks for that.

    Raises:
        UnsupportedFeature: a tool is not a function.
        InvalidField: a member is not what it should be.
    """
    found: list[AnyTool] = []
    for number, offered in enumerate(_tools.of(chat) or ()):
        where = f"tools[{number}]"
        if offered.type != "function":
            message = f"{where}.type: Anthropic's format has no tools of type {offered.type[:64]!r}"
            raise UnsupportedFeature(message, field=f"{where}.type", value=offered.type[:64])
        if offered.function is None:
            raise InvalidField(f"{where}.function", "nothing", "it is required")
        found.append(_tool(offered.function, offered.cache_control, generation))
    search = _search.of(chat)
    if search is not None:
        found.append(_web_search(search))
    return found


def choice_of(chat: Body, *, has_tools: bool) -> ToolChoice | UnsetType:
    """Which tools to use, and whether several at once; unset where the request leaves it open.

    Raises:
        UnsupportedFeature: a choice among some of the tools.
        InvalidField: no known choice.
    """
    if not has_tools:
        return UNSET
    found: ToolChoice | UnsetType = UNSET
    choice = _choice.of(chat)
    if choice is not None:
        found = _chosen(choice)
    if _parallel.of(chat) is False:
        found = ToolChoice("auto") if found is UNSET else found
        if found.type != "none":
            found.disable_parallel_tool_use = True
    return found


def _chosen(choice: str | _Choice) -> ToolChoice:
    if isinstance(choice, str):
        if choice not in _CHOICES:
            raise InvalidField("tool_choice", choice, "auto, none, required, or a function")
        return ToolChoice(_CHOICES[choice])
    if choice.type != "function":
        message = f"tool_choice.type: Anthropic's format has no choice of type {choice.type[:64]!r}"
        raise UnsupportedFeature(message, field="tool_choice.type", value=choice.type[:64])
    if choice.function is None:
        raise InvalidField("tool_choice.function", "nothing", "it is required")
    return ToolChoice("tool", choice.function.name)


def _tool(function: _Function, mark: msgspec.Raw, generation: Generation) -> Tool:
    strict = bool(function.strict) and generation.is_strict
    return Tool(
        function.name,
        _schema(function.parameters, strict=strict),
        UNSET if function.description is None else function.description,
        True if strict else UNSET,
        mark_of(function.cache_control if mark == NULL else mark),
    )


def _schema(parameters: dict[str, msgspec.Raw] | None, *, strict: bool) -> msgspec.Raw:
    """Anthropic wants the schema of an object, even of an empty one."""
    if not parameters:
        parameters = msgspec.json.decode(_NO_PARAMETERS, type=dict[str, msgspec.Raw])
    if "type" not in parameters:
        parameters = {"type": msgspec.Raw(b'"object"'), **parameters}
    schema = _encode(parameters)
    return msgspec.Raw(_encode(constrained(member(_any, msgspec.Raw(schema), "tools"), "tools")) if strict else schema)


def _web_search(options: _SearchOptions) -> WebSearch:
    place = options.user_location.approximate if options.user_location else None
    return WebSearch(user_location={"type": msgspec.Raw(b'"approximate"'), **place} if place else UNSET)
