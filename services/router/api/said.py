"""What every surface reads of an answer in the common shape, whole or in chunks. Each adds what it can show besides.

Formats: OpenAI API reference, "The chat completion object" and "The chat completion chunk object"; Mistral, "Reasoning"
(thinking parts); OpenRouter, "Reasoning tokens" (`reasoning`); Google, "OpenAI compatibility" (`extra_content`).
"""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from services.router.wire.openai_chat_answer import thought_of

Index = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]


class Function(msgspec.Struct):
    """What is called, or a piece of it; a custom tool has `input` in place of arguments."""

    name: str | None = None
    arguments: str | None = None
    input: str | None = None


class Call(msgspec.Struct):
    """A call of a tool, or a piece of one."""

    index: Index | None = None
    id: str | None = None
    function: Function | None = None
    custom: Function | None = None
    extra_content: dict[str, Any] | None = None

    @property
    def told(self) -> Function:
        """What is called, whichever kind of tool it is."""
        return self.function or self.custom or _NO_FUNCTION


_NO_FUNCTION = Function()


class Message(msgspec.Struct):
    """A message, or a piece of one. `function_call` is the call of the time before there were tools."""

    content: Any = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[Call] | None = None
    function_call: Function | None = None

    @property
    def thought(self) -> str:
        """The reasoning that is told as a text."""
        return self.reasoning or self.reasoning_content or thought_of(self.content)

    def calls(self) -> Iterator[Call]:
        """The calls of tools, that of the time before there were several included."""
        yield from self.tool_calls or ()
        old = self.function_call
        if old is not None and (old.name or old.arguments):
            yield Call(index=0, function=old)

    def number_calls(self) -> None:
        """Gives each call of a whole answer its place for an index, whatever it came with."""
        for place, call in enumerate(self.tool_calls or ()):
            call.index = place
