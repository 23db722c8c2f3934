"""What a checked Gemini request asks of the model."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from services.sandbox.chat import ChatRequest, Tool, ToolChoice
from services.sandbox.gemini_contents import models, openapi
from services.sandbox.gemini_contents.body import (
    Content,
    FunctionCallingConfig,
    FunctionDeclaration,
    GenerateBody,
    GenerationConfig,
    Part,
    ThinkingConfig,
)
from services.sandbox.text import count_tokens, tokens_for

_TOKENS_PER_TURN = 2
_TOKENS_PER_MEDIUM = 258
"""A small image, after Google's guide "Understand and count tokens"; other media count the same."""


def interpret(body: GenerateBody, *, model: str, stream: bool) -> ChatRequest:
    """What the request asks of the model named `model`."""
    turns, config = body.turns, body.generation_config or GenerationConfig()
    prompt = "\n".join(_texts(body))
    tools = tuple(_tools(body.functions))
    calling = (body.tool_config.function_calling_config if body.tool_config else None) or FunctionCallingConfig()
    allowed = set(calling.allowed_function_names or ())
    mode = (calling.mode or "AUTO").upper()
    thinking = config.thinking_config or ThinkingConfig()
    wants_json = config.response_mime_type == "application/json"
    definitions = sum(len(function.name) + len(function.description) for function in body.functions)
    return ChatRequest(
        model=model,
        prompt=prompt,
        question=next((_words(turn) for turn in reversed(turns) if turn.role in (None, "user") and _words(turn)), ""),
        prompt_tokens=(
            count_tokens(prompt)
            + tokens_for(definitions)
            + _TOKENS_PER_TURN * len(turns)
            + _TOKENS_PER_MEDIUM * sum(map(_media, turns))
        ),
        stream=stream,
        include_usage=True,
        max_tokens=config.max_output_tokens,
        stop=tuple(config.stop_sequences or ()),
        choices=config.candidate_count or 1,
        seed=config.seed or 0,
        tools=tuple(tool for tool in tools if not allowed or tool.name in allowed),
        tool_choice={"ANY": ToolChoice.REQUIRED, "NONE": ToolChoice.NONE}.get(mode, ToolChoice.AUTO),
        forced_tool=next(iter(allowed)) if mode == "ANY" and len(allowed) == 1 else None,
        follows_tool_result=any(part.function_response is not None for part in turns[-1].all_parts),
        json_object=wants_json,
        json_schema=_answer_schema(config),
        top_logprobs=(config.logprobs or 0) if config.response_logprobs else None,
        reasons=_thinks(thinking, model),
        reasoning_effort=thinking.thinking_level.lower() if thinking.thinking_level else None,
        reasoning_limit=thinking.thinking_budget if (thinking.thinking_budget or 0) > 0 else None,
        shows_reasoning=bool(thinking.include_thoughts),
    )


def _thinks(thinking: ThinkingConfig, model: str) -> bool:
    if thinking.thinking_budget is not None:
        return thinking.thinking_budget != 0
    return models.thinks(model) or thinking.thinking_level is not None


def _answer_schema(config: GenerationConfig) -> Mapping[str, Any] | None:
    if config.response_schema is not None:
        return openapi.json_schema(config.response_schema, "generationConfig.responseSchema")
    return config.response_json_schema if isinstance(config.response_json_schema, dict) else None


def _tools(functions: list[FunctionDeclaration]) -> Iterator[Tool]:
    for position, function in enumerate(functions):
        if function.parameters is not None:
            place = f"tools[0].functionDeclarations[{position}].parameters"
            yield Tool(function.name, openapi.json_schema(function.parameters, place))
        else:
            schema = function.parameters_json_schema
            yield Tool(function.name, schema if isinstance(schema, dict) else None)


def _texts(body: GenerateBody) -> Iterator[str]:
    if body.system_instruction is not None:
        yield from (part.text or "" for part in body.system_instruction.all_parts)
    for turn in body.turns:
        yield turn.role or "user"
        yield from map(_text, turn.all_parts)


def _text(part: Part) -> str:
    if part.function_call is not None:
        return f"{part.function_call.name} {msgspec.json.encode(part.function_call.args).decode()}"
    if part.function_response is not None:
        return msgspec.json.encode(part.function_response.response).decode()
    return part.text or ""


def _words(turn: Content) -> str:
    return "\n".join(part.text for part in turn.all_parts if part.text)


def _media(turn: Content) -> int:
    return sum(part.inline_data is not None or part.file_data is not None for part in turn.all_parts)
