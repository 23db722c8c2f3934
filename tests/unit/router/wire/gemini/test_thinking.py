"""How much to think."""

import pytest

from services.runtime.errors import InvalidField
from tests.unit.router.wire.gemini.samples import BUDGETED, LEVELLED, Json, config

PRO = "gemini-2.5-pro"
LITE = "gemini-2.5-flash-lite"
LEVELLED_PRO = "gemini-3.1-pro-preview"
ALIAS = "gemini-flash-latest"


@pytest.mark.parametrize(
    ("model", "chat", "expected"),
    (
        (BUDGETED, {"reasoning_effort": "low"}, {"thinkingBudget": 1024}),
        (BUDGETED, {"reasoning_effort": "medium"}, {"thinkingBudget": 8192}),
        (BUDGETED, {"reasoning_effort": "xhigh"}, {"thinkingBudget": 24576}),
        (BUDGETED, {"reasoning_effort": "none"}, {"thinkingBudget": 0}),
        (PRO, {"reasoning_effort": "none"}, {"thinkingBudget": 128}),
        (ALIAS, {"reasoning_effort": "high"}, {"thinkingBudget": 24576}),
        (BUDGETED, {"reasoning": {"effort": "high"}}, {"thinkingBudget": 24576, "includeThoughts": True}),
        (BUDGETED, {"reasoning": {"effort": "high", "exclude": True}}, {"thinkingBudget": 24576}),
        (BUDGETED, {"reasoning": {"max_tokens": 2000}}, {"thinkingBudget": 2000, "includeThoughts": True}),
        (BUDGETED, {"reasoning": {"enabled": False}}, {"thinkingBudget": 0}),
        (BUDGETED, {"reasoning": {"enabled": True}}, {"thinkingBudget": -1, "includeThoughts": True}),
        (BUDGETED, {"thinking": {"type": "enabled", "budget_tokens": 31999}},
         {"thinkingBudget": 24576, "includeThoughts": True}),
        (PRO, {"thinking": {"type": "enabled", "budget_tokens": 31999}},
         {"thinkingBudget": 31999, "includeThoughts": True}),
        (PRO, {"reasoning": {"max_tokens": 0, "exclude": True}}, {"thinkingBudget": 128}),
        (LITE, {"reasoning": {"max_tokens": 100, "exclude": True}}, {"thinkingBudget": 512}),
        (BUDGETED, {"thinking": {"type": "disabled"}}, {"thinkingBudget": 0}),
        (BUDGETED, {"thinking": {"type": "adaptive"}}, {"thinkingBudget": -1, "includeThoughts": True}),
        (BUDGETED, {"thinking": {"type": "adaptive"}, "reasoning_effort": "low"},
         {"thinkingBudget": 1024, "includeThoughts": True}),
        (LEVELLED, {"reasoning_effort": "low"}, {"thinkingLevel": "LOW"}),
        (LEVELLED, {"reasoning_effort": "none"}, {"thinkingLevel": "MINIMAL"}),
        (LEVELLED, {"reasoning_effort": "max"}, {"thinkingLevel": "HIGH"}),
        (LEVELLED_PRO, {"reasoning_effort": "minimal"}, {"thinkingLevel": "LOW"}),
        (LEVELLED, {"reasoning": {"max_tokens": 5000}}, {"thinkingLevel": "MEDIUM", "includeThoughts": True}),
        (LEVELLED, {"thinking": {"type": "enabled", "budget_tokens": 30000}},
         {"thinkingLevel": "HIGH", "includeThoughts": True}),
        (LEVELLED, {"thinking": {"type": "adaptive"}}, {"includeThoughts": True}),
        (LEVELLED, {"reasoning_effort": "low",
                    "google": {"thinking_config": {"thinking_level": "high", "include_thoughts": True}}},
         {"thinkingLevel": "high", "includeThoughts": True}),
    ),
)  # fmt: skip
def test_each_generation_is_told_in_its_way(model: str, chat: Json, expected: Json) -> None:
    assert config(model, **chat)["thinkingConfig"] == expected


@pytest.mark.parametrize("model", ("gemini-2.0-flash", "gemini-1.5-pro", "gemma-3-27b-it"))
def test_a_model_that_never_thinks_is_told_nothing(model: str) -> None:
    assert config(model, reasoning_effort="high") == {}


@pytest.mark.parametrize("model", (BUDGETED, LEVELLED))
def test_nothing_is_said_where_nothing_was_asked(model: str) -> None:
    assert config(model) == {}


@pytest.mark.parametrize(
    ("chat", "field"),
    (
        ({"reasoning_effort": "much"}, "reasoning_effort"),
        ({"reasoning": {"effort": "much"}}, "reasoning.effort"),
        ({"thinking": {"budget_tokens": "many"}}, "thinking.budget_tokens"),
    ),
)
def test_an_unknown_effort_is_named(chat: Json, field: str) -> None:
    with pytest.raises(InvalidField) as raised:
        config(**chat)
    assert raised.value.metadata["field"] == field
