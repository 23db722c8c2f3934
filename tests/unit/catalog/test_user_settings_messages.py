import pytest
from hypothesis import given
from hypothesis import strategies as st

from pantheon.catalog.v1 import settings_pb2
from pantheon.catalog.v1.use_case_pb2 import (
    CHOICE_LEVEL_USER,
    USE_CASE_CODE,
    USE_CASE_GENERAL,
    USE_CASE_LONG_CONTEXT,
    UseCaseChoice,
)
from services.catalog.entities import Choice, Parameters, UserSettings
from services.catalog.use_cases import USE_CASES
from services.catalog.user_settings_messages import given_settings, settings_message
from services.runtime.errors import InvalidField

USER = "01900000-0000-7000-8000-000000000001"

choices = st.builds(Choice, model=st.text(min_size=1, max_size=9), provider=st.sampled_from(["", "openrouter"]))


@given(
    st.builds(
        UserSettings,
        user_id=st.just(USER),
        preferred_model=st.text(max_size=20),
        parameters=st.builds(
            Parameters,
            temperature=st.none() | st.floats(allow_nan=False),
            max_tokens=st.none() | st.integers(-(2**63), 2**63 - 1),
            top_p=st.none() | st.just(0.0),
        ),
        use_cases=st.dictionaries(st.sampled_from(sorted(USE_CASES)), choices),
    )
)
def test_settings_come_back_as_they_went_zeros_included(settings: UserSettings) -> None:
    assert given_settings(settings_message(settings), USER) == settings


def test_nobody_speaks_for_another_user_or_time() -> None:
    message = settings_pb2.UserSettings(user_id="01900000-0000-7000-8000-00000000ffff")
    message.update_time.FromSeconds(1)
    assert given_settings(message, USER) == UserSettings(USER)


def test_choices_stand_in_the_order_of_use_cases_and_say_that_they_are_the_user_s() -> None:
    chosen = {"long_context": Choice("openai/gpt-4"), "general": Choice("acme/small", "acme")}
    message = settings_message(UserSettings(USER, use_cases=chosen))
    assert list(message.use_cases) == [
        UseCaseChoice(use_case=USE_CASE_GENERAL, model="acme/small", provider="acme", level=CHOICE_LEVEL_USER),
        UseCaseChoice(use_case=USE_CASE_LONG_CONTEXT, model="openai/gpt-4", level=CHOICE_LEVEL_USER),
    ]


def test_a_choice_without_a_model_is_none() -> None:
    message = settings_pb2.UserSettings(use_cases=[UseCaseChoice(use_case=USE_CASE_CODE, provider="acme")])
    assert given_settings(message, USER) == UserSettings(USER)


@pytest.mark.parametrize(
    ("cases", "value", "allowed"),
    (
        ([USE_CASE_CODE, USE_CASE_GENERAL, USE_CASE_CODE], "code", "each use case at most once"),
        ([0], "0", "USE_CASE_LONG_CONTEXT (5)"),
        ([6], "6", "USE_CASE_GENERAL (1)"),
    ),
)
def test_a_use_case_is_known_and_chosen_for_once(cases: list[int], value: str, allowed: str) -> None:
    message = settings_pb2.UserSettings()
    for case in cases:
        message.use_cases.add(use_case=case, model="openai/gpt-4")
    with pytest.raises(InvalidField) as caught:
        given_settings(message, USER)
    assert (caught.value.metadata["field"], caught.value.metadata["value"]) == ("use_cases", value)
    assert allowed in caught.value.metadata["allowed"]
