"""What use cases stand for: the guide's tables, and whose choice holds."""

import pytest

from pantheon.catalog.v1.use_case_pb2 import (
    CHOICE_LEVEL_ORGANISATION,
    CHOICE_LEVEL_PLATFORM,
    CHOICE_LEVEL_USER,
    USE_CASE_CODE,
    USE_CASE_FAST,
    USE_CASE_GENERAL,
    USE_CASE_LONG_CONTEXT,
    USE_CASE_VISION,
    UseCase,
)
from services.catalog.entities import Choice
from services.catalog.seed.load import load_models
from services.catalog.seed.use_cases import DEFAULTS, REASONS, TEMPERATURES
from services.catalog.use_case_messages import choice_message, organisation_changed, platform_changed
from services.catalog.use_cases import USE_CASES, holding, name_of
from services.runtime.errors import InvalidField


def test_the_names_are_those_behind_auto() -> None:
    assert list(USE_CASES) == ["general", "code", "fast", "vision", "long_context"]
    assert {name_of("use_case", number): number for number in USE_CASES.values()} == USE_CASES


@pytest.mark.parametrize("number", (0, 6, -1))
def test_what_is_no_use_case_is_refused(number: int) -> None:
    with pytest.raises(InvalidField) as caught:
        name_of("use_case", number)
    assert (caught.value.metadata["field"], caught.value.metadata["value"]) == ("use_case", str(number))
    assert "USE_CASE_CODE (2)" in caught.value.metadata["allowed"]


@pytest.mark.parametrize(
    ("use_case", "model", "provider", "reason"),
    (
        (USE_CASE_GENERAL, "GPT-4 Turbo", "openrouter", "Best balance of quality and speed"),
        (USE_CASE_CODE, "Claude 3 Opus", "openrouter", "Superior code understanding"),
        (USE_CASE_FAST, "GPT-3.5 Turbo", "openrouter", "Low latency, cost-effective"),
        (USE_CASE_VISION, "Gemini Pro Vision", "gemini", "Excellent image understanding"),
        (USE_CASE_LONG_CONTEXT, "Claude 3 Opus", "openrouter", "200K token context window"),
    ),
)
def test_the_platform_s_defaults_are_the_guide_s(
    use_case: UseCase.ValueType, model: str, provider: str, reason: str
) -> None:
    held = {found.use_case: found for found in holding({}, {}, DEFAULTS)}
    message = choice_message(held[use_case])
    seeded = {entry.id: entry for entry in load_models()}[message.model]
    assert (seeded.display_name, message.provider, message.reason) == (model, provider, reason)
    assert message.level == CHOICE_LEVEL_PLATFORM
    assert provider in [endpoint.provider for endpoint in seeded.endpoints]


def test_every_use_case_has_a_default_and_a_reason() -> None:
    assert set(DEFAULTS) == set(USE_CASES)
    assert set(REASONS) == set(USE_CASES.values())


@pytest.mark.parametrize(("purpose", "temperature"), (("code", 0.2), ("chat", 0.7), ("creative", 1.2)))
def test_the_suggested_temperatures_are_the_guide_s(purpose: str, temperature: float) -> None:
    assert TEMPERATURES[purpose] == temperature


def test_the_user_s_choice_holds_before_the_organisation_s_and_that_before_the_platform_s() -> None:
    user = {"code": Choice("custom/mine")}
    organisation = {"code": Choice("openai/gpt-4"), "fast": Choice("openai/gpt-4")}
    held = [(found.use_case, found.choice.model, found.level) for found in holding(user, organisation, DEFAULTS)]
    assert held == [
        (USE_CASE_GENERAL, "openai/gpt-4-turbo", CHOICE_LEVEL_PLATFORM),
        (USE_CASE_CODE, "custom/mine", CHOICE_LEVEL_USER),
        (USE_CASE_FAST, "openai/gpt-4", CHOICE_LEVEL_ORGANISATION),
        (USE_CASE_VISION, "google/gemini-pro-vision", CHOICE_LEVEL_PLATFORM),
        (USE_CASE_LONG_CONTEXT, "anthropic/claude-3-opus", CHOICE_LEVEL_PLATFORM),
    ]


def test_only_the_platform_gives_reasons() -> None:
    event = organisation_changed("organisation", {"general": Choice("openai/gpt-4")}).use_cases_changed
    assert [(choice.reason, choice.level) for choice in event.choices] == [("", CHOICE_LEVEL_ORGANISATION)]
    assert all(choice.reason for choice in platform_changed(DEFAULTS).use_cases_changed.choices)
