import pytest

from pantheon.router.v1.model_test_pb2 import (
    CHECK_OUTCOME_FAILED,
    CHECK_OUTCOME_PASSED,
    CHECK_OUTCOME_UNKNOWN,
)
from services.router.trial.verdict import judge, judge_refusal
from services.runtime.errors import ProviderAuthentication, ProviderInvalidRequest


def test_a_whole_answer_in_the_prompt_s_language_passes() -> None:
    verdict = judge("A ledger is a book of accounts.", "stop", same_language=True)

    assert verdict.passed
    assert {verdict.non_empty, verdict.finished, verdict.right_language, verdict.parameters_accepted} == {
        CHECK_OUTCOME_PASSED
    }


@pytest.mark.parametrize("text", ("", " \n"))
def test_an_answer_without_text_fails(text: str) -> None:
    verdict = judge(text, "stop", same_language=None)

    assert not verdict.passed
    assert verdict.non_empty == CHECK_OUTCOME_FAILED


@pytest.mark.parametrize(
    ("finish_reason", "outcome"),
    (
        ("stop", CHECK_OUTCOME_PASSED),
        ("tool_calls", CHECK_OUTCOME_PASSED),
        ("length", CHECK_OUTCOME_FAILED),
        ("content_filter", CHECK_OUTCOME_FAILED),
        ("", CHECK_OUTCOME_UNKNOWN),
    ),
)
def test_an_answer_is_finished_unless_it_was_cut_off(finish_reason: str, outcome: int) -> None:
    verdict = judge("text", finish_reason, same_language=True)

    assert verdict.finished == outcome
    assert verdict.passed == (outcome != CHECK_OUTCOME_FAILED)


def test_another_language_fails_and_an_unknown_one_does_not() -> None:
    assert judge("texte", "stop", same_language=False).right_language == CHECK_OUTCOME_FAILED
    assert not judge("texte", "stop", same_language=False).passed
    assert judge("42", "stop", same_language=None).passed


def test_a_request_refused_as_invalid_has_parameters_that_are_not_taken() -> None:
    verdict = judge_refusal(ProviderInvalidRequest("temperature is not supported"))

    assert verdict.parameters_accepted == CHECK_OUTCOME_FAILED
    assert not verdict.passed


def test_another_refusal_says_nothing_of_parameters() -> None:
    verdict = judge_refusal(ProviderAuthentication("no"))

    assert verdict.parameters_accepted == CHECK_OUTCOME_UNKNOWN
    assert not verdict.passed
