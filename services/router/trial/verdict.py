"""Whether an answer is usable, as far as that can be told. Pure."""

from pantheon.router.v1.model_test_pb2 import (
    CHECK_OUTCOME_FAILED,
    CHECK_OUTCOME_PASSED,
    CHECK_OUTCOME_UNKNOWN,
    CheckOutcome,
    ModelVerdict,
)
from services.runtime.errors import ProviderError, ProviderInvalidRequest

_CUT_OFF = ("length", "content_filter")


def judge(text: str, finish_reason: str, *, same_language: bool | None) -> ModelVerdict:
    """Of an answer that came; `same_language` as the prompt, None where that can't be told."""
    return _verdict(
        non_empty=_outcome(bool(text.strip())),
        finished=_outcome(finish_reason not in _CUT_OFF if finish_reason else None),
        right_language=_outcome(same_language),
        parameters_accepted=CHECK_OUTCOME_PASSED,
    )


def judge_refusal(error: ProviderError) -> ModelVerdict:
    """Of an answer that never came: what was refused as invalid has parameters that the provider does not take."""
    invalid = isinstance(error, ProviderInvalidRequest)
    return _verdict(
        non_empty=CHECK_OUTCOME_FAILED,
        finished=CHECK_OUTCOME_FAILED,
        right_language=CHECK_OUTCOME_UNKNOWN,
        parameters_accepted=CHECK_OUTCOME_FAILED if invalid else CHECK_OUTCOME_UNKNOWN,
    )


def _verdict(**checks: CheckOutcome.ValueType) -> ModelVerdict:
    return ModelVerdict(passed=CHECK_OUTCOME_FAILED not in checks.values(), **checks)


def _outcome(found: bool | None) -> CheckOutcome.ValueType:  # noqa: FBT001 - a value, not a switch
    if found is None:
        return CHECK_OUTCOME_UNKNOWN
    return CHECK_OUTCOME_PASSED if found else CHECK_OUTCOME_FAILED
