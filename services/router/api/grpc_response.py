"""From an answer in the common shape to the messages of the router's proto, whole or piece by piece."""

from collections.abc import Iterator
from dataclasses import dataclass, field
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
from pantheon.usage.v1.ledger_pb2 import LedgerState
from pantheon.usage.v1.measure_pb2 import Timing
from services.router.attempts import Call, Receipt, cost_message, token_usage
from services.router.chat import Facts
from services.router.plan import Candidate
from services.runtime import times
from services.runtime.errors import ProviderBroken


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _ToolCall(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Message(msgspec.Struct):
    content: Any = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[_ToolCall] | None = None

    @property
    def text(self) -> str:
        """The visible text, which some providers give as a list of parts."""
        if isinstance(self.content, str):
            return self.content
        parts = self.content if isinstance(self.content, list) else ()
        return "".join(str(part.get("text") or "") for part in parts if isinstance(part, dict))


class _Choice(msgspec.Struct):
    index: int = 0
    message: _Message | None = None
    delta: _Message | None = None
    finish_reason: str | None = None


class _Answer(msgspec.Struct):
    created: int | None = None
    choices: list[_Choice] | None = None


_answer = msgspec.json.Decoder(_Answer, strict=False)


@dataclass(slots=True)
class _Growing:
    """One of the answers of a stream, as far as it has come."""

    text: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: dict[int, ToolCallPart] = field(default_factory=dict)
    finish_reason: str = ""

    def choice(self, index: int) -> Choice:
        """The answer so far, whole."""
        parts: list[Part] = []
        if self.reasoning:
            parts.append(Part(reasoning=ReasoningPart(text="".join(self.reasoning))))
        if self.text:
            parts.append(Part(text=TextPart(text="".join(self.text))))
        if self.refusal:
            parts.append(Part(refusal=RefusalPart(text="".join(self.refusal))))
        parts.extend(Part(tool_call=call) for _, call in sorted(self.calls.items()))
        message = Message(role=MessageRole.MESSAGE_ROLE_ASSISTANT, parts=parts)
        return Choice(index=index, message=message, finish_reason=self.finish_reason)


class Accumulator:
    """Turns an answer, whole or in chunks, into the proto's messages."""

    def __init__(self) -> None:
        self._choices: dict[int, _Growing] = {}
        self._created: int | None = None

    def add(self, data: bytes) -> list[ChoiceDelta]:
        """Takes a whole answer or a chunk; returns what it adds.

        Raises:
            ProviderBroken: it is not of this format.
        """
        try:
            answer = _answer.decode(data)
        except msgspec.DecodeError as error:
            raise ProviderBroken(f"The answer can't be read: {error}", phase="body") from None
        self._created = self._created or answer.created
        deltas: list[ChoiceDelta] = []
        for choice in answer.choices or ():
            growing = self._choices.setdefault(choice.index, _Growing())
            growing.finish_reason = choice.finish_reason or growing.finish_reason
            said = choice.delta or choice.message
            if said is not None:
                deltas.extend(_take(growing, choice.index, said))
        return deltas

    def completion(self, call: Call, candidate: Candidate, facts: Facts, receipt: Receipt) -> Completion:
        """Everything, with tokens, cost and latency."""
        settled = receipt.state == LedgerState.LEDGER_STATE_SETTLED
        first = receipt.time_to_first_token
        return Completion(
            request_id=str(call.id),
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
            create_time=Timestamp(seconds=self._created) if self._created else None,
            sandbox=candidate.provider.sandbox,
        )


def _take(growing: _Growing, index: int, said: _Message) -> Iterator[ChoiceDelta]:
    if text := said.text:
        growing.text.append(text)
        yield ChoiceDelta(index=index, text=text)
    if reasoning := said.reasoning or said.reasoning_content:
        growing.reasoning.append(reasoning)
        yield ChoiceDelta(index=index, reasoning=reasoning)
    if said.refusal:
        growing.refusal.append(said.refusal)
        yield ChoiceDelta(index=index, refusal=said.refusal)
    for place, call in enumerate(said.tool_calls or ()):
        number = place if call.index is None else call.index
        function = call.function or _Function()
        delta = ToolCallDelta(
            index=number, id=call.id or "", name=function.name or "", arguments_json=function.arguments or ""
        )
        grown = growing.calls.setdefault(number, ToolCallPart())
        grown.id, grown.name = grown.id or delta.id, grown.name or delta.name
        grown.arguments_json += delta.arguments_json
        yield ChoiceDelta(index=index, tool_call=delta)
