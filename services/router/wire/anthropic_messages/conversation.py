"""Chat messages as Anthropic's system prompt and turns.

Formats: Claude API docs, "Messages" (roles, consecutive turns), "Tool use" (results stand first in the user's turn),
"Thinking" (blocks carried back with their signature); OpenRouter, "Reasoning tokens" (`reasoning_details`).
"""

import re
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import UNSET

from services.router.chat import NULL
from services.router.wire.anthropic_messages.blocks import (
    Block,
    Part,
    RedactedThinkingBlock,
    TextBlock,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
    content_of,
    is_blank,
    text_content,
)
from services.router.wire.reading import Member
from services.runtime.errors import InvalidField, UnsupportedFeature

REASONING_FORMAT = "anthropic-claude-v1"
"""OpenRouter's name for thinking that carries Anthropic's signatures."""

_NOT_OF_AN_ID = re.compile(r"[^a-zA-Z0-9_-]")
_NO_INPUT = msgspec.Raw(b"{}")


class _Function(msgspec.Struct):
    name: str
    arguments: str | None = None


class _ToolCall(msgspec.Struct):
    function: _Function
    id: str = ""


class _ReasoningDetail(msgspec.Struct):
    type: str = ""
    text: str | None = None
    signature: str | None = None
    data: str | None = None
    format: str | None = None


class _Message(msgspec.Struct):
    role: str
    content: str | list[Part] | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None
    tool_call_id: str | None = None
    reasoning_details: list[_ReasoningDetail] | None = None
    cache_control: msgspec.Raw = NULL
    audio: Any = None


class Turn(msgspec.Struct):
    """One turn: `role` is user or assistant."""

    role: str
    content: list[Block]


@dataclass(slots=True)
class Conversation:
    """What the messages came to."""

    system: list[TextBlock] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)

    @property
    def goes_on_without_thinking(self) -> bool:
        """Whether it stands amid calls of tools whose turn has not brought its thinking back.

        A model that thinks by budget can't take up its thinking in such a turn ("Thinking", preserving blocks).
        """
        if len(self.turns) < 2 or self.turns[-1].role != "user":
            return False
        if not any(isinstance(block, ToolResultBlock) for block in self.turns[-1].content):
            return False
        return not isinstance(self.turns[-2].content[0], ThinkingBlock | RedactedThinkingBlock)


_messages: Member[list[_Message]] = Member("messages", list[_Message])
_input = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)


def read_conversation(messages: msgspec.Raw) -> Conversation:
    """The messages in Anthropic's order: what system and developer say first, then turns that alternate.

    Raises:
        UnsupportedFeature: a message that Anthropic's format can't carry.
        InvalidField: a message is not what it should be.
    """
    found = Conversation()
    for number, message in enumerate(_messages.read(messages)):
        where = f"messages[{number}]"
        if message.role in ("system", "developer"):
            found.system += _marked(text_content(_parts(message), f"{where}.content"), message)
        elif message.role == "user":
            _add(found, "user", _marked(content_of(_parts(message), f"{where}.content"), message))
        elif message.role == "assistant":
            _add(found, "assistant", _marked(_assistant(message, where), message))
        elif message.role == "tool":
            _add(found, "user", _marked([_tool_result(message, where)], message))
        else:
            raise InvalidField(f"{where}.role", message.role, "system, developer, user, assistant or tool")
    return found


def _parts(message: _Message) -> list[Part]:
    if isinstance(message.content, str):
        return [Part("text", text=message.content)]
    return message.content or []


def _add(conversation: Conversation, role: str, blocks: list[Any]) -> None:
    """Adds to the turn that is under way where it is of the same role. A message without content makes no turn."""
    turns = conversation.turns
    if not blocks:
        return
    if turns and turns[-1].role == role:
        turns[-1].content += blocks
    else:
        turns.append(Turn(role, blocks))


def _marked(blocks: list[Any], message: _Message) -> list[Any]:
    """A cache mark on the whole message stands on its last block."""
    if message.cache_control != NULL and blocks and getattr(blocks[-1], "cache_control", None) is UNSET:
        blocks[-1].cache_control = message.cache_control
    return blocks


def _assistant(message: _Message, where: str) -> list[Block]:
    if message.audio is not None:
        raise UnsupportedFeature(f"{where}.audio: Anthropic's format has no audio", field=f"{where}.audio")
    blocks: list[Block] = [*_thinking(message.reasoning_details or ())]
    blocks += text_content(_parts(message), f"{where}.content")
    if message.refusal is not None and not is_blank(message.refusal):
        blocks.append(TextBlock(message.refusal))
    for number, call in enumerate(message.tool_calls or ()):
        arguments = _arguments(call.function.arguments or "", f"{where}.tool_calls[{number}].function.arguments")
        blocks.append(ToolUseBlock(_id(call.id), call.function.name, arguments))
    return blocks


def _thinking(details: Any) -> list[ThinkingBlock | RedactedThinkingBlock]:
    """The thinking that Anthropic signed, in order. What others wrote, or nobody signed, it would refuse."""
    blocks: list[ThinkingBlock | RedactedThinkingBlock] = []
    for detail in details:
        if detail.format not in (None, REASONING_FORMAT):
            continue
        if detail.type == "reasoning.encrypted" and detail.data:
            blocks.append(RedactedThinkingBlock(detail.data))
        elif detail.type == "reasoning.text" and detail.signature:
            blocks.append(ThinkingBlock(detail.text or "", detail.signature))
    return blocks


def _tool_result(message: _Message, where: str) -> ToolResultBlock:
    if message.tool_call_id is None:
        raise InvalidField(f"{where}.tool_call_id", "nothing", "it is required")
    result = ToolResultBlock(_id(message.tool_call_id))
    if isinstance(message.content, str):
        result.content = message.content
    elif message.content:
        blocks = result.content = content_of(message.content, f"{where}.content")
        for block in blocks:
            # A mark counts on the result as a whole, not inside it.
            if block.cache_control is not UNSET:
                result.cache_control, block.cache_control = block.cache_control, UNSET
    return result


def _arguments(text: str, where: str) -> msgspec.Raw:
    """A call's arguments as they came, where they are an object."""
    if not text.strip():
        return _NO_INPUT
    try:
        found = _input.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise InvalidField(where, "other text", "a JSON object, as text") from None
    return _NO_INPUT if found is None else msgspec.Raw(text.encode())


def _id(given: str) -> str:
    """A call's id in the letters Anthropic allows: other vendors' ids hold dots, colons and bars."""
    return _NOT_OF_AN_ID.sub("_", given) or "_"
