"""Tools, the choice among them and the format of the answer, in the common shape.

Formats: OpenAI API reference, "Create a model response" and "Create chat completion" (`tools`, `tool_choice`,
`text.format` and `response_format`).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from services.router.api.responses.content import NOTHING, is_given
from services.router.api.responses.namespaces import NAMESPACE, SEARCH, joint_name, tool_lists
from services.router.chat import Body
from services.router.wire.reading import member
from services.runtime.errors import InvalidField, UnsupportedFeature

_MODES: Final = ("none", "auto", "required")
_CALLABLE: Final = ("function", "custom")


class _Tool(msgspec.Struct):
    type: str
    name: str | None = None
    description: str | None = None
    parameters: msgspec.Raw = NOTHING
    strict: bool | None = None
    format: msgspec.Raw = NOTHING
    cache_control: msgspec.Raw = NOTHING
    execution: str | None = None
    tools: list["_Tool"] | None = None


class _Named(msgspec.Struct):
    type: str
    name: str | None = None


class _Choice(msgspec.Struct):
    type: str
    name: str | None = None
    mode: str | None = None
    tools: list[_Named] | None = None


class _CustomFormat(msgspec.Struct):
    type: str
    syntax: str | None = None
    definition: msgspec.Raw = NOTHING


class _AnswerFormat(msgspec.Struct):
    type: str
    name: str | None = None
    description: str | None = None
    strict: bool | None = None
    schema: msgspec.Raw = NOTHING


_tools = msgspec.json.Decoder(list[_Tool])
_choice: msgspec.json.Decoder[str | _Choice] = msgspec.json.Decoder(str | _Choice)
_custom_format = msgspec.json.Decoder(_CustomFormat)
_answer_format = msgspec.json.Decoder(_AnswerFormat)


def tools_of(body: Body) -> dict[str, Any]:
    """The members `tools` and `tool_choice`; without tools neither, for then there is nothing to choose.

    A choice of some of the tools (`allowed_tools`) is made by leaving the others out. A search of OpenAI's is left out:
    it spares its models the sight of all tools, which others just get.

    Raises:
        UnsupportedFeature: a tool is one that OpenAI runs itself.
        InvalidField: one is not what it should be.
    """
    choice = body.get("tool_choice", NOTHING)
    chosen = member(_choice, choice, "tool_choice") if is_given(choice) else None
    found = list(_offered(body))
    if isinstance(chosen, _Choice) and chosen.type == "allowed_tools":
        allowed = {(one.type, one.name) for one in chosen.tools or ()}
        found = [(tool, rendered) for tool, rendered in found if (tool.type, tool.name) in allowed]
        chosen = chosen.mode or "auto"
    if not found:
        return {}
    members: dict[str, Any] = {"tools": [rendered for _, rendered in found]}
    if chosen is not None:
        members["tool_choice"] = _chat_choice(chosen)
    return members


def _offered(body: Body) -> Iterator[tuple[_Tool, dict[str, Any]]]:
    """All tools, each with the one it is, or is in, as the client has it; of several of a name the first."""
    names = set()
    for field, given in tool_lists(body):
        tools: list[_Tool] = member(_tools, given, field) if is_given(given) else []
        for place, tool in enumerate(tools):
            for rendered in _rendered(tool, f"{field}[{place}]"):
                name = rendered[rendered["type"]]["name"]
                if name not in names:
                    yield tool, rendered
                names.add(name)


def _rendered(tool: _Tool, field: str) -> Iterator[dict[str, Any]]:
    if tool.type == NAMESPACE:
        namespace = _named(tool.name, field)
        for place, inner in enumerate(tool.tools or ()):
            yield _tool(inner, f"{field}.tools[{place}]", namespace)
    elif tool.type != SEARCH or tool.execution == "client":
        yield _tool(tool, field)


def response_format(given: msgspec.Raw) -> dict[str, Any] | None:
    """What `text.format` asks for; None for plain text. Raises InvalidField."""
    wish = member(_answer_format, given, "text.format")
    if wish.type == "text":
        return None
    if wish.type == "json_object":
        return {"type": "json_object"}
    if wish.type != "json_schema":
        raise InvalidField("text.format.type", wish.type, "text, json_object or json_schema")
    schema: dict[str, Any] = {"name": _named(wish.name, "text.format")}
    if wish.description is not None:
        schema["description"] = wish.description
    if is_given(wish.schema):
        schema["schema"] = wish.schema
    if wish.strict is not None:
        schema["strict"] = wish.strict
    return {"type": "json_schema", "json_schema": schema}


def _tool(tool: _Tool, field: str, namespace: str | None = None) -> dict[str, Any]:
    if tool.type not in _CALLABLE:
        message = f"{field}.type: {tool.type[:64]!r} is a tool of OpenAI's own, which this provider does not have"
        raise UnsupportedFeature(message, field=f"{field}.type", type=tool.type[:64])
    about: dict[str, Any] = {"name": joint_name(namespace, _named(tool.name, field))}
    if tool.description is not None:
        about["description"] = tool.description
    if tool.type == "custom":
        about |= _grammar(tool.format, f"{field}.format")
    else:
        about |= {"parameters": tool.parameters} if is_given(tool.parameters) else {}
        about |= {"strict": tool.strict} if tool.strict is not None else {}
    found: dict[str, Any] = {"type": tool.type, tool.type: about}
    if is_given(tool.cache_control):
        found["cache_control"] = tool.cache_control
    return found


def _grammar(given: msgspec.Raw, field: str) -> Mapping[str, Any]:
    """What a custom tool's input has to look like; the common shape puts a grammar one level deeper."""
    if not is_given(given):
        return {}
    wish = member(_custom_format, given, field)
    if wish.type != "grammar":
        return {"format": {"type": wish.type}}
    return {"format": {"type": "grammar", "grammar": {"syntax": wish.syntax, "definition": wish.definition}}}


def _chat_choice(chosen: str | _Choice) -> Any:
    if isinstance(chosen, str):
        if chosen not in _MODES:
            raise InvalidField("tool_choice", chosen, "none, auto, required, or an object")
        return chosen
    if chosen.type not in _CALLABLE:
        message = f"tool_choice.type: {chosen.type[:64]!r} is a tool of OpenAI's own, which this provider does not have"
        raise UnsupportedFeature(message, field="tool_choice.type", type=chosen.type[:64])
    return {"type": chosen.type, chosen.type: {"name": _named(chosen.name, "tool_choice")}}


def _named(name: str | None, field: str) -> str:
    if not name:
        raise InvalidField(f"{field}.name", "nothing", "a name")
    return name
