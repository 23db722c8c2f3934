"""Tools and the choice among them.

Formats: OpenAI API reference, "Chat" (tools, tool_choice); Gemini API reference, "Tool", "FunctionDeclaration"
(`parametersJsonSchema` takes JSON Schema as it is, `parameters` only a part of OpenAPI's) and "FunctionCallingConfig".
"""

from typing import Any

import msgspec

from services.router.chat import NULL, Body
from services.router.wire.reading import Member, given
from services.runtime.errors import InvalidField, UnsupportedFeature

_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}
_OWN_TOOLS = {
    "googleSearch": "googleSearch",
    "google_search": "googleSearch",
    "googleMaps": "googleMaps",
    "google_maps": "googleMaps",
    "codeExecution": "codeExecution",
    "code_execution": "codeExecution",
    "urlContext": "urlContext",
    "url_context": "urlContext",
    "fileSearch": "fileSearch",
    "file_search": "fileSearch",
    "googleSearchRetrieval": "googleSearchRetrieval",
    "computerUse": "computerUse",
    "computer_use": "computerUse",
}
"""Google's tools, in both spellings of its documents."""

_CHOICES = "auto, none, required, a function by name, or allowed_tools"

Json = dict[str, Any]


class _Declared(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: msgspec.Raw = NULL


class _Named(msgspec.Struct):
    name: str = ""


class _AllowedTool(msgspec.Struct):
    function: _Named = msgspec.field(default_factory=_Named)


class _Allowed(msgspec.Struct):
    mode: str = "auto"
    tools: list[_AllowedTool] = msgspec.field(default_factory=list)


class _Choice(msgspec.Struct):
    type: str = "function"
    function: _Named | None = None
    allowed_tools: _Allowed | None = None


_TOOLS = Member("tools", list[Body])
_FUNCTION = Member("function", _Declared)
_TYPE = Member("type", str)
_CHOICE: Member[str | _Choice] = Member("tool_choice", str | _Choice)


def tools_of(body: Body) -> list[Json]:
    """Gemini's tools: the functions in one, Google's own each by itself, the search asked for by chat's option.

    Raises:
        UnsupportedFeature: a tool that Gemini's format has no form for.
        InvalidField: a tool that is not what it should be.
    """
    declared: list[Json] = []
    own: list[Json] = []
    for number, tool in enumerate(_TOOLS.of(body) or ()):
        names = _OWN_TOOLS.keys() & tool.keys()
        if names:
            own.append({_OWN_TOOLS[name]: tool[name] for name in names})
        else:
            declared.append(_declaration(tool, f"tools[{number}]"))
    if given(body, "web_search_options") is not None and not any("googleSearch" in tool for tool in own):
        own.append({"googleSearch": {}})
    return [{"functionDeclarations": declared}, *own] if declared else own


def _declaration(tool: Body, where: str) -> Json:
    try:
        kind = _TYPE.of(tool) or "function"
        function = _FUNCTION.of(tool)
    except InvalidField as error:
        raise InvalidField(f"{where}.{error.metadata['field']}", "this value", error.metadata["allowed"]) from None
    if kind != "function" or function is None:
        message = f"{where}: Gemini's format has no tools of type {kind[:64]!r}"
        raise UnsupportedFeature(message, field=f"{where}.type", value=kind[:64])
    found: Json = {"name": function.name}
    if function.description:
        found["description"] = function.description
    if function.parameters != NULL:
        found["parametersJsonSchema"] = function.parameters
    return found


def calling_config(body: Body) -> Json | None:
    """The mode of function calling; None where the request leaves it to the model.

    Raises:
        InvalidField, UnsupportedFeature: the choice is none that Gemini knows.
    """
    choice = _CHOICE.of(body)
    if choice is None:
        return None
    if isinstance(choice, str):
        if choice not in _MODES:
            raise InvalidField("tool_choice", choice, _CHOICES)
        return {"mode": _MODES[choice]}
    if choice.allowed_tools is not None:
        mode = "ANY" if choice.allowed_tools.mode == "required" else "VALIDATED"
        return {"mode": mode, "allowedFunctionNames": [tool.function.name for tool in choice.allowed_tools.tools]}
    if choice.type != "function" or choice.function is None:
        message = f"tool_choice: Gemini's format has no tools of type {choice.type[:64]!r}"
        raise UnsupportedFeature(message, field="tool_choice.type", value=choice.type[:64])
    return {"mode": "ANY", "allowedFunctionNames": [choice.function.name]}
