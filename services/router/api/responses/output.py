"""The output of a response, put together from what an answer in the common shape says, whole or chunk by chunk."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.router.api.numbering import CallNumbers
from services.router.api.responses import said as reading
from services.router.api.responses.items import Emit, Image, Item, Message, Reasoning, ToolCall
from services.router.api.responses.own import REASONING
from services.router.api.responses.said import Choice, Said
from services.router.api.responses.thoughts import Thoughts
from services.router.api.said import Call


@dataclass(slots=True)
class _Beginning:
    """A call that has not told its name yet."""

    id: str
    arguments: str = ""
    custom: bool = False


class Output:
    """The items, which tell their steps to `emit`. `key` makes their ids one response's own; `names` are those of tools
    in namespaces, by their joint ones.

    Reasoning and message are done when something else begins; calls stay open to the end, since their pieces may come
    mixed.
    """

    def __init__(self, key: str, emit: Emit, names: Mapping[str, tuple[str, str]]) -> None:
        self._key = key
        self._names = names
        self._emit = emit
        self._whole: dict[int, Item] = {}
        self._begun = 0
        self._reasoning: Reasoning | None = None
        self._message: Message | None = None
        self._numbers = CallNumbers()
        self._calls: dict[int, ToolCall | _Beginning] = {}
        self._thoughts = Thoughts()

    def take(self, choice: Choice, said: Said) -> None:
        """Takes what a message, or a piece of one, says."""
        if thought := reading.thinking(said):
            self._end_message("completed")
            if self._reasoning is None:
                self._reasoning = Reasoning(self._emit, *self._next(REASONING))
            self._reasoning.say(thought)
        self._thoughts.grow(said.reasoning_details or ())
        self._thoughts.message = said.extra_content or self._thoughts.message
        logprobs = reading.logprobs(choice)
        if (text := reading.text(said)) or logprobs:
            self._open_message().text().say(text, logprobs)
        for annotation in reading.annotations(said):
            self._open_message().text().annotate(annotation)
        if said.refusal:
            self._open_message().refusal().say(said.refusal)
        for image in reading.images(said):
            self._end_spoken()
            picture = Image(self._emit, *self._next("ig"))
            self._whole[picture.index] = picture.end(image)
        for call in said.calls():
            self._take_call(call)

    def end(self, status: str) -> list[Item]:
        """All items, whole; those that were open at the end have this status."""
        self._end_reasoning(status, late=self._begun > 1)
        self._end_message(status)
        for number in sorted(self._calls):
            call = self._open_call(number, "")
            self._whole[call.index] = call.end(status)
        if self._thoughts.opaque:
            self._reasoning = Reasoning(self._emit, *self._next(REASONING))
            self._end_reasoning("completed", late=True)
        return [self._whole[index] for index in sorted(self._whole)]

    def _next(self, kind: str) -> tuple[int, str]:
        index = self._begun
        self._begun += 1
        return index, f"{kind}_{self._key}{index:04x}"

    def _open_message(self) -> Message:
        if self._message is None:
            self._end_spoken()
            self._message = Message(self._emit, *self._next("msg"))
        return self._message

    def _take_call(self, call: Call) -> None:
        told = call.told
        number = self._numbers.number(call.index, call.id or "", named=bool(told.name))
        known = self._calls.get(number)
        if known is None:
            known = self._calls[number] = _Beginning(call.id or f"call_{self._key}{number:04x}")
        if isinstance(known, _Beginning):
            known.arguments += told.arguments or told.input or ""
            known.custom = known.custom or call.custom is not None
            if call.extra_content:
                self._thoughts.calls[known.id] = call.extra_content
            if told.name:
                self._open_call(number, told.name)
        else:
            known.say(told.arguments or told.input or "")
            if call.extra_content:
                self._thoughts.calls[known.call_id] = call.extra_content

    def _open_call(self, number: int, name: str) -> ToolCall:
        """The call, begun with this name if it was not before."""
        call = self._calls[number]
        if isinstance(call, _Beginning):
            self._end_spoken()
            index, item_id = self._next("ctc" if call.custom else "fc")
            begun = ToolCall(self._emit, index, item_id, call.id, self._known_as(name), custom=call.custom)
            begun.say(call.arguments)
            self._calls[number] = call = begun
        return call

    def _known_as(self, name: str) -> Mapping[str, str]:
        """A tool's name as the client has it."""
        if name not in self._names:
            return {"name": name}
        namespace, own = self._names[name]
        return {"name": own, "namespace": namespace}

    def _end_spoken(self) -> None:
        """Ends reasoning and message, since something else begins."""
        if self._reasoning is None and self._thoughts.opaque and not self._begun:
            self._reasoning = Reasoning(self._emit, *self._next(REASONING))
        self._end_reasoning("completed")
        self._end_message("completed")

    def _end_reasoning(self, status: str, *, late: bool = False) -> None:
        if self._reasoning is not None:
            self._thoughts.late = late
            item = self._reasoning.end(self._thoughts.seal(), status)
            self._whole[self._reasoning.index] = item
            self._reasoning, self._thoughts = None, Thoughts()

    def _end_message(self, status: str) -> None:
        if self._message is not None:
            self._whole[self._message.index] = self._message.end(status)
            self._message = None
