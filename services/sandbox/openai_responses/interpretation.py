"""What a checked request to the Responses API asks of the model, and what its answer repeats of it."""

from collections.abc import Iterator
from typing import Any

import msgspec

from services.sandbox.chat import ChatRequest, Tool, ToolChoice
from services.sandbox.openai_responses.body import Item, NamedChoice, Part, ResponsesBody, TextFormat
from services.sandbox.text import count_tokens, tokens_for

ENCRYPTED = "reasoning.encrypted_content"

_MEDIA = ("input_image", "input_file", "input_audio")
_TOKENS_PER_ITEM = 4
_TOKENS_PER_PROMPT = 3
_TOKENS_PER_MEDIUM = 85
"""An image in low detail, after OpenAI's "Images and vision" guide; other media count the same here."""


def interpret(body: ResponsesBody, *, model: str, reasons: bool) -> ChatRequest:
    """What the request asks of the model named `model`."""
    items = body.items
    prompt = "\n".join([body.instructions or "", *(text for item in items for text in _texts(item))])
    functions = [tool for tool in body.tools or () if tool.type == "function"]
    definitions = sum(len(tool.name or "") + len(tool.description or "") for tool in functions)
    choice, wanted = body.tool_choice, body.text.format if body.text else None
    reasoning = body.reasoning
    return ChatRequest(
        model=model,
        prompt=prompt,
        question=next((_words(item.content) for item in reversed(items) if item.role == "user"), ""),
        prompt_tokens=(
            _TOKENS_PER_PROMPT
            + _TOKENS_PER_ITEM * len(items)
            + _TOKENS_PER_MEDIUM * sum(map(_media, items))
            + count_tokens(prompt)
            + tokens_for(definitions)
        ),
        stream=bool(body.stream),
        include_usage=True,
        max_tokens=body.max_output_tokens,
        tools=tuple(Tool(tool.name or "", tool.parameters) for tool in functions),
        tool_choice=_choice(choice),
        forced_tool=choice.name if isinstance(choice, NamedChoice) and choice.type == "function" else None,
        parallel_tool_calls=body.parallel_tool_calls is not False,
        follows_tool_result=bool(items) and items[-1].type == "function_call_output",
        json_object=wanted is not None and wanted.type == "json_object",
        json_schema=wanted.schema if wanted else None,
        reasons=reasons,
        reasoning_effort=reasoning.effort if reasoning else None,
        shows_reasoning=reasoning is not None and bool(reasoning.summary or reasoning.generate_summary),
        echo=_echo(body, wanted),
    )


def _choice(choice: str | NamedChoice | None) -> ToolChoice:
    if isinstance(choice, NamedChoice):
        return ToolChoice(choice.mode or "required") if choice.type == "allowed_tools" else ToolChoice.REQUIRED
    return ToolChoice(choice) if choice else ToolChoice.AUTO


def _echo(body: ResponsesBody, wanted: TextFormat | None) -> dict[str, Any]:
    """The members of the request that the answer repeats, and their defaults."""
    reasoning = body.reasoning
    return {
        "background": bool(body.background),
        "instructions": body.instructions,
        "max_output_tokens": body.max_output_tokens,
        "max_tool_calls": body.max_tool_calls,
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "previous_response_id": None,
        "prompt_cache_key": body.prompt_cache_key,
        "reasoning": {
            "effort": reasoning.effort if reasoning else None,
            "summary": reasoning.summary if reasoning else None,
        },
        "safety_identifier": body.safety_identifier,
        "store": body.store is not False,
        "temperature": 1.0 if body.temperature is None else body.temperature,
        "text": {
            "format": _written(wanted),
            "verbosity": (body.text.verbosity if body.text else None) or "medium",
        },
        "tool_choice": "auto" if body.tool_choice is None else msgspec.to_builtins(body.tool_choice),
        "tools": [msgspec.to_builtins(tool) for tool in body.tools or ()],
        "top_logprobs": body.top_logprobs or 0,
        "top_p": 1.0 if body.top_p is None else body.top_p,
        "truncation": body.truncation or "disabled",
        "user": body.user,
        "metadata": body.metadata or {},
        "include": body.include or [],
    }


def _written(wanted: TextFormat | None) -> dict[str, Any]:
    if wanted is None or wanted.type != "json_schema":
        return {"type": wanted.type if wanted else "text"}
    return {"type": "json_schema", "description": None, "name": wanted.name, "schema": wanted.schema, "strict": True}


def _texts(item: Item) -> Iterator[str]:
    if item.type == "function_call":
        yield f"{item.name} {item.arguments}"
    elif item.type == "function_call_output":
        yield _words(item.output)
    elif item.type == "message":
        yield item.role or ""
        yield _words(item.content)


def _words(content: str | list[Part] | None) -> str:
    if isinstance(content, list):
        return "\n".join(part.text or part.refusal for part in content)
    return content or ""


def _media(item: Item) -> int:
    contents = [content for content in (item.content, item.output) if isinstance(content, list)]
    return sum(part.type in _MEDIA for content in contents for part in content)
