"""What Anthropic's messages API demands of a request beyond types.

After Anthropic's API reference and guides ("Errors", "Tool use", "Extended thinking", "Prompt caching", "Structured
outputs"); wording as in answers of the real API.
"""

import re
from collections.abc import Iterable

from services.sandbox.anthropic_messages import conversation
from services.sandbox.anthropic_messages.body import Block, MessagesBody, Thinking, Tool
from services.sandbox.anthropic_messages.structure import unsupported
from services.sandbox.errors import ApiError

_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_CHOICES = ("auto", "any", "tool", "none")
_THINKING = ("enabled", "adaptive", "between_tools", "disabled")
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_SHARES = ("temperature", "top_p")
_LEAST_BUDGET = 1024
_MOST_MARKS = 4


def check(body: MessagesBody, *, counts: bool = False) -> None:
    """Raises ApiError 400 for the first thing the real API would refuse; `counts` where tokens are only counted."""
    if not body.model:
        raise _wrong("model", "Field required")
    if body.max_tokens is None and not counts:
        raise _wrong("max_tokens", "Field required")
    if body.max_tokens is not None and body.max_tokens < 1:
        raise _wrong("max_tokens", "must be greater than or equal to 1")
    _check_sampling(body)
    _check_tools(body.tools or [])
    _check_choice(body)
    conversation.check(body)
    _check_thinking(body)
    _check_format(body)
    _check_marks(body)


def marked_blocks(body: MessagesBody) -> Iterable[Block | Tool]:
    """Everything that `cache_control` may stand on, in the order of the prompt."""
    yield from body.tools or ()
    if isinstance(body.system, list):
        yield from body.system
    for message in body.messages or ():
        if isinstance(message.content, list):
            yield from message.content


def _check_sampling(body: MessagesBody) -> None:
    for name in _SHARES:
        value: float | None = getattr(body, name)
        if value is not None and not 0 <= value <= 1:
            raise _wrong(name, "range: 0..1")
    if body.top_k is not None and body.top_k < 0:
        raise _wrong("top_k", "Input should be greater than or equal to 0")
    for position, sequence in enumerate(body.stop_sequences or ()):
        if not sequence.strip():
            raise _wrong(f"stop_sequences.{position}", "each stop sequence must contain non-whitespace")


def _check_tools(tools: list[Tool]) -> None:
    names = set()
    for position, tool in enumerate(tools):
        if not tool.is_clients:
            continue
        place = f"tools.{position}.custom"
        if not _TOOL_NAME.fullmatch(tool.name):
            raise _wrong(f"{place}.name", f"String should match pattern '^{_TOOL_NAME.pattern}$'")
        if tool.input_schema is None:
            raise _wrong(f"{place}.input_schema", "Field required")
        if tool.input_schema.get("type") != "object":
            raise _wrong(f"{place}.input_schema.type", "Input should be 'object'")
        if tool.name in names:
            raise _wrong("tools", "Tool names must be unique.")
        names.add(tool.name)


def _check_choice(body: MessagesBody) -> None:
    choice = body.tool_choice
    if choice is None:
        return
    if choice.type not in _CHOICES:
        raise _wrong("tool_choice", _tags(choice.type, _CHOICES))
    if choice.type == "tool" and not choice.name:
        raise _wrong("tool_choice.tool.name", "Field required")
    if not body.tools and choice.type in ("any", "tool"):
        raise _wrong("tool_choice", "may only be specified while providing tools")
    if choice.name and choice.type == "tool" and choice.name not in {tool.name for tool in body.tools or ()}:
        raise ApiError(400, f"Tool '{choice.name}' not found in provided tools")


def _check_thinking(body: MessagesBody) -> None:
    thinking = body.thinking
    if thinking is None:
        return
    if thinking.type not in _THINKING:
        raise _wrong("thinking", _tags(thinking.type, _THINKING))
    _check_budget(thinking, body.max_tokens)
    if thinking.type == "disabled":
        return
    if body.temperature not in (None, 1):
        text = "`temperature` may only be set to 1 when thinking is enabled."
        raise ApiError(400, text)
    if body.top_k is not None:
        raise ApiError(400, "`top_k` must be unset when thinking is enabled.")
    if thinking.type == "enabled" and body.tool_choice is not None and body.tool_choice.type in ("any", "tool"):
        raise ApiError(400, "Thinking may not be enabled when tool_choice forces tool use.")


def _check_budget(thinking: Thinking, max_tokens: int | None) -> None:
    if thinking.type != "enabled":
        if thinking.budget_tokens is not None:
            raise _wrong(f"thinking.{thinking.type}.budget_tokens", "Extra inputs are not permitted")
        return
    if thinking.budget_tokens is None:
        raise _wrong("thinking.enabled.budget_tokens", "Field required")
    if thinking.budget_tokens < _LEAST_BUDGET:
        raise _wrong("thinking.enabled.budget_tokens", f"Input should be greater than or equal to {_LEAST_BUDGET}")
    if max_tokens is not None and thinking.budget_tokens >= max_tokens:
        raise ApiError(400, "`max_tokens` must be greater than `thinking.budget_tokens`.")


def _check_format(body: MessagesBody) -> None:
    effort = body.output_config.effort if body.output_config else None
    if effort is not None and effort not in _EFFORTS:
        raise _wrong("output_config.effort", f"Input should be {_listed(_EFFORTS)}")
    wanted = body.format
    if wanted is None:
        return
    place = "output_format" if wanted is body.output_format else "output_config.format"
    if wanted.type != "json_schema":
        raise _wrong(f"{place}.type", "Input should be 'json_schema'")
    if wanted.schema is None:
        raise _wrong(f"{place}.schema", "Field required")
    if (found := unsupported(wanted.schema)) is not None:
        raise _wrong(f"{place}.schema", found)


def _check_marks(body: MessagesBody) -> None:
    marks = sum(block.cache_control is not None for block in marked_blocks(body)) + (body.cache_control is not None)
    if marks > _MOST_MARKS:
        raise ApiError(400, f"A maximum of {_MOST_MARKS} blocks with cache_control may be provided. Found {marks}.")


def _wrong(place: str, what: str) -> ApiError:
    return ApiError(400, f"{place}: {what}", param=place)


def _tags(found: str, expected: tuple[str, ...]) -> str:
    names = ", ".join(f"'{name}'" for name in expected)
    return f"Input tag '{found}' found using 'type' does not match any of the expected tags: {names}"


def _listed(names: tuple[str, ...]) -> str:
    quoted = [f"'{name}'" for name in names]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"
