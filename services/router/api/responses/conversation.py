"""Instructions and input items of a request as the messages of the common shape.

Formats: OpenAI API reference, "Create a model response" (`instructions`, `input`) and "Create chat completion"
(`messages`). What the model did in one turn is several items there and one message here: its reasoning, its text and
its calls of tools.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from services.router.api.responses.content import (
    NOTHING,
    Content,
    as_parts,
    content_of,
    is_given,
    join,
    joined,
    text_at,
)
from services.router.api.responses.namespaces import joint_name
from services.router.api.responses.thoughts import Thoughts, thoughts_of
from services.router.wire.reading import member
from services.runtime.errors import InvalidField, UnsupportedFeature

Message = dict[str, Any]
_ROLES: Final = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}
"""Roles there and here, where many a provider does not know the developer."""
_EMPTY: Final = msgspec.Raw(b'""')


class _Item(msgspec.Struct):
    """An item of any type, with the members that any of those known here has."""

    type: str | None = None
    role: str | None = None
    content: msgspec.Raw = NOTHING
    call_id: str | None = None
    name: str | None = None
    namespace: str | None = None
    arguments: msgspec.Raw = NOTHING
    input: msgspec.Raw = NOTHING
    output: msgspec.Raw = NOTHING
    summary: msgspec.Raw = NOTHING
    encrypted_content: str | None = None


_items = msgspec.json.Decoder(list[_Item])


def messages_of(instructions: msgspec.Raw | None, given: msgspec.Raw | None) -> list[Message]:
    """All messages, the instructions first.

    Raises:
        UnsupportedFeature: an item has no counterpart.
        InvalidField: one is not what it should be.
    """
    messages = _Messages()
    if instructions is not None and is_given(instructions):
        messages.found.append({"role": "system", "content": text_at(instructions, "instructions")})
    given = given if given is not None else NOTHING
    if bytes(given).startswith(b'"'):
        messages.found.append({"role": "user", "content": given})
    else:
        items: list[_Item] = member(_items, given, "input")
        for place, item in enumerate(items):
            messages.take(item, f"input[{place}]")
    messages.end_turn()
    return messages.found


class _Turn:
    """What the model did until somebody else said something."""

    def __init__(self) -> None:
        self.content: Content | None = None
        self.calls: list[dict[str, Any]] = []
        self.thoughts = Thoughts()

    def say(self, content: Content) -> None:
        if self.content is None:
            self.content = content
        elif isinstance(self.content, list) or isinstance(content, list):
            self.content = [*as_parts(self.content), *as_parts(content)]
        else:
            self.content = join(self.content, content)

    def message(self) -> Message | None:
        """The turn as a message; None where there is nothing that anybody would want back."""
        if self.content is None and not self.calls and not self.thoughts.opaque:
            return None
        content = self.content if self.content is not None else None if self.calls else _EMPTY
        message: Message = {"role": "assistant", "content": content}
        if self.thoughts.details:
            message["reasoning_details"] = self.thoughts.details
        if self.thoughts.message:
            message["extra_content"] = self.thoughts.message
        if self.calls:
            message["tool_calls"] = self.calls
        for call in self.calls:
            if extra := self.thoughts.calls.get(call["id"]):
                call["extra_content"] = extra
        return message


class _Messages:
    """Puts the messages together, item by item."""

    def __init__(self) -> None:
        self.found: list[Message] = []
        self._turn: _Turn | None = None

    def take(self, item: _Item, field: str) -> None:
        kind = item.type or ("message" if item.role else "item_reference")
        take = _TAKEN.get(kind)
        if take is None:
            message = f"{field}.type: {kind[:64]!r} is known to OpenAI only and can't be said to this provider"
            raise UnsupportedFeature(message, field=f"{field}.type", type=kind[:64])
        take(self, item, field)

    def end_turn(self) -> None:
        """Writes down what the model did."""
        message = self._turn.message() if self._turn is not None else None
        if message is not None:
            self.found.append(message)
        self._turn = None

    def message(self, item: _Item, field: str) -> None:
        role = _ROLES.get(item.role or "")
        if role is None:
            raise InvalidField(f"{field}.role", item.role, "user, assistant, system or developer")
        content = content_of(item.content, f"{field}.content")
        if role != "assistant":
            self.end_turn()
            self.found.append({"role": role, "content": content})
            return
        turn = self._open_turn()
        if turn.content is not None and not turn.calls:
            turn = self._next_turn()
        turn.say(joined(content))

    def reasoning(self, item: _Item, field: str) -> None:
        thoughts = thoughts_of(item.encrypted_content, item.summary, item.content, field)
        turn = self._open_turn()
        if turn.content is not None and not turn.calls and not thoughts.late:
            turn = self._next_turn()
        turn.thoughts.add(thoughts)

    def function_call(self, item: _Item, field: str) -> None:
        arguments = text_at(item.arguments, f"{field}.arguments")
        self._call("function", item, field, {"arguments": arguments})

    def custom_tool_call(self, item: _Item, field: str) -> None:
        self._call("custom", item, field, {"input": text_at(item.input, f"{field}.input")})

    def output(self, item: _Item, field: str) -> None:
        self.end_turn()
        content = joined(content_of(item.output, f"{field}.output"))
        call_id = _text(item.call_id, f"{field}.call_id")
        self.found.append({"role": "tool", "tool_call_id": call_id, "content": content})

    def search(self, item: _Item, field: str) -> None:
        """Nothing: what was found is among the tools."""

    def _call(self, kind: str, item: _Item, field: str, said: Mapping[str, Any]) -> None:
        call_id, name = _text(item.call_id, f"{field}.call_id"), _text(item.name, f"{field}.name")
        self._open_turn().calls.append(
            {"id": call_id, "type": kind, kind: {"name": joint_name(item.namespace, name), **said}}
        )

    def _open_turn(self) -> _Turn:
        if self._turn is None:
            self._turn = _Turn()
        return self._turn

    def _next_turn(self) -> _Turn:
        self.end_turn()
        return self._open_turn()


_TAKEN: Mapping[str, Callable[[_Messages, _Item, str], None]] = {
    "message": _Messages.message,
    "reasoning": _Messages.reasoning,
    "function_call": _Messages.function_call,
    "function_call_output": _Messages.output,
    "custom_tool_call": _Messages.custom_tool_call,
    "custom_tool_call_output": _Messages.output,
    "tool_search_call": _Messages.search,
    "tool_search_output": _Messages.search,
}


def _text(value: str | None, field: str) -> str:
    if not value:
        raise InvalidField(field, "nothing", "a text")
    return value
