"""Providers that refuse by status: what the client is told on each surface, and what is booked."""

import json
from decimal import Decimal

import pytest

from pantheon.errors.v1.error_reason_pb2 import ErrorReason
from pantheon.usage.v1.ledger_pb2 import LedgerState, Outcome
from pantheon.usage.v1.measure_pb2 import TokenUsage
from services.sandbox.faults import Directives, Rule
from services.sandbox.server import SandboxServer
from tests.integration.router.failing import SURFACES, fails
from tests.integration.router.running import RunningRouter

REFUSALS = (
    (400, "PROVIDER_INVALID_REQUEST", 400, "INVALID_ARGUMENT"),
    (401, "PROVIDER_AUTHENTICATION", 502, "FAILED_PRECONDITION"),
    (403, "PROVIDER_PERMISSION", 502, "FAILED_PRECONDITION"),
    (404, "PROVIDER_NOT_FOUND", 404, "NOT_FOUND"),
    (408, "PROVIDER_TIMEOUT", 504, "DEADLINE_EXCEEDED"),
    (409, "PROVIDER_INVALID_REQUEST", 409, "INVALID_ARGUMENT"),
    (429, "PROVIDER_RATE_LIMITED", 429, "RESOURCE_EXHAUSTED"),
    (500, "PROVIDER_FAILED", 502, "INTERNAL"),
    (502, "PROVIDER_FAILED", 502, "INTERNAL"),
    (503, "PROVIDER_OVERLOADED", 503, "UNAVAILABLE"),
    (529, "PROVIDER_OVERLOADED", 503, "UNAVAILABLE"),
)


@pytest.mark.parametrize(("status", "reason", "http_status", "code"), REFUSALS)
async def test_a_refusal_is_told_by_its_meaning_and_booked_as_nothing_used(
    router: RunningRouter, sandbox: SandboxServer, status: int, reason: str, http_status: int, code: str
) -> None:
    sandbox.rules.add(Rule(directives=Directives(status=status, retry_after=2)))
    told = {surface: await fails(router, surface) for surface in SURFACES}
    for surface, found in told.items():
        assert found.reason == reason
        assert found.status == (http_status if surface.startswith("http") else code)
        assert found.message
    metadata = dict(told["grpc"].metadata)
    own_words = metadata.pop("original", None)
    assert metadata == {"provider": "openai", "status": str(status), "retry_after_seconds": "2"}
    assert (own_words is None) == (status in {401, 403})
    assert own_words is None or json.loads(own_words)["error"]["message"]
    booked = await router.finished()
    assert [finished.started.request_id for finished in booked] == [found.request_id for found in told.values()]
    for finished in booked:
        assert (finished.outcome, finished.state) == (Outcome.OUTCOME_FAILED, LedgerState.LEDGER_STATE_SETTLED)
        assert finished.error_reason == ErrorReason.Value(f"ERROR_REASON_{reason}")
        assert finished.http_status == status
        assert finished.final
        assert not finished.not_dispatched
        assert finished.tokens == TokenUsage(prompt_tokens=0, completion_tokens=0)
        assert Decimal(finished.cost.amount.value) == 0


async def test_the_provider_s_own_error_body_reaches_an_http_client(
    router: RunningRouter, sandbox: SandboxServer
) -> None:
    sandbox.rules.add(Rule(directives=Directives(status=429, retry_after=2)))
    answer = await router.http.post(
        "/v1/chat/completions",
        json={"model": "gpt-4", "messages": [{"role": "user", "content": "Hi"}]},
        headers={"x-pantheon-fallback": "false"},
    )
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "2"
    assert answer.json() == {
        "error": {
            "message": "Rate limit reached on requests per min (RPM). Please try again later.",
            "type": "requests",
            "param": None,
            "code": "rate_limit_exceeded",
        }
    }


@pytest.mark.parametrize("surface", SURFACES)
async def test_a_refusal_of_pantheon_s_own_key_tells_nothing_of_it(
    router: RunningRouter, sandbox: SandboxServer, surface: str
) -> None:
    # As OpenAI says it, a part of the key included.
    sandbox.rules.add(Rule(directives=Directives(status=401)))
    found = await fails(router, surface)
    assert "key" not in found.message.lower()
    assert found.reason == "PROVIDER_AUTHENTICATION"


@pytest.mark.parametrize("surface", SURFACES)
async def test_a_model_the_provider_does_not_know_is_told_apart(router: RunningRouter, surface: str) -> None:
    found = await fails(router, surface, "openai/no-such-model")
    assert found.reason == "PROVIDER_NOT_FOUND"
    assert "no-such-model" in found.message
    assert (await router.one_finished()).started.target.model == "openai/no-such-model"
