"""What a simulated model answers: text, tool calls or JSON, derived from the request and the sandbox's seed alone."""

import re
from itertools import chain

import msgspec

from services.sandbox import schema
from services.sandbox.chat import ChatRequest, Choice, FinishReason, JsonObject, Tool, ToolCall, ToolChoice
from services.sandbox.errors import ApiError
from services.sandbox.scalars import UnsatisfiableSchema
from services.sandbox.text import (
    CHARS_PER_TOKEN,
    count_tokens,
    digest,
    paragraph,
    passage,
    split_tokens,
    topic_of,
)

_SHORTEST_ANSWER = 24
_LENGTH_SPREAD = 64
_PROMPT_SHARE = 4
_LONGEST_ECHO = 400
"""An answer is 24 to 87 tokens long, plus a quarter of the prompt's tokens, of which 400 at the most."""
_REASONING_STEP = 64
_REASONING_STEPS = {
    "none": (0, 0),
    "minimal": (0, 0),
    "low": (1, 1),
    "medium": (1, 4),
    "high": (4, 12),
    "xhigh": (8, 24),
}
"""Least and greatest thinking by effort, in steps of 64 tokens, which is how OpenAI reports it."""
_SHORTEST_MENTION = 4
_NO_ARGUMENTS = {"type": "object"}
_SCHEMA_OF_ANYTHING = {"type": "object", "required": ["answer"], "properties": {"answer": {"type": "string"}}}


def compose(
    request: ChatRequest, seed: int, *, length: int | None = None, filter_after: int | None = None
) -> tuple[Choice, ...]:
    """The choices of an answer; the same request and seed make the same choices.

    `length` orders text of exactly so many tokens, `filter_after` that a content filter ends it after so many. Raises
    ApiError 400 for a schema that no value fits.
    """
    tools = called_tools(request)
    number = digest(str(seed), str(request.seed), request.model, request.prompt, *(tool.name for tool in request.tools))
    if filter_after is not None:
        tools = ()
    choices = (_choice(request, index, number + index, tools, length) for index in range(request.choices))
    return tuple(choices if filter_after is None else (_filtered(choice, filter_after) for choice in choices))


def completion_tokens(choice: Choice) -> int:
    """Tokens billed for one choice: thinking, text, names and arguments of the tools called."""
    called = sum(count_tokens(call.name) + count_tokens(call.arguments) for call in choice.tool_calls)
    return count_tokens(choice.reasoning) + count_tokens(choice.content or "") + called


def called_tools(request: ChatRequest) -> tuple[Tool, ...]:
    """The tools this model decides to call.

    The forced one; else those that the question mentions, by any word of four letters or more of their names; else,
    where a call is required, the first. Only one of them unless calls may be parallel; none after a tool's result.
    """
    if request.forced_tool is not None:
        return tuple(tool for tool in request.tools if tool.name == request.forced_tool)[:1]
    required = request.tool_choice is ToolChoice.REQUIRED
    if not request.tools or request.tool_choice is ToolChoice.NONE or (request.follows_tool_result and not required):
        return ()
    question = request.question.casefold()
    mentioned = tuple(tool for tool in request.tools if _is_mentioned(tool.name, question))
    chosen = mentioned or (request.tools[:1] if required else ())
    return chosen if request.parallel_tool_calls else chosen[:1]


def logprobs(content: str, alternatives: int) -> list[dict[str, object]]:
    """Log probabilities in OpenAI's shape: the chosen token is almost certain, each alternative much less so."""
    entries = []
    for token in split_tokens(content):
        entry = _logprob(token, 0.0)
        others = (_logprob(token[::-1] + "~" * rank, -8.0 * rank) for rank in range(1, alternatives))
        entry["top_logprobs"] = list(chain([_logprob(token, 0.0)], others)) if alternatives else []
        entries.append(entry)
    return entries


def _choice(request: ChatRequest, index: int, number: int, tools: tuple[Tool, ...], length: int | None) -> Choice:
    reasoning = passage(number, _reasoning_tokens(request, number), topic_of(request.question))
    budget = None
    if request.max_tokens is not None:
        reasoning = reasoning[: request.max_tokens * CHARS_PER_TOKEN]
        budget = request.max_tokens - count_tokens(reasoning)
    if tools:
        calls, finish = _calls(request, tools, number, budget)
        return Choice(index=index, content=None, reasoning=reasoning, tool_calls=calls, finish_reason=finish)
    content, finish, stop = _cut(_content(request, number, length), request.stop, budget)
    return Choice(index=index, content=content, reasoning=reasoning, finish_reason=finish, stop_sequence=stop)


def _filtered(choice: Choice, tokens: int) -> Choice:
    content = (choice.content or "")[: tokens * CHARS_PER_TOKEN]
    return msgspec.structs.replace(choice, content=content, finish_reason="content_filter", stop_sequence=None)


def _content(request: ChatRequest, number: int, length: int | None) -> str:
    if request.json_schema is not None:
        return _json(request.json_schema, number, "response_format", "response_format")
    if request.json_object:
        return _json(_SCHEMA_OF_ANYTHING, number, "response_format", "response_format")
    topic = topic_of(request.question)
    if length is not None:
        return passage(number, length, topic)
    echo = min(request.prompt_tokens // _PROMPT_SHARE, _LONGEST_ECHO)
    return paragraph(number, _SHORTEST_ANSWER + number % _LENGTH_SPREAD + echo, topic)


def _calls(
    request: ChatRequest, tools: tuple[Tool, ...], number: int, budget: int | None
) -> tuple[tuple[ToolCall, ...], FinishReason]:
    """Calls of the tools with arguments that fit their schemas; cut off in mid-argument where the budget ends."""
    calls: list[ToolCall] = []
    for position, tool in enumerate(tools):
        subject = f"function '{tool.name}'"
        arguments = _json(tool.parameters or _NO_ARGUMENTS, number + position, subject, "tools")
        call_id = f"call_{digest(str(number), str(position), request.model):020x}"
        if budget is not None:
            budget -= count_tokens(tool.name)
            if budget < 0:
                return tuple(calls), "length"
            if budget < count_tokens(arguments):
                calls.append(ToolCall(call_id, tool.name, arguments[: budget * CHARS_PER_TOKEN]))
                return tuple(calls), "length"
            budget -= count_tokens(arguments)
        calls.append(ToolCall(call_id, tool.name, arguments))
    return tuple(calls), "tool_calls"


def _cut(content: str, stop: tuple[str, ...], budget: int | None) -> tuple[str, FinishReason, str | None]:
    """The text up to the first stop sequence or the token limit, whichever is met first; and that stop sequence."""
    within = content if budget is None else content[: budget * CHARS_PER_TOKEN]
    found = [(position, sequence) for sequence in stop if (position := within.find(sequence)) >= 0]
    if found:
        position, sequence = min(found)
        return within[:position], "stop", sequence
    return within, "stop" if len(within) == len(content) else "length", None


def _reasoning_tokens(request: ChatRequest, number: int) -> int:
    if not request.reasons:
        return 0
    least, most = _REASONING_STEPS.get(request.reasoning_effort or "medium", _REASONING_STEPS["medium"])
    tokens = _REASONING_STEP * (least + number % (most - least + 1))
    return tokens if request.reasoning_limit is None else min(tokens, request.reasoning_limit)


def _json(value_schema: JsonObject, number: int, subject: str, param: str) -> str:
    """JSON that fits a schema. Raises ApiError 400, in OpenAI's words, where none does."""
    try:
        value = schema.sample(value_schema, number)
    except UnsatisfiableSchema as error:
        raise ApiError(400, f"Invalid schema for {subject}: {error}.", param=param) from error
    return msgspec.json.encode(value).decode()


def _is_mentioned(name: str, question: str) -> bool:
    words = re.split(r"[-_.]", name.casefold())
    return any(word in question for word in words if len(word) >= _SHORTEST_MENTION)


def _logprob(token: str, value: float) -> dict[str, object]:
    return {"token": token, "logprob": value, "bytes": list(token.encode("utf-8", "surrogatepass"))}
