"""A chat completion taken apart into the deltas in which OpenAI-shaped streams send it."""

from collections.abc import Iterator
from itertools import chain, zip_longest
from typing import Any

import msgspec

from services.sandbox.chat import Answer, Choice, ToolCall
from services.sandbox.text import count_tokens, split_tokens


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """One step of one choice: what it adds to the message, and the tokens that takes.

    Times are shared by choices made side by side, so of n choices each token counts 1/n.
    """

    choice: Choice
    adds: dict[str, Any]
    """OpenAI's `delta` object: any of role, content, reasoning, refusal, tool_calls."""
    tokens: float = 0.0


def deltas(answer: Answer, *, shows_reasoning: bool) -> Iterator[Delta]:
    """The deltas of all choices in turn, without those that only finish a choice."""
    share = 1 / len(answer.choices)
    if len(answer.choices) == 1:
        return _deltas(answer.choices[0], share, shows_reasoning=shows_reasoning)
    rounds = zip_longest(*(_deltas(choice, share, shows_reasoning=shows_reasoning) for choice in answer.choices))
    return (delta for delta in chain.from_iterable(rounds) if delta is not None)


def _deltas(choice: Choice, share: float, *, shows_reasoning: bool) -> Iterator[Delta]:
    opening: dict[str, Any] = {"role": "assistant", "content": None if choice.tool_calls else ""}
    calls = list(enumerate(choice.tool_calls))
    thought = 0 if shows_reasoning else count_tokens(choice.reasoning)
    if len(calls) == 1 and not (shows_reasoning and choice.reasoning):
        # A lone call begins in the opening delta; several begin after it.
        opening["tool_calls"] = [_call_start(0, choice.tool_calls[0])]
        thought += count_tokens(choice.tool_calls[0].name)
    yield Delta(choice=choice, adds={**opening, "refusal": None}, tokens=thought * share)
    for token in split_tokens(choice.reasoning) if shows_reasoning else ():
        yield Delta(choice=choice, adds={"reasoning": token}, tokens=share)
    for token in split_tokens(choice.content or ""):
        yield Delta(choice=choice, adds={"content": token}, tokens=share)
    for position, call in calls:
        if "tool_calls" not in opening:
            adds = {"tool_calls": [_call_start(position, call)]}
            yield Delta(choice=choice, adds=adds, tokens=count_tokens(call.name) * share)
        for token in split_tokens(call.arguments):
            adds = {"tool_calls": [{"index": position, "function": {"arguments": token}}]}
            yield Delta(choice=choice, adds=adds, tokens=share)


def _call_start(position: int, call: ToolCall) -> dict[str, Any]:
    return {"index": position, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
