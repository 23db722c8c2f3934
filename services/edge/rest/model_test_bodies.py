"""Tests of models as JSON: answer, figures and verdict. Pure."""

import msgspec

from pantheon.router.v1.model_test_pb2 import ModelTest
from pantheon.usage.v1.measure_pb2 import Cost
from services.edge.rest import decimals
from services.edge.rest.names import OUTCOMES
from services.runtime import times


class CostBody(msgspec.Struct, frozen=True):
    """USD; null: unknown, which is not zero."""

    amount: msgspec.Raw
    provider_reported: msgspec.Raw
    price_version_id: str | None
    price_override_id: str | None


class VerdictBody(msgspec.Struct, frozen=True):
    """Whether the answer is usable. Each check: passed, failed or unknown."""

    passed: bool
    non_empty: str | None
    finished: str | None
    right_language: str | None
    parameters_accepted: str | None


class ModelTestBody(msgspec.Struct, frozen=True, kw_only=True):
    """How the model did. Null: the provider did not say; of `refusal`: it did not refuse."""

    request_id: str
    model: str
    provider: str
    served_model: str | None
    text: str
    finish_reason: str | None
    time_to_first_token_seconds: float | None
    latency_seconds: float
    tokens: dict[str, int]
    cost: CostBody
    verdict: VerdictBody
    refusal: str | None


def model_test_body(test: ModelTest) -> ModelTestBody:
    """The test as it is shown."""
    timing, verdict = test.timing, test.verdict
    first = times.seconds(timing.time_to_first_token) if timing.HasField("time_to_first_token") else None
    checks = (verdict.non_empty, verdict.finished, verdict.right_language, verdict.parameters_accepted)
    return ModelTestBody(
        request_id=test.request_id,
        model=test.model,
        provider=test.provider,
        served_model=test.served_model or None,
        text=test.text,
        finish_reason=test.finish_reason or None,
        time_to_first_token_seconds=first,
        latency_seconds=times.seconds(timing.total),
        tokens={field.name: value for field, value in test.tokens.ListFields()},
        cost=_cost(test.cost),
        verdict=VerdictBody(verdict.passed, *map(OUTCOMES.of, checks)),
        refusal=test.refusal or None,
    )


def _cost(cost: Cost) -> CostBody:
    return CostBody(
        decimals.shown(cost, "amount"),
        decimals.shown(cost, "provider_reported"),
        cost.price_version_id or None,
        cost.price_override_id or None,
    )
