"""From an answer in the common shape to the messages of the router's proto, whole or piece by piece.

Formats: OpenAI API reference, "The chat completion object"; Mistral, "Reasoning" (thinking parts);
OpenRouter, "Reasoning tokens" (`reasoning`, `reasoning_details`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from google.protobuf.timestamp_pb2 import Timestamp

from pantheon.router.v1.completion_pb2 import Choice, ChoiceDelta, Completion, ToolCallDelta
from pantheon.router.v1.message_pb2 import (
    Message,
    MessageRole,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
)
from pantheon.usage.v1.ledger_pb2 import LEDGER_STATE_SETTLED
from pantheon.usage.v1.measure_pb2 import Timing
from services.router.attempts import Call
from services.router.chat import Facts
from services.router.plan import Candidate
from services.router.receipts import Receipt, cost_message, token_usage
from services.router.wire.lenient import LenientDecoder
from services.router.wire.openai_chat_answer import text_of, thought_of
from services.runtime import times

_Index = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
_LATEST_SECOND = 2**35


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None
    input: str | None = None
    """What a custom tool has in place of arguments."""


class _ToolCall(msgspec.Struct):
    index: _Index | None = None
    id: str | None = None
    function: _Function | None = None
    custom: _Function | None = None


class _ReasoningDetail(msgspec.Struct):
    signature: str | None = None


class _Message(msgspec.Struct):
    content: Any = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    reasoning_details: list[_ReasoningDetail] | None = None
    tool_calls: list[_ToolCall] | None = None
    function_call: _Function | None = None
    """The call of the time before there were tools."""


class _Choice(msgspec.Struct):
    index: _Index = 0
    message: _Message | None = None
    delta: _Message | None = None
    finish_reason: str | None = None


class _Answer(msgspec.Struct):
    created: Any = None
    choices: list[_Choice] | None = None


_decode = LenientDecoder(_Answer).decode


@dataclass(slots=True)
class _Growing:
    """One of the answers of a stream, as far as it has come."""

    text: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    signature: str = ""
    calls: dict[int, ToolCallPart] = field(default_factory=dict)
    latest: dict[int | None, int] = field(default_factory=dict)
    finish_reason: str = ""

    def choice(self, index: int) -> Choice:
        """The answer so far, whole."""
        parts: list[Part] = []
        if self.reasoning or self.signature:
            thought = ReasoningPart(text=_sound("".join(self.reasoning)), signature=self.signature)
            parts.append(Part(reasoning=thought))
        if self.text:
            parts.append(Part(text=TextPart(text=_sound("".join(self.text)))))
        if self.refusal:
            parts.append(Part(refusal=RefusalPart(text=_sound("".join(self.refusal)))))
        parts.extend(Part(tool_call=call) for _, call in sorted(self.calls.items()))
        message = Message(role=MessageRole.MESSAGE_ROLE_ASSISTANT, parts=parts)
        return Choice(index=index, message=message, finish_reason=self.finish_reason)

    def number(self, call: _ToolCall, *, named: bool) -> int:
        """Which of the calls a piece belongs to: mostly its index says.

        Some providers leave the index out, others give 0 to each of several calls: there another id, or a name where
        there are no ids, begins another call.
        """
        latest = self.latest.get(call.index)
        if latest is not None:
            known = self.calls[latest].id
            another = call.id != known if call.id and known else call.index is None and not call.id
            if not (named and another):
                return latest
        free = call.index is not None and call.index not in self.calls
        number = call.index if free and call.index is not None else max(self.calls, default=-1) + 1
        self.latest[call.index] = number
        self.calls[number] = ToolCallPart()
        return number


class Accumulator:
    """Turns an answer, whole or in chunks, into the proto's messages."""

    def __init__(self) -> None:
        self._choices: dict[int, _Growing] = {}
        self._created: Any = None

    def add_whole(self, data: bytes) -> None:
        """Takes a whole answer. Raises ProviderBroken where it is not of this format."""
        answer = _decode(data)
        self._created = answer.created
        for choice in answer.choices or ():
            growing = self._growing(choice)
            said = choice.message or choice.delta
            if said is None:
                continue
            for place, call in enumerate(said.tool_calls or ()):
                call.index = place
            for _ in _take(growing, choice.index, said):
                continue

    def add(self, data: bytes) -> list[ChoiceDelta]:
        """Takes a chunk; returns what it adds. Raises ProviderBroken where it is not of this format."""
        answer = _decode(data)
        self._created = self._created or answer.created
        deltas: list[ChoiceDelta] = []
        for choice in answer.choices or ():
            growing = self._growing(choice)
            said = choice.delta or choice.message
            if said is not None:
                deltas.extend(_take(growing, choice.index, said))
        return deltas

    def completion(self, call: Call, candidate: Candidate, facts: Facts, receipt: Receipt) -> Completion:
        """Everything, with tokens, cost and latency."""
        settled = receipt.state == LEDGER_STATE_SETTLED
        first = receipt.time_to_first_token
        return Completion(
            request_id=call.id,
            provider_response_id=facts.response_id,
            model=call.plan.model,
            served_model=facts.served_model,
            provider=candidate.provider.name,
            choices=[growing.choice(index) for index, growing in sorted(self._choices.items())],
            tokens=token_usage(receipt.tokens) if settled else None,
            cost=cost_message(receipt),
            timing=Timing(
                time_to_first_token=None if first is None else times.duration(first),
                total=times.duration(receipt.total),
            ),
            create_time=_instant(self._created),
            sandbox=candidate.provider.sandbox,
        )

    def _growing(self, choice: _Choice) -> _Growing:
        growing = self._choices.setdefault(choice.index, _Growing())
        growing.finish_reason = _sound(choice.finish_reason or "") or growing.finish_reason
        return growing


def _take(growing: _Growing, index: int, said: _Message) -> Iterator[ChoiceDelta]:
    if reasoning := said.reasoning or said.reasoning_content or thought_of(said.content):
        growing.reasoning.append(reasoning)
        yield ChoiceDelta(index=index, reasoning=_sound(reasoning))
    for detail in said.reasoning_details or ():
        growing.signature = _sound(detail.signature or "") or growing.signature
    if text := text_of(said.content):
        growing.text.append(text)
        yield ChoiceDelta(index=index, text=_sound(text))
    if said.refusal:
        growing.refusal.append(said.refusal)
        yield ChoiceDelta(index=index, refusal=_sound(said.refusal))
    for call in _calls(said):
        yield ChoiceDelta(index=index, tool_call=_take_call(growing, call))


def _take_call(growing: _Growing, call: _ToolCall) -> ToolCallDelta:
    function = call.function or call.custom or _Function()
    name, arguments = _sound(function.name or ""), _sound(function.arguments or function.input or "")
    number = growing.number(call, named=bool(name))
    grown = growing.calls[number]
    grown.id, grown.name = grown.id or _sound(call.id or ""), grown.name or name
    grown.arguments_json += arguments
    return ToolCallDelta(index=number, id=_sound(call.id or ""), name=name, arguments_json=arguments)


def _calls(said: _Message) -> Iterator[_ToolCall]:
    yield from said.tool_calls or ()
    old = said.function_call
    if old is not None and (old.name or old.arguments):
        yield _ToolCall(index=0, function=old)


def _instant(created: Any) -> Timestamp | None:
    """When the answer was made, by its `created`: seconds since 1970, which not every provider gives as such."""
    if isinstance(created, int | float) and 0 < created < _LATEST_SECOND:
        return Timestamp(seconds=int(created))
    return None


def _sound(text: str) -> str:
    """The text as protobuf takes it: halves of a surrogate pair joined, a lone one replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
