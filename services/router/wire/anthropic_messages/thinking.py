"""How much the model is to think: `thinking`, `reasoning` and `reasoning_effort` in Anthropic's terms.

Formats: Claude API docs, "Thinking" and "Effort"; OpenRouter, "Reasoning tokens"; OpenAI API reference, "Chat"
(`reasoning_effort`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from msgspec import UNSET, UnsetType

from services.router.chat import Body
from services.router.wire.anthropic_messages.generations import Generation
from services.router.wire.reading import Member, given
from services.runtime.errors import InvalidField

_LEAST_BUDGET = 1024
_BUDGETS: Mapping[str, int] = {
    "minimal": 1024, "low": 2048, "medium": 8192, "high": 16_384, "xhigh": 24_576, "max": 30_000,
}  # fmt: skip
"""Tokens to think with where the request sets no limit of its own. With an answer's 2000, 32,000 is the least maximum
among the models that think (Opus 4)."""
_SHARES: Mapping[str, float] = {
    "minimal": 0.1, "low": 0.2, "medium": 0.5, "high": 0.8, "xhigh": 0.95, "max": 0.95,
}  # fmt: skip
"""The part of the request's own limit that is for thinking: OpenRouter's shares."""
_NONE = "none"
_ENABLED_EFFORT = "medium"
_LEVELS = ", ".join((_NONE, *_BUDGETS))


class _Reasoning(msgspec.Struct):
    effort: str | None = None
    max_tokens: int | None = None
    exclude: bool | None = None
    enabled: bool | None = None


class _Given(msgspec.Struct):
    """Anthropic's own object, as far as it matters here."""

    type: str = ""
    budget_tokens: int = 0


class Thinking(msgspec.Struct):
    """`type` is adaptive, enabled (within a budget) or disabled."""

    type: str
    budget_tokens: int | UnsetType = UNSET
    display: str | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class Thought:
    """What to send. `tokens` come on top of an answer's length where the request sets no limit."""

    thinking: Thinking | msgspec.Raw | UnsetType = UNSET
    effort: str | UnsetType = UNSET
    tokens: int = 0
    is_on: bool = False


_NOTHING = Thought()
_reasoning: Member[_Reasoning] = Member("reasoning", _Reasoning)
_effort: Member[str] = Member("reasoning_effort", str)
_given: Member[_Given] = Member("thinking", _Given)


def thought(chat: Body, generation: Generation, *, limit: int | None, forced: bool, unfinished: bool) -> Thought:
    """What the request asks for. `limit` is its maximum of tokens, None where it sets none.

    Where Anthropic refuses thinking, it is left out, since other vendors take effort with such requests: where a tool
    is `forced`, and, within a budget, where an `unfinished` turn goes on that has not brought its thinking back.

    Raises:
        InvalidField: a member is not what it should be, or the budget out of range.
    """
    wish = _reasoning.of(chat)
    reasoning = wish or _Reasoning()
    effort = _effort_of(chat, reasoning)
    own = given(chat, "thinking")
    if own is not None:
        return _own(own, effort, generation)
    if effort is None and reasoning.max_tokens is None and not reasoning.enabled:
        return _NOTHING
    if generation.thinks_by_budget:
        return _by_budget(reasoning, effort, limit, possible=not forced and not unfinished)
    return _adaptive(reasoning, effort, possible=not forced, shown=wish is not None)


def _effort_of(chat: Body, reasoning: _Reasoning) -> str | None:
    if reasoning.enabled is False:
        return _NONE
    field, effort = "reasoning.effort", reasoning.effort
    if effort is None:
        field, effort = "reasoning_effort", _effort.of(chat)
    if effort is not None and effort != _NONE and effort not in _BUDGETS:
        raise InvalidField(field, effort, _LEVELS)
    return effort


def is_on(own: msgspec.Raw | None) -> bool:
    """Whether Anthropic's own object turns thinking on. Raises InvalidField where it is none."""
    return own is not None and _given.read(own).type != "disabled"


def _own(own: msgspec.Raw, effort: str | None, generation: Generation) -> Thought:
    """Anthropic's own object goes as it came; effort beside it where the model takes any."""
    found = _given.read(own)
    adapts = not generation.thinks_by_budget and effort not in (None, _NONE)
    return Thought(own, _level(effort) if adapts else UNSET, found.budget_tokens, is_on=found.type != "disabled")


def _by_budget(reasoning: _Reasoning, effort: str | None, limit: int | None, *, possible: bool) -> Thought:
    """Off is what these models are by themselves."""
    if effort == _NONE or not possible:
        return _NOTHING
    budget = reasoning.max_tokens
    if budget is None:
        level = effort or _ENABLED_EFFORT
        if limit is not None and limit <= _LEAST_BUDGET:
            # No room to think at all: effort is a wish, the limit is not.
            return _NOTHING
        budget = _BUDGETS[level] if limit is None else max(_LEAST_BUDGET, int(limit * _SHARES[level]))
    elif budget < _LEAST_BUDGET or (limit is not None and budget >= limit):
        allowed = f"at least {_LEAST_BUDGET}, and less than the maximum of tokens"
        raise InvalidField("reasoning.max_tokens", budget, allowed)
    display = "omitted" if reasoning.exclude else UNSET
    return Thought(Thinking("enabled", budget, display), tokens=budget, is_on=True)


def _adaptive(reasoning: _Reasoning, effort: str | None, *, possible: bool, shown: bool) -> Thought:
    """`shown`: the request uses OpenRouter's object, which promises to show the reasoning unless it is excluded."""
    if effort == _NONE:
        return Thought(Thinking("disabled"))
    level = UNSET if effort is None else _level(effort)
    tokens = reasoning.max_tokens or _BUDGETS[effort or _ENABLED_EFFORT]
    if not possible:
        return Thought(effort=level, tokens=tokens)
    display = "omitted" if reasoning.exclude else "summarized" if shown else UNSET
    return Thought(Thinking("adaptive", display=display), level, tokens, is_on=True)


def _level(effort: str | None) -> str | UnsetType:
    """Anthropic has no effort below low."""
    return "low" if effort == "minimal" else effort or UNSET
