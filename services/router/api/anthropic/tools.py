"""Tools, the choice among them and schemas, in the common shape.

Formats: Anthropic API reference, "Tool use", "Structured outputs"; OpenAI API reference, "Function calling",
"Structured outputs" (what `strict` demands of a schema).
"""

from typing import Any, Literal

import msgspec

from services.router.api.anthropic.content import NOTHING, is_given
from services.router.wire.reading import member
from services.runtime.errors import InvalidField, UnsupportedFeature

_TOOL_SEARCH = "tool_search_tool"
_ANY_OBJECT = {"type": "object", "properties": {}}


class _Tool(msgspec.Struct):
    type: str | None = None
    name: str | None = None
    description: str | None = None
    input_schema: msgspec.Raw = NOTHING
    strict: bool | None = None
    cache_control: msgspec.Raw = NOTHING


class _Choice(msgspec.Struct):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class _Format(msgspec.Struct):
    type: str
    schema: msgspec.Raw = NOTHING


_tools = msgspec.json.Decoder(list[_Tool])
_choice = msgspec.json.Decoder(_Choice)
_format = msgspec.json.Decoder(_Format)
_schema = msgspec.json.Decoder(dict[str, Any])
_NO_SCHEMAS = ("properties", "required", "enum", "const", "default", "examples")
_MODES = {"auto": "auto", "any": "required", "none": "none"}


def tools_of(given: msgspec.Raw) -> list[dict[str, Any]]:
    """The client's own tools.

    Tool search is left out: it spares Anthropic's models the sight of all tools, which others just get.

    Raises:
        UnsupportedFeature: Anthropic would run the tool, or has taught its models to use it.
        InvalidField: one is not what it should be.
    """
    if not is_given(given):
        return []
    found: list[dict[str, Any]] = []
    tools: list[_Tool] = member(_tools, given, "tools")
    for place, tool in enumerate(tools):
        kind = tool.type or "custom"
        if kind == "custom":
            found.append(_function(tool, f"tools[{place}]"))
        elif not kind.startswith(_TOOL_SEARCH):
            field = f"tools[{place}].type"
            raise UnsupportedFeature(
                f"{field}: {kind[:64]!r} is a tool of Anthropic's own, which this provider does not have",
                field=field,
                type=kind,
            )
    return found


def _function(tool: _Tool, field: str) -> dict[str, Any]:
    if not tool.name:
        raise InvalidField(f"{field}.name", "nothing", "the name of a tool")
    function: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"] = tool.input_schema if is_given(tool.input_schema) else _ANY_OBJECT
    if tool.strict is not None:
        given = is_given(tool.input_schema)
        schema = member(_schema, tool.input_schema, f"{field}.input_schema") if given else {}
        function["strict"] = tool.strict and is_closed(schema)
    found: dict[str, Any] = {"type": "function", "function": function}
    if is_given(tool.cache_control):
        found["cache_control"] = tool.cache_control
    return found


def choice_of(given: msgspec.Raw) -> tuple[Any, bool]:
    """The `tool_choice`, and whether several tools may be called at once. Raises InvalidField."""
    choice = member(_choice, given, "tool_choice")
    parallel = not choice.disable_parallel_tool_use
    if choice.type != "tool":
        return _MODES[choice.type], parallel
    if not choice.name:
        raise InvalidField("tool_choice.name", "nothing", "the name of a tool")
    return {"type": "function", "function": {"name": choice.name}}, parallel


def response_format(given: msgspec.Raw, field: str) -> dict[str, Any]:
    """The `response_format` of a structured answer. Raises InvalidField, UnsupportedFeature."""
    wish = member(_format, given, field)
    if wish.type != "json_schema":
        raise UnsupportedFeature(f"{field}.type: only 'json_schema' can be translated", field=f"{field}.type")
    strict = is_closed(member(_schema, wish.schema, f"{field}.schema"))
    return {"type": "json_schema", "json_schema": {"name": "response", "schema": wish.schema, "strict": strict}}


def is_closed(schema: dict[str, Any]) -> bool:
    """Whether OpenAI takes a schema as `strict`: every object lists all its properties as required, and no others.

    Anthropic has no such demand. A schema that is not so is sent as a wish, not as a promise that would be refused.
    """
    waiting: list[Any] = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            properties = one.get("properties")
            named = properties if isinstance(properties, dict) else {}
            if (named or one.get("type") == "object") and not _lists_all(one, named):
                return False
            waiting += [*named.values(), *(value for name, value in one.items() if name not in _NO_SCHEMAS)]
    return True


def _lists_all(schema: dict[str, Any], properties: dict[str, Any]) -> bool:
    required = schema.get("required")
    listed = required if isinstance(required, list) else []
    return schema.get("additionalProperties") is False and all(name in listed for name in properties)
