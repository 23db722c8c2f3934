"""From a CompletionSpec to the neutral request.

Format: OpenAI API reference, "Create chat completion".
"""

import base64
import math
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from pantheon.catalog.v1.parameters_pb2 import ModelParameters
from pantheon.router.v1.completion_pb2 import (
    CompletionSpec,
    ResponseFormat,
    ResponseFormatType,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from pantheon.router.v1.message_pb2 import FilePart, ImagePart, Message, MessageRole, Part
from services.parameters import RANGES
from services.router.chat import Body, ChatRequest, check_tags
from services.runtime.errors import InvalidField

_ROLES = {
    MessageRole.MESSAGE_ROLE_SYSTEM: "system",
    MessageRole.MESSAGE_ROLE_DEVELOPER: "developer",
    MessageRole.MESSAGE_ROLE_USER: "user",
    MessageRole.MESSAGE_ROLE_ASSISTANT: "assistant",
    MessageRole.MESSAGE_ROLE_TOOL: "tool",
}
_CHOICE_MODES = {
    ToolChoiceMode.TOOL_CHOICE_MODE_AUTO: "auto",
    ToolChoiceMode.TOOL_CHOICE_MODE_NONE: "none",
    ToolChoiceMode.TOOL_CHOICE_MODE_REQUIRED: "required",
}
_MOST_CHOICES = 16
_MOST_STOPS = 16
_MOST_TOOLS = 128
_SHOWN_NAME = 64
_NOT_EXTRA = ("model", "messages", "stream", "stream_options", "n", *RANGES)
_encode = msgspec.json.Encoder().encode
_object = msgspec.json.Decoder(Body)

Json = dict[str, Any]


def to_request(spec: CompletionSpec, *, stream: bool) -> ChatRequest:
    """The neutral request.

    Raises:
        InvalidField: something is missing or malformed; the field is named by its path in the spec.
    """
    given = {field.name: value for field, value in spec.ListFields()}
    if "model" not in given:
        raise InvalidField("model", "", "the id of a model")
    if "messages" not in given:
        raise InvalidField("messages", "", "a list of at least one message")
    tags = dict(given.get("tags", ()))
    check_tags(tags)
    body: Body = {
        name: msgspec.Raw(_encode(render(given[field]))) for field, (name, render) in _MEMBERS.items() if field in given
    }
    if stream:
        body["stream"] = msgspec.Raw(b"true")
    if "extra_body_json" in given:
        add_extra(body, spec.extra_body_json, _NOT_EXTRA)
    return ChatRequest(
        model=spec.model,
        body=body,
        size=length_of(body),
        parameters=_parameters(spec.parameters) if "parameters" in given else {},
        stream=stream,
        show_usage=stream,
        tags=tags,
        providers=tuple(spec.routing.providers) if "routing" in given else (),
        fallback="routing" not in given or not spec.routing.no_fallback,
        apply_defaults="apply_defaults" in given,
    )


def add_extra(body: Body, text: str, others: Container[str]) -> None:
    """Adds the members of a JSON object (`extra_body_json`).

    Raises:
        InvalidField: it is no object, or has members that the body has already or that are among the `others`.
    """
    for name, value in _schema("extra_body_json", text).items():
        if name in body or name in others:
            shown = name[:_SHOWN_NAME]
            raise InvalidField(f"extra_body_json.{shown}", shown, "members that this message has no field for")
        body[name] = value


def length_of(body: Body) -> int:
    """How many bytes the members' values have."""
    return sum(len(bytes(value)) for value in body.values())


def _parameters(parameters: ModelParameters) -> dict[str, msgspec.Raw]:
    given = {field.name: value for field, value in parameters.ListFields()}
    for name, value in given.items():
        if not math.isfinite(value):
            # JSON has no such numbers; as null it would pass for one that is not set.
            raise InvalidField(name, value, RANGES[name].allowed)
    return {name: msgspec.Raw(_encode(value)) for name, value in given.items()}


def _all_messages(messages: Sequence[Message]) -> list[Json]:
    return [rendered for message in messages for rendered in _messages(message)]


def _stop(texts: Sequence[str]) -> list[str]:
    if len(texts) > _MOST_STOPS:
        raise InvalidField("stop", len(texts), f"at most {_MOST_STOPS} texts")
    return list(texts)


def _choices(count: int) -> int:
    if not 1 <= count <= _MOST_CHOICES:
        raise InvalidField("choices", count, f"1 to {_MOST_CHOICES}")
    return count


def _tools(tools: Sequence[Tool]) -> list[Json]:
    if len(tools) > _MOST_TOOLS:
        raise InvalidField("tools", len(tools), f"at most {_MOST_TOOLS} tools")
    return [_tool(place, tool) for place, tool in enumerate(tools)]


def _messages(message: Message) -> Iterator[Json]:
    """One message; as many as it has results where it is a tool's, for OpenAI's format has one result a message."""
    role = _ROLES.get(message.role)
    if role is None:
        raise InvalidField("messages.role", message.role, "a role other than MESSAGE_ROLE_UNSPECIFIED")
    if not message.parts and role != "assistant":
        raise InvalidField("messages.parts", "", "at least one part")
    if role == "tool":
        for part in message.parts:
            if part.WhichOneof("part") != "tool_result":
                raise InvalidField("messages.parts", part.WhichOneof("part"), "tool_result parts in the tool role")
            yield {"role": role, "tool_call_id": part.tool_result.tool_call_id, "content": part.tool_result.content}
        return
    rendered: Json = {"role": role}
    if message.name:
        rendered["name"] = message.name
    rendered |= _assistant(message.parts) if role == "assistant" else {"content": _content(message.parts)}
    yield rendered


def _content(parts: Sequence[Part]) -> str | list[Json]:
    if len(parts) == 1 and parts[0].WhichOneof("part") == "text":
        return parts[0].text.text
    return [_content_part(part) for part in parts]


def _content_part(part: Part) -> Json:
    kind = part.WhichOneof("part")
    if kind == "text":
        return {"type": "text", "text": part.text.text}
    if kind == "image":
        return {"type": "image_url", "image_url": _image(part.image)}
    if kind == "audio":
        sound = base64.b64encode(part.audio.data).decode()
        return {"type": "input_audio", "input_audio": {"data": sound, "format": part.audio.format}}
    if kind == "file":
        return {"type": "file", "file": _file(part.file)}
    raise InvalidField("messages.parts", kind, "text, image, audio or file parts in this role")


def _image(image: ImagePart) -> Json:
    if not image.WhichOneof("source"):
        raise InvalidField("messages.parts.image", "", "a url or data")
    url = image.url if image.WhichOneof("source") == "url" else _data_url(image.media_type or "image/png", image.data)
    return {"url": url, "detail": image.detail} if image.detail else {"url": url}


def _file(file: FilePart) -> Json:
    if file.WhichOneof("source") == "file_id":
        return {"file_id": file.file_id}
    if not file.WhichOneof("source"):
        raise InvalidField("messages.parts.file", "", "data or a file_id")
    content = {"file_data": _data_url(file.media_type or "application/pdf", file.data)}
    return {**content, "filename": file.filename} if file.filename else content


def _data_url(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def _assistant(parts: Sequence[Part]) -> Json:
    """What the model said before. Reasoning goes back in OpenRouter's `reasoning_details`, the common extension."""
    rendered: Json = {"content": None}
    texts: list[str] = []
    calls: list[Json] = []
    reasoning: list[Json] = []
    for part in parts:
        kind = part.WhichOneof("part")
        if kind == "text":
            texts.append(part.text.text)
        elif kind == "refusal":
            rendered["refusal"] = part.refusal.text
        elif kind == "tool_call":
            function = {"name": part.tool_call.name, "arguments": part.tool_call.arguments_json}
            calls.append({"id": part.tool_call.id, "type": "function", "function": function})
        elif kind == "reasoning":
            detail = {"type": "reasoning.text", "text": part.reasoning.text, "signature": part.reasoning.signature}
            reasoning.append({name: value for name, value in detail.items() if value})
        else:
            raise InvalidField("messages.parts", kind, "text, refusal, tool_call or reasoning parts of the assistant")
    if texts:
        rendered["content"] = "".join(texts)
    if calls:
        rendered["tool_calls"] = calls
    if reasoning:
        rendered["reasoning_details"] = reasoning
    return rendered


def _tool(place: int, tool: Tool) -> Json:
    function: Json = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.parameters_json_schema:
        function["parameters"] = _schema(f"tools.{place}.parameters_json_schema", tool.parameters_json_schema)
    if tool.HasField("strict"):
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _tool_choice(choice: ToolChoice) -> str | Json:
    if choice.mode == ToolChoiceMode.TOOL_CHOICE_MODE_NAMED:
        if not choice.name:
            raise InvalidField("tool_choice.name", "", "the name of a tool")
        return {"type": "function", "function": {"name": choice.name}}
    return _CHOICE_MODES.get(choice.mode, "auto")


def _response_format(wish: ResponseFormat) -> Json:
    if wish.type == ResponseFormatType.RESPONSE_FORMAT_TYPE_JSON_OBJECT:
        return {"type": "json_object"}
    if wish.type != ResponseFormatType.RESPONSE_FORMAT_TYPE_JSON_SCHEMA:
        return {"type": "text"}
    schema: Json = {
        "name": wish.name or "response",
        "schema": _schema("response_format.json_schema", wish.json_schema),
    }
    if wish.HasField("strict"):
        schema["strict"] = wish.strict
    return {"type": "json_schema", "json_schema": schema}


def _schema(path: str, text: str) -> Body:
    try:
        return _object.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidField(path, text, f"a JSON object ({error})") from None


_MEMBERS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "model": ("model", str),
    "messages": ("messages", _all_messages),
    "stop": ("stop", _stop),
    "seed": ("seed", int),
    "choices": ("n", _choices),
    "reasoning_effort": ("reasoning_effort", str),
    "tools": ("tools", _tools),
    "tool_choice": ("tool_choice", _tool_choice),
    "parallel_tool_calls": ("parallel_tool_calls", bool),
    "response_format": ("response_format", _response_format),
}
"""The spec's fields that become members of the body: a member's name, and how its value is said in it."""
