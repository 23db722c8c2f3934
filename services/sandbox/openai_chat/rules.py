"""What OpenAI's chat completions API demands of a request beyond types, and what the request means.

OpenRouter takes the same requests, so both providers read them here.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from services.sandbox.chat import ChatRequest, Tool, ToolChoice
from services.sandbox.errors import ApiError
from services.sandbox.openai_chat import refusals
from services.sandbox.openai_chat.body import ChatBody, Message, ToolDefinition
from services.sandbox.text import count_tokens, tokens_for

_ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_FORMATS = ("text", "json_object", "json_schema")
_DECIMALS = (("temperature", 0, 2), ("top_p", 0, 1), ("frequency_penalty", -2, 2), ("presence_penalty", -2, 2))
_INTEGERS = (("max_tokens", 1, None), ("max_completion_tokens", 1, None), ("n", 1, 128), ("top_logprobs", 0, 20))
_MOST_STOPS = 4
_TOKENS_PER_MESSAGE = 4
_TOKENS_PER_PROMPT = 3
_TOKENS_PER_MEDIUM = 85
"""An image in low detail, after OpenAI's "Images and vision" guide; other media count the same here."""


def check(body: ChatBody) -> None:
    """Raises ApiError 400 for the first thing the real API would refuse. A model is taken as given."""
    _check_messages(body.messages)
    for name, low, high in _DECIMALS:
        _check_range(name, getattr(body, name), low, high, "decimal")
    for name, least, most in _INTEGERS:
        _check_range(name, getattr(body, name), least, most, "integer")
    if body.stream_options is not None and not body.stream:
        text = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise ApiError(400, text, param="stream_options")
    if body.top_logprobs is not None and not body.logprobs:
        raise ApiError(400, "'logprobs' must be true in order to use 'top_logprobs'.", param="top_logprobs")
    if isinstance(body.stop, list) and len(body.stop) > _MOST_STOPS:
        raise refusals.too_long("stop", _MOST_STOPS, len(body.stop))
    _check_tools(body)
    _check_format(body)


def interpret(body: ChatBody, *, model: str, reasons: bool, effort: str | None, shows_reasoning: bool) -> ChatRequest:
    """What a checked request asks of the model named `model`."""
    messages = body.messages or []
    prompt, media = _prompt(messages)
    tools = body.tools or []
    definitions = sum(map(_definition_tokens, tools))
    chosen = body.tool_choice if isinstance(body.tool_choice, str) else None
    forced = None if body.tool_choice is None or chosen else body.tool_choice.function.name  # type: ignore[union-attr]
    response_format = body.response_format
    return ChatRequest(
        model=model,
        prompt=prompt,
        question=next((_text(message) for message in reversed(messages) if message.role == "user"), ""),
        prompt_tokens=(
            _TOKENS_PER_PROMPT
            + _TOKENS_PER_MESSAGE * len(messages)
            + _TOKENS_PER_MEDIUM * media
            + count_tokens(prompt)
            + definitions
        ),
        stream=bool(body.stream),
        include_usage=body.stream_options is not None and bool(body.stream_options.include_usage),
        max_tokens=body.max_tokens if body.max_completion_tokens is None else body.max_completion_tokens,
        stop=(body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ()),
        choices=body.n or 1,
        seed=body.seed or 0,
        tools=tuple(_tools(tools)),
        tool_choice=ToolChoice(chosen) if chosen else ToolChoice.AUTO,
        forced_tool=forced,
        parallel_tool_calls=body.parallel_tool_calls is not False,
        follows_tool_result=bool(messages) and messages[-1].role in ("tool", "function"),
        json_object=response_format is not None and response_format.type == "json_object",
        json_schema=response_format.json_schema.schema if response_format and response_format.json_schema else None,
        top_logprobs=(body.top_logprobs or 0) if body.logprobs else None,
        reasons=reasons,
        reasoning_effort=effort,
        shows_reasoning=shows_reasoning,
    )


def _check_messages(messages: list[Message] | None) -> None:
    if messages is None:
        raise refusals.missing("messages")
    if not messages:
        raise refusals.empty("messages")
    for position, message in enumerate(messages):
        if message.role not in _ROLES:
            raise refusals.unsupported(f"messages[{position}].role", message.role, _ROLES)
        if message.role == "tool" and message.tool_call_id is None:
            raise refusals.missing(f"messages[{position}].tool_call_id")
        if message.content is None and message.role not in ("assistant", "function"):
            text = f"Invalid value for 'content': expected a string, got null. (messages[{position}])"
            raise ApiError(400, text, param=f"messages[{position}].content")


def _check_range(name: str, value: float | None, low: float, high: float | None, kind: str) -> None:
    if value is not None and value < low:
        raise refusals.below(name, value, low, kind)
    if value is not None and high is not None and value > high:
        raise refusals.above(name, value, high, kind)


def _check_tools(body: ChatBody) -> None:
    if body.tools == []:
        raise refusals.empty("tools")
    for position, tool in enumerate(body.tools or ()):
        if tool.type == "function" and tool.function is None:
            raise refusals.missing(f"tools[{position}].function")
    if body.tool_choice is None:
        return
    if body.tools is None:
        text = "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified."
        raise ApiError(400, text, param="tool_choice")
    if isinstance(body.tool_choice, str):
        allowed = tuple(choice.value for choice in ToolChoice)
        if body.tool_choice not in allowed:
            raise refusals.unsupported("tool_choice", body.tool_choice, allowed)
        return
    if body.tool_choice.function is None:
        raise refusals.missing("tool_choice.function")
    name = body.tool_choice.function.name
    if not any(tool.function is not None and tool.function.name == name for tool in body.tools):
        text = f"Invalid value for 'tool_choice': the tool '{name}' is not among 'tools'."
        raise ApiError(400, text, param="tool_choice")


def _check_format(body: ChatBody) -> None:
    wanted = body.response_format
    if wanted is None:
        return
    if wanted.type not in _FORMATS:
        raise refusals.unsupported("response_format.type", wanted.type, _FORMATS)
    if wanted.type == "json_schema" and (wanted.json_schema is None or wanted.json_schema.schema is None):
        raise refusals.missing("response_format.json_schema" + (".schema" if wanted.json_schema else ""))
    if wanted.type == "json_object" and "json" not in _prompt(body.messages or [])[0].casefold():
        text = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
        raise ApiError(400, text, param="messages")


def _prompt(messages: list[Message]) -> tuple[str, int]:
    """All text of the messages, and how many images, sounds and files they hold."""
    texts: list[str] = []
    media = 0
    for message in messages:
        texts += (message.role, _text(message))
        if isinstance(message.content, list):
            media += sum(part.type not in ("text", "refusal") for part in message.content)
        for call in message.tool_calls or ():
            if call.function is not None:
                texts += (call.function.name, call.function.arguments)
    return "\n".join(texts), media


def _text(message: Message) -> str:
    if isinstance(message.content, list):
        return "\n".join(part.text or part.refusal for part in message.content)
    return message.content or ""


def _tools(definitions: list[ToolDefinition]) -> Iterator[Tool]:
    for position, tool in enumerate(definitions):
        if tool.function is not None:
            parameters: Any = msgspec.json.decode(tool.function.parameters)
            if parameters is not None and not isinstance(parameters, dict):
                param = f"tools[{position}].function.parameters"
                text = f"Invalid type for '{param}': expected an object, but got something else instead."
                raise ApiError(400, text, param=param, code="invalid_type")
            yield Tool(tool.function.name, parameters)


def _definition_tokens(tool: ToolDefinition) -> int:
    if tool.function is None:
        return 0
    described = len(tool.function.name) + len(tool.function.description or "")
    return tokens_for(described + len(bytes(tool.function.parameters)))
