"""From an answer in the common shape to the messages of the router's proto, whole or piece by piece.

Formats: OpenAI API reference, "The chat completion object"; Mistral, "Reasoning" (thinking parts);
OpenRouter, "Reasoning tokens" (`reasoning`, `reasoning_details`).
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

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
from services.router.api import said as reading
from services.router.api.halves import Halves, sound
from services.router.api.numbering import CallNumbers
from services.router.attempts import Call
from services.router.chat import Facts
from services.router.plan import Candidate
from services.router.receipts import Receipt
from services.router.wire.lenient import LenientDecoder
from services.router.wire.openai_chat_answer import text_of

_LATEST_SECOND = 2**35
_TEXTS = ("reasoning", "text", "refusal")


class _ReasoningDetail(msgspec.Struct):
    signature: str | None = None


class _Said(reading.Message):
    reasoning_details: list[_ReasoningDetail] | None = None


class _Choice(msgspec.Struct):
    index: reading.Index = 0
    message: _Said | None = None
    delta: _Said | None = None
    finish_reason: str | None = None


class _Answer(msgspec.Struct):
    created: Any = None
    choices: list[_Choice] | None = None


_decode = LenientDecoder(_Answer).decode


class _Growing(msgspec.Struct):
    """One of the answers of a stream, as far as it has come.

    `pieces` are those of its texts by their names, and those of the arguments of calls by the calls' numbers.
    """

    pieces: dict[str | int, list[str]] = {}
    halves: dict[str | int, Halves] = {}
    signature: str = ""
    calls: dict[int, ToolCallPart] = {}
    numbers: CallNumbers = msgspec.field(default_factory=partial(CallNumbers, as_given=True))
    finish_reason: str = ""

    def add(self, name: str | int, piece: str) -> str:
        """Takes a piece; returns what is whole of it, with half a character that the one before may have left."""
        self.pieces.setdefault(name, []).append(piece)
        return self.halves.setdefault(name, Halves()).join(piece)

    def choice(self, index: int) -> Choice:
        """The answer so far, whole."""
        reasoning, text, refusal = map(self._whole, _TEXTS)
        parts: list[Part] = []
        if reasoning or self.signature:
            parts.append(Part(reasoning=ReasoningPart(text=reasoning, signature=self.signature)))
        if text:
            parts.append(Part(text=TextPart(text=text)))
        if refusal:
            parts.append(Part(refusal=RefusalPart(text=refusal)))
        for number, call in sorted(self.calls.items()):
            call.arguments_json = self._whole(number)
            parts.append(Part(tool_call=call))
        message = Message(role=MessageRole.MESSAGE_ROLE_ASSISTANT, parts=parts)
        return Choice(index=index, message=message, finish_reason=self.finish_reason)

    def _whole(self, name: str | int) -> str:
        return sound("".join(self.pieces.get(name, ())))


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
            said.number_calls()
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
        return Completion(
            request_id=call.id,
            provider_response_id=facts.response_id,
            model=call.plan.model,
            served_model=facts.served_model,
            provider=candidate.provider.name,
            choices=[growing.choice(index) for index, growing in sorted(self._choices.items())],
            tokens=receipt.tokens if settled else None,
            cost=receipt.cost,
            timing=receipt.timing,
            create_time=_instant(self._created),
            sandbox=candidate.provider.sandbox,
        )

    def _growing(self, choice: _Choice) -> _Growing:
        growing = self._choices.setdefault(choice.index, _Growing())
        growing.finish_reason = sound(choice.finish_reason or "") or growing.finish_reason
        return growing


def _take(growing: _Growing, index: int, said: _Said) -> Iterator[ChoiceDelta]:
    for detail in said.reasoning_details or ():
        growing.signature = sound(detail.signature or "") or growing.signature
    for name, piece in zip(_TEXTS, (said.thought, text_of(said.content), said.refusal), strict=True):
        if piece and (whole := growing.add(name, piece)):
            yield ChoiceDelta(index=index, **{name: whole})  # type: ignore[arg-type]  # they are texts
    for call in said.calls():
        yield ChoiceDelta(index=index, tool_call=_take_call(growing, call))


def _take_call(growing: _Growing, call: reading.Call) -> ToolCallDelta:
    told, call_id = call.told, sound(call.id or "")
    name = sound(told.name or "")
    number = growing.numbers.number(call.index, call_id, named=bool(name))
    grown = growing.calls.get(number)
    if grown is None:
        grown = growing.calls[number] = ToolCallPart()
    grown.id, grown.name = grown.id or call_id, grown.name or name
    arguments = growing.add(number, told.arguments or told.input or "")
    return ToolCallDelta(index=number, id=call_id, name=name, arguments_json=arguments)


def _instant(created: Any) -> Timestamp | None:
    """When the answer was made, by its `created`: seconds since 1970, which not every provider gives as such."""
    if isinstance(created, int | float) and 0 < created < _LATEST_SECOND:
        return Timestamp(seconds=int(created))
    return None
