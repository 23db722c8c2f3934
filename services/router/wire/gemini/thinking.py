"""How much to think, and whether to show it.

Formats: Gemini API docs, "Thinking" (levels from Gemini 3 on, budgets before) and "OpenAI compatibility" (what each
`reasoning_effort` stands for); OpenRouter, "Reasoning tokens" (`reasoning`); Claude API docs, "Extended thinking"
(`thinking`).
"""

from typing import Any

import msgspec

from services.router.chat import Body
from services.router.wire.gemini.generations import Generation, Thinking
from services.router.wire.reading import Member
from services.runtime.errors import InvalidField

_BUDGETS = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576, "max": 24576}
_LEVELS = {"minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH", "xhigh": "HIGH", "max": "HIGH"}
_NONE = "none"
_EFFORTS = ", ".join((_NONE, *_BUDGETS))
_DYNAMIC = -1
_OFF = ("disabled", "none")


class _Reasoning(msgspec.Struct):
    effort: str | None = None
    max_tokens: int | None = None
    exclude: bool = False
    enabled: bool | None = None


class _Thinking(msgspec.Struct):
    type: str = "enabled"
    budget_tokens: int | None = None


class Wish(msgspec.Struct):
    """What a request says of thinking, in whichever of chat's ways."""

    effort: str | None = None
    budget: int | None = None
    shown: bool = False
    asked: bool = False


_EFFORT = Member("reasoning_effort", str)
_REASONING = Member("reasoning", _Reasoning)
_THINKING = Member("thinking", _Thinking)


def thinking_config(body: Body, generation: Generation) -> dict[str, Any] | None:
    """Gemini's `thinkingConfig`; None where the request says nothing of it or the model never thinks.

    Raises:
        InvalidField: the effort is none of the known ones.
    """
    wish = _wish(body)
    if not wish.asked or generation.thinking is Thinking.NEVER:
        return None
    config: dict[str, Any] = {}
    if generation.thinking is Thinking.LEVEL:
        level = _level(wish, generation)
        if level is not None:
            config["thinkingLevel"] = level
    else:
        budget = _budget(wish, generation)
        if budget is not None:
            config["thinkingBudget"] = budget
    if wish.shown:
        config["includeThoughts"] = True
    return config or None


def _wish(body: Body) -> Wish:
    wish = Wish()
    effort = _EFFORT.of(body)
    if effort is not None:
        wish.asked, wish.effort = True, _known("reasoning_effort", effort)
    reasoning = _REASONING.of(body)
    if reasoning is not None:
        wish.asked = True
        if reasoning.effort is not None:
            wish.effort = _known("reasoning.effort", reasoning.effort)
        elif reasoning.enabled is False:
            wish.effort = _NONE
        wish.budget = reasoning.max_tokens
        wish.shown = not reasoning.exclude and wish.effort != _NONE
    thinking = _THINKING.of(body)
    if thinking is not None:
        wish.asked = True
        wish.shown = thinking.type not in _OFF
        if not wish.shown:
            wish.effort, wish.budget = _NONE, None
        elif thinking.budget_tokens is not None:
            wish.budget = thinking.budget_tokens
    return wish


def _known(name: str, effort: str) -> str:
    if effort != _NONE and effort not in _BUDGETS:
        raise InvalidField(name, effort, f"one of {_EFFORTS}")
    return effort


def _level(wish: Wish, generation: Generation) -> str | None:
    """The level that comes nearest. Thinking can't be switched off any more, and no Pro model has the lowest level."""
    effort = wish.effort
    if wish.budget is not None:
        effort = next((name for name in ("low", "medium") if wish.budget <= _BUDGETS[name]), "high")
    if effort is None:
        return None
    if effort in (_NONE, "minimal"):
        return "LOW" if generation.is_pro else "MINIMAL"
    return _LEVELS[effort]


def _budget(wish: Wish, generation: Generation) -> int | None:
    """The tokens, within what the model takes: a budget meant for another model is no reason to refuse."""
    if wish.effort == _NONE:
        return 128 if generation.is_pro else 0
    wanted = wish.budget if wish.budget is not None else _BUDGETS.get(wish.effort or "")
    if wanted is None:
        return _DYNAMIC if wish.shown else None
    least, most = (128, 32768) if generation.is_pro else (512 if generation.is_lite else 0, 24576)
    return wanted if wanted in (0, _DYNAMIC) and least == 0 else max(least, min(wanted, most))
