"""`pantheon chat`: a conversation, streamed over gRPC, with what each answer cost and how long it took."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rich.console import Console

from pantheon.router.v1.completion_pb2 import Completion, CompletionSpec
from pantheon.router.v1.message_pb2 import Message, MessageRole, Part, TextPart
from pantheon.router.v1.router_service_pb2 import StreamCompleteRequest
from pantheon.router.v1.router_service_pb2_grpc import RouterServiceStub
from services.cli.asking import typed_line
from services.cli.calling import Caller
from services.cli.output import UNKNOWN, console, count, duration, money, print_json
from services.cli.running import WRONG_INPUT, CommandFailed
from services.runtime import money as amounts
from services.runtime import times


@dataclass(frozen=True, slots=True)
class Answer:
    """A completion and what it came to; USD and seconds, None where unknown."""

    request_id: str
    model: str
    provider: str
    sandbox: bool
    text: str
    finish_reason: str
    prompt_tokens: int | None
    completion_tokens: int | None
    cost: Decimal | None
    time_to_first_token: float | None
    total: float


class Conversation:
    """Turns so far, and how the next one is asked."""

    def __init__(self, caller: Caller, spec: CompletionSpec, screen: Console | None) -> None:
        self._caller = caller
        self._router = RouterServiceStub(caller.channel)
        self._spec = spec
        self._screen = screen

    async def ask(self, prompt: str) -> Answer:
        """Sends the next turn; the answer is printed as it comes, unless there is no screen."""
        self._spec.messages.append(text_message(MessageRole.MESSAGE_ROLE_USER, prompt))
        completion: Completion | None = None
        try:
            async for piece in self._caller.stream(self._router.StreamComplete, StreamCompleteRequest(spec=self._spec)):
                if piece.HasField("completion"):
                    completion = piece.completion
                elif piece.delta.text and self._screen is not None:
                    self._screen.print(piece.delta.text, end="", soft_wrap=True, markup=False)
        finally:
            if completion is None or not completion.choices:
                # A turn that was not answered is not part of the conversation.
                del self._spec.messages[-1]
        if completion is None:
            raise CommandFailed("the stream ended before its end")
        if not completion.choices:
            raise CommandFailed(f"{completion.provider} gave an answer with nothing in it ({completion.request_id})")
        self._spec.messages.append(completion.choices[0].message)
        return answer_of(completion)

    async def talk(self) -> None:
        """Asks what is typed, until the end of input."""
        screen = self._screen or console()
        screen.print(f"{self._spec.model}; empty line or Ctrl-D ends", style="dim", markup=False)
        while prompt := await _typed():
            try:
                answer = await self.ask(prompt)
            except CommandFailed as failure:
                screen.print(str(failure), style="red", markup=False)
                continue
            screen.print()
            screen.print(remark(answer), style="dim", markup=False)


async def chat(caller: Caller, spec: CompletionSpec, prompt: str, *, as_json: bool) -> None:
    """One answer to `prompt`, or a conversation where it is empty and somebody types."""
    async with caller:
        conversation = Conversation(caller, spec, None if as_json else console())
        if not prompt and sys.stdin.isatty():
            await conversation.talk()
            return
        answer = await conversation.ask(prompt or sys.stdin.read())
    if as_json:
        print_json(answer)
    else:
        sys.stdout.write("\n")
        sys.stdout.flush()
        console(stderr=True).print(remark(answer), style="dim", markup=False)


def chat_spec(
    model: str, system: str, temperature: float | None, max_tokens: int | None, tags: Sequence[str]
) -> CompletionSpec:
    """How to ask, as the options say it. Raises CommandFailed, naming the option."""
    spec = CompletionSpec(model=model, tags=parse_tags(tags))
    if system:
        spec.messages.append(text_message(MessageRole.MESSAGE_ROLE_SYSTEM, system))
    if temperature is not None:
        spec.parameters.temperature = temperature
    if max_tokens is not None:
        spec.parameters.max_tokens = max_tokens
    return spec


def parse_tags(tags: Sequence[str]) -> Mapping[str, str]:
    """Tags as `key=value` each. Raises CommandFailed."""
    found = {}
    for tag in tags:
        key, separator, value = tag.partition("=")
        if not key or not separator:
            raise CommandFailed(f"--tag: {tag!r} is not allowed; expected KEY=VALUE", WRONG_INPUT)
        found[key] = value
    return found


def text_message(role: MessageRole.ValueType, text: str) -> Message:
    """A turn of nothing but text."""
    return Message(role=role, parts=[Part(text=TextPart(text=text))])


def answer_of(completion: Completion) -> Answer:
    """What people want to know of a completion; the text is that of its first choice."""
    choice = completion.choices[0]
    tokens, cost, timing = completion.tokens, completion.cost, completion.timing
    first = timing.HasField("time_to_first_token")
    return Answer(
        request_id=completion.request_id,
        model=completion.model,
        provider=completion.provider,
        sandbox=completion.sandbox,
        text="".join(part.text.text for part in choice.message.parts),
        finish_reason=choice.finish_reason,
        prompt_tokens=tokens.prompt_tokens if tokens.HasField("prompt_tokens") else None,
        completion_tokens=tokens.completion_tokens if tokens.HasField("completion_tokens") else None,
        cost=amounts.from_proto(cost.amount) if cost.HasField("amount") else None,
        time_to_first_token=times.seconds(timing.time_to_first_token) if first else None,
        total=times.seconds(timing.total),
    )


def remark(answer: Answer) -> str:
    """One line about an answer: who gave it, its size, cost and latency."""
    tokens = UNKNOWN if answer.prompt_tokens is None else f"{count(answer.prompt_tokens)}"
    tokens += f" + {count(answer.completion_tokens)} tokens"
    where = f"{answer.model} via {answer.provider}{' (sandbox)' if answer.sandbox else ''}"
    cost = money(answer.cost, 1 if answer.cost is None else 0)
    latency = f"first token {duration(answer.time_to_first_token)}, total {duration(answer.total)}"
    return f"{where} · {tokens} · {cost} · {latency} · {answer.request_id}"


async def _typed() -> str:
    sys.stdout.write("\n> ")
    sys.stdout.flush()
    return (await typed_line()).strip()
