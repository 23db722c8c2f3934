"""System prompt and messages of a request as the messages of the common shape.

Formats: Anthropic API reference, "Create a message", "Extended thinking", "Tool use"; OpenRouter, "Reasoning tokens"
(`reasoning_details`); Google, "OpenAI compatibility" (`extra_content`).
"""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from services.router.api.anthropic.content import Block, Part, is_given, nested, part_of, parts_of, plain
from services.router.api.carrier import unsealed
from services.router.wire.reading import member
from services.runtime.errors import InvalidField

Message = dict[str, Any]
_TOOL_SEARCH = "tool_search_tool"
_FAILED = "Error"
"""What a failed tool call has said when it said nothing."""


class _Turn(msgspec.Struct):
    role: Literal["user", "assistant", "system"]
    content: str | list[Block]


_turns = msgspec.json.Decoder(list[_Turn])
_system = msgspec.json.Decoder(str | list[Block])


def messages_of(system: msgspec.Raw, messages: msgspec.Raw) -> list[Message]:
    """All messages, the system prompt first. Raises UnsupportedFeature, InvalidField."""
    found: list[Message] = []
    if is_given(system):
        parts = parts_of(member(_system, system, "system"), "system")
        if parts and plain(parts):
            found.append({"role": "system", "content": plain(parts)})
    turns: list[_Turn] = member(_turns, messages, "messages")
    for place, turn in enumerate(turns):
        found.extend(_messages(turn, f"messages[{place}].content"))
    return found


def _messages(turn: _Turn, field: str) -> Iterator[Message]:
    if isinstance(turn.content, str):
        yield {"role": turn.role, "content": turn.content}
    elif turn.role == "assistant":
        yield _Assistant().message(turn.content, field)
    elif turn.role == "system":
        # A tool that is added here was declared with the others, and all of them are known from the start.
        parts = parts_of([block for block in turn.content if block.type != "tool_addition"], field)
        if parts:
            yield {"role": "system", "content": plain(parts)}
    else:
        yield from _user(turn.content, field)


def _user(blocks: Sequence[Block], field: str) -> Iterator[Message]:
    """Results of tools are messages of their own, which have to come right after the calls."""
    parts: list[Part] = []
    answered = False
    for place, block in enumerate(blocks):
        at = f"{field}[{place}]"
        if block.type == "tool_result":
            answered = True
            yield _result(block, at)
        else:
            parts.extend(part_of(block, at))
    if parts or not answered:
        yield {"role": "user", "content": plain(parts) if parts else ""}


def _result(block: Block, field: str) -> Message:
    if not block.tool_use_id:
        raise InvalidField(f"{field}.tool_use_id", "nothing", "the id of a tool call")
    parts = nested(block.content, f"{field}.content")
    if not parts and block.is_error:
        parts = [{"type": "text", "text": _FAILED}]
    if parts and is_given(block.cache_control):
        parts[-1]["cache_control"] = block.cache_control
    return {"role": "tool", "tool_call_id": block.tool_use_id, "content": plain(parts) if parts else ""}


class _Assistant:
    """Puts a message of the model's together."""

    def __init__(self) -> None:
        self._parts: list[Part] = []
        self._details: list[dict[str, Any]] = []
        self._thoughts: list[str] = []
        self._calls: dict[str, dict[str, Any]] = {}
        self._extra: dict[str, Any] = {}
        """What calls, by id, or (with an empty id) the message itself had of Google's `extra_content`."""

    def message(self, blocks: Sequence[Block], field: str) -> Message:
        for place, block in enumerate(blocks):
            self._take(block, f"{field}[{place}]")
        message: Message = {"role": "assistant"}
        if self._parts or not self._calls:
            message["content"] = plain(self._parts) if self._parts else ""
        else:
            message["content"] = None
        if thoughts := "".join(self._thoughts):
            message["reasoning"] = thoughts
        if self._details:
            message["reasoning_details"] = self._details
        if self._calls:
            message["tool_calls"] = list(self._calls.values())
        for call_id, extra in self._extra.items():
            self._calls.get(call_id, message if not call_id else {})["extra_content"] = extra
        return message

    def _take(self, block: Block, field: str) -> None:
        if block.type == "thinking":
            self._thoughts.append(block.thinking or "")
            self._details.extend(_detail(block))
        elif block.type == "redacted_thinking":
            self._take_redacted(block)
        elif block.type == "tool_use":
            self._calls[block.id or ""] = _call(block, field)
        elif not (block.type == "tool_search_tool_result" or _searches_tools(block)):
            self._parts.extend(part_of(block, field))

    def _take_redacted(self, block: Block) -> None:
        carried = unsealed(block.data or "")
        if carried is None:
            self._details.append({"type": "reasoning.encrypted", "data": block.data or ""})
        elif "extra_content" in carried:
            self._extra[str(carried.get("id") or "")] = carried["extra_content"]
        else:
            self._details.append(carried)


def _searches_tools(block: Block) -> bool:
    return block.type == "server_tool_use" and (block.name or "").startswith(_TOOL_SEARCH)


def _detail(block: Block) -> Iterator[dict[str, Any]]:
    """The reasoning detail that a thinking block was made of. Reasoning that came as a mere text has none."""
    text = block.thinking or ""
    carried = unsealed(block.signature or "")
    if carried:
        kind = carried.get("type") or "reasoning.text"
        yield {**carried, "type": kind, "summary" if kind == "reasoning.summary" else "text": text}
    elif carried is None:
        signed = {"signature": block.signature} if block.signature else {}
        yield {"type": "reasoning.text", "text": text, **signed}


def _call(block: Block, field: str) -> dict[str, Any]:
    for name in ("id", "name"):
        if not getattr(block, name):
            raise InvalidField(f"{field}.{name}", "nothing", "a text")
    arguments = bytes(block.input).decode() if is_given(block.input) else "{}"
    return {"id": block.id, "type": "function", "function": {"name": block.name, "arguments": arguments}}
