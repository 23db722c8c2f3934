"""Trying a model out, kept or not: the answer, its figures, a verdict, and a row for the ledger like any other's."""

from typing import Any

import grpc
import pytest

from pantheon.catalog.v1.custom_model_pb2 import CustomModel
from pantheon.router.v1 import router_service_pb2
from pantheon.router.v1.model_test_pb2 import (
    CHECK_OUTCOME_FAILED,
    CHECK_OUTCOME_PASSED,
    ModelTest,
)
from services.runtime.status import error_from_rpc
from services.sandbox.server import SandboxServer
from tests.integration.router.running import AUTHORIZATION, RunningRouter


async def trial(router: RunningRouter, **request: Any) -> ModelTest:
    answer = await router.stub.TestModel(
        router_service_pb2.TestModelRequest(**request), metadata=AUTHORIZATION, timeout=20
    )
    return answer.test


def description(base_url: str, *, hosted: bool = False, **fields: Any) -> CustomModel:
    return CustomModel(
        model_id="custom/mine",
        user_id="0199-owner",
        provider="openai",
        provider_model_id="gpt-4",
        base_url=base_url,
        provider_hosted=hosted,
        **fields,
    )


async def test_a_model_is_asked_and_judged(router: RunningRouter) -> None:
    test = await trial(router, model="gpt-4", prompt="Tell me in one sentence what a ledger is, please.")

    assert (test.model, test.provider, test.refusal) == ("openai/gpt-4", "openai", "")
    assert test.text
    assert test.finish_reason == "stop"
    assert test.tokens.completion_tokens > 0
    assert test.cost.amount.value
    assert test.timing.time_to_first_token.ToNanoseconds() <= test.timing.total.ToNanoseconds()
    assert test.verdict.non_empty == test.verdict.finished == CHECK_OUTCOME_PASSED
    assert test.verdict.parameters_accepted == CHECK_OUTCOME_PASSED
    finished = await router.one_finished()
    assert finished.started.request_id == test.request_id


async def test_without_a_prompt_a_question_of_pantheon_s_own_is_asked(
    router: RunningRouter, sandbox: SandboxServer
) -> None:
    assert (await trial(router, model="gpt-4")).text
    received = sandbox.recorder.received(1)
    assert received is not None
    assert b"ledger" in received.body


async def test_a_refusal_is_a_result(own_router: RunningRouter, sandbox: SandboxServer) -> None:
    hosted = description(sandbox.openai_url, hosted=True)
    test = await trial(own_router, custom_model=hosted, api_key="sk-invalid")

    assert test.refusal
    assert not test.verdict.passed
    assert test.verdict.non_empty == CHECK_OUTCOME_FAILED
    assert "sk-invalid" not in str(test)


async def test_one_that_is_not_kept_is_asked_with_its_own_key(router: RunningRouter, sandbox: SandboxServer) -> None:
    test = await trial(router, custom_model=description(sandbox.openai_url, hosted=True), api_key="sandbox")

    assert test.model == "custom/mine"
    assert test.verdict.non_empty == CHECK_OUTCOME_PASSED
    assert (await router.one_finished()).started.target.model == "custom/mine"


async def test_one_that_is_not_kept_does_not_get_past_the_guard(router: RunningRouter, sandbox: SandboxServer) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await trial(router, custom_model=description(sandbox.openai_url), api_key="sandbox")

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "127.0.0.1" in error_from_rpc(caught.value).message
    assert await router.finished() == [] or (await router.finished())[0].not_dispatched


@pytest.mark.parametrize("api_key", ("two words", "k" * 4_097, "line\nbreak"))
async def test_a_key_that_no_header_can_carry_is_refused_without_repeating_it(
    router: RunningRouter, sandbox: SandboxServer, api_key: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await trial(router, custom_model=description(sandbox.openai_url, hosted=True), api_key=api_key)

    error = error_from_rpc(caught.value)
    assert (error.reason, error.metadata["field"]) == ("INVALID_FIELD", "api_key")
    assert api_key not in error.message


async def test_a_prompt_beyond_what_a_test_may_ask_is_refused(router: RunningRouter) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await trial(router, model="gpt-4", prompt="x" * 32_769)

    assert error_from_rpc(caught.value).metadata["allowed"] == "at most 32768 characters"
