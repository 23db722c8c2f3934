"""How much the model is to think."""

from typing import Any

import pytest

from services.router.wire.anthropic_messages.generations import Generation, generation_of
from services.runtime.errors import InvalidField
from tests.unit.router.wire.anthropic_messages.samples import BUDGETED, TODAY, Json, rendered

TOOLS = [{"type": "function", "function": {"name": "now"}}]
CALL = {"id": "c", "type": "function", "function": {"name": "now", "arguments": "{}"}}
RESULT = {"role": "tool", "tool_call_id": "c", "content": "noon"}
SIGNED = [{"type": "reasoning.text", "text": "Hm", "signature": "s"}]


def sent(model: str, **chat: Any) -> Json:
    body = rendered(model, **chat)
    return {name: body[name] for name in ("thinking", "output_config", "max_tokens", "temperature") if name in body}


@pytest.mark.parametrize(
    ("chat", "budget", "most"),
    (
        ({"reasoning_effort": "minimal"}, 1024, 3024),
        ({"reasoning_effort": "high"}, 16_384, 18_384),
        ({"reasoning": {"enabled": True}}, 8192, 10_192),
        ({"reasoning": {"effort": "low"}, "max_tokens": 20_000}, 4000, 20_000),
        ({"reasoning_effort": "low", "max_tokens": 2000}, 1024, 2000),
        ({"reasoning": {"max_tokens": 1500}}, 1500, 3500),
    ),
)
def test_a_model_of_old_thinks_within_a_budget(chat: Json, budget: int, most: int) -> None:
    assert sent(BUDGETED, **chat) == {"thinking": {"type": "enabled", "budget_tokens": budget}, "max_tokens": most}


@pytest.mark.parametrize(
    ("chat", "thinking", "effort"),
    (
        ({"reasoning_effort": "minimal"}, {"type": "adaptive"}, "low"),
        ({"reasoning_effort": "xhigh"}, {"type": "adaptive"}, "xhigh"),
        ({"reasoning": {"effort": "high"}}, {"type": "adaptive", "display": "summarized"}, "high"),
        ({"reasoning": {"effort": "high", "exclude": True}}, {"type": "adaptive", "display": "omitted"}, "high"),
        ({"reasoning": {"max_tokens": 9000}}, {"type": "adaptive", "display": "summarized"}, None),
        ({"reasoning_effort": "none"}, {"type": "disabled"}, None),
        ({"reasoning": {"enabled": False}}, {"type": "disabled"}, None),
    ),
)
def test_a_model_of_today_adapts_to_an_effort(chat: Json, thinking: Json, effort: str | None) -> None:
    found = sent(TODAY, max_tokens=5000, **chat)
    config = {} if effort is None else {"output_config": {"effort": effort}}
    assert found == {"thinking": thinking, "max_tokens": 5000, **config}


def test_there_is_room_to_think_where_the_request_sets_no_limit() -> None:
    assert sent(TODAY, reasoning_effort="high")["max_tokens"] == 18_384
    assert sent(TODAY, thinking={"type": "enabled", "budget_tokens": 5000})["max_tokens"] == 7000


def test_anthropics_own_object_goes_as_it_came() -> None:
    own = {"type": "adaptive", "display": "omitted", "own": 1}
    assert sent(TODAY, thinking=own, reasoning_effort="max", max_tokens=9) == {
        "thinking": own, "output_config": {"effort": "max"}, "max_tokens": 9,
    }  # fmt: skip


@pytest.mark.parametrize(
    "chat",
    (
        {"reasoning_effort": "none"},
        {"reasoning": {"exclude": True}},
        {"reasoning_effort": "high", "max_tokens": 1024},
        {"reasoning_effort": "high", "tools": TOOLS, "tool_choice": "required"},
    ),
)
def test_a_model_of_old_is_not_told_to_think_where_it_can_not(chat: Json) -> None:
    assert sent(BUDGETED, **chat).keys() == {"max_tokens"}


def test_a_forced_tool_leaves_an_effort_without_thinking() -> None:
    found = sent(TODAY, reasoning_effort="low", tools=TOOLS, tool_choice="required", max_tokens=9)
    assert found == {"output_config": {"effort": "low"}, "max_tokens": 9}


def test_a_turn_goes_on_thinking_only_where_its_thinking_was_brought_back() -> None:
    def going_on(model: str, **said: Any) -> Json:
        assistant = {"role": "assistant", "tool_calls": [CALL], **said}
        messages = [{"role": "user", "content": "Hi"}, assistant, RESULT]
        return sent(model, messages=messages, tools=TOOLS, reasoning_effort="low")

    assert "thinking" not in going_on(BUDGETED)
    assert "thinking" in going_on(BUDGETED, reasoning_details=SIGNED)
    assert "thinking" in going_on(TODAY)


def test_who_thinks_does_not_sample() -> None:
    assert "temperature" not in sent(BUDGETED, reasoning_effort="low", temperature=0.5)
    assert "temperature" in sent(BUDGETED, reasoning_effort="none", temperature=0.5)


@pytest.mark.parametrize(
    ("chat", "field"),
    (
        ({"reasoning_effort": "huge"}, "reasoning_effort"),
        ({"reasoning": {"effort": "huge"}}, "reasoning.effort"),
        ({"reasoning": {"max_tokens": 1000}}, "reasoning.max_tokens"),
        ({"reasoning": {"max_tokens": 2000}, "max_tokens": 2000}, "reasoning.max_tokens"),
        ({"reasoning": "much"}, "reasoning"),
        ({"thinking": 1}, "thinking"),
    ),
)
def test_a_wish_out_of_range_is_named(chat: Json, field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        rendered(BUDGETED, **chat)
    assert refused.value.metadata["field"] == field


OLD = Generation(thinks_by_budget=True, samples=True, is_strict=False)
STRICT = Generation(thinks_by_budget=True, samples=True, is_strict=True)
BETWEEN = Generation(thinks_by_budget=False, samples=True, is_strict=True)


@pytest.mark.parametrize(
    ("model", "generation"),
    (
        ("claude-3-opus-20240229", OLD),
        ("claude-3-7-sonnet-latest", OLD),
        ("claude-sonnet-4-20250514", OLD),
        ("claude-opus-4-0", OLD),
        ("claude-opus-4-1-20250805", STRICT),
        ("claude-sonnet-4@20250514", OLD),
        ("claude-haiku-4-5-20251001", STRICT),
        ("anthropic.claude-opus-4-5-20251101-v1:0", STRICT),
        ("claude-sonnet-4.6", BETWEEN),
        ("claude-opus-4-7", Generation()),
        ("claude-opus-5", Generation()),
        ("claude-haiku-5-5", Generation()),
        ("claude-mythos-preview", Generation()),
        ("something-else", Generation()),
    ),
)
def test_a_models_generation_is_in_its_name(model: str, generation: Generation) -> None:
    assert generation_of(model) == generation
