"""Providers that break: before they answer, amid a body, amid a stream. What is told and what is booked."""

import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from pantheon.errors.v1.error_reason_pb2 import ErrorReason
from pantheon.events.v1.change_pb2 import Change
from pantheon.events.v1.completion_pb2 import CompletionFinished
from pantheon.usage.v1.ledger_pb2 import LedgerState, Outcome
from services.router.upstream import Timeouts
from tests.integration.router.conftest import KEYS
from tests.integration.router.failing import STREAMS, SURFACES, WHOLE, Failed, failed, fails
from tests.integration.router.running import RunningRouter, data_of, running_router, spec

READ_SECONDS = 0.5
"""How long this router waits for a provider."""


@pytest.fixture(scope="module")
async def one_router(tmp_path_factory: pytest.TempPathFactory, changes: list[Change]) -> AsyncIterator[RunningRouter]:
    directory, timeouts = tmp_path_factory.mktemp("router"), Timeouts(connect=5, read=READ_SECONDS)
    async with running_router(directory, changes, KEYS, timeouts=timeouts) as running:
        yield running


def assert_failed(finished: CompletionFinished, reason: str, *, http_status: int) -> None:
    assert finished.outcome == Outcome.OUTCOME_FAILED
    assert finished.error_reason == ErrorReason.Value(f"ERROR_REASON_{reason}")
    assert finished.http_status == http_status
    assert finished.final
    assert not finished.not_dispatched


@pytest.mark.parametrize("surface", SURFACES)
async def test_a_connection_reset_before_the_answer_is_an_estimate(router: RunningRouter, surface: str) -> None:
    found = await fails(router, surface, "openai/gpt-4o:sandbox-reset")
    assert (found.status, found.reason) == (_either(surface, 502, "UNAVAILABLE"), "PROVIDER_BROKEN")
    assert_failed(finished := await router.one_finished(), "PROVIDER_BROKEN", http_status=0)
    assert finished.state == LedgerState.LEDGER_STATE_ESTIMATED
    assert finished.tokens.prompt_tokens > 0


@pytest.mark.parametrize("surface", SURFACES)
async def test_a_provider_that_never_answers_is_not_waited_for_for_ever(router: RunningRouter, surface: str) -> None:
    found = await fails(router, surface, "openai/gpt-4o:sandbox-hang")
    assert (found.status, found.reason) == (_either(surface, 504, "DEADLINE_EXCEEDED"), "PROVIDER_TIMEOUT")
    assert_failed(await router.one_finished(), "PROVIDER_TIMEOUT", http_status=0)


@pytest.mark.parametrize("surface", WHOLE)
@pytest.mark.parametrize(
    ("fault", "reason"),
    (
        ("malformed", "PROVIDER_BROKEN"),
        ("truncate", "PROVIDER_BROKEN"),
        ("stall-after-1", "PROVIDER_TIMEOUT"),
    ),
)
async def test_a_body_that_breaks_is_an_error_and_an_estimate(
    router: RunningRouter, surface: str, fault: str, reason: str
) -> None:
    found = await fails(router, surface, f"openai/gpt-4o:sandbox-{fault}")
    assert found.reason == reason
    assert_failed(finished := await router.one_finished(), reason, http_status=200)
    assert finished.state == LedgerState.LEDGER_STATE_ESTIMATED


async def broken_stream(router: RunningRouter, surface: str, model: str) -> tuple[str, Failed]:
    """The text that came before a stream broke, and how it broke."""
    if surface == "http stream":
        answer = await router.post(model, stream=True)
        assert answer.status_code == 200
        *chunks, last = map(_json, data_of(answer.text))
        text = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
        detail = last["error"]
        return text, Failed(200, detail.get("code") or "", detail["message"], detail.get("metadata") or {})
    text = ""
    try:
        async for event in router.stream_complete(spec(model)):
            assert not event.HasField("completion")
            text += event.delta.text
    except grpc.aio.AioRpcError as failure:
        return text, failed(failure)
    raise AssertionError("it did not break")


@pytest.mark.parametrize("surface", STREAMS)
@pytest.mark.parametrize(
    ("fault", "reason", "provider"),
    (
        # At a pace, for a reset takes along what has not been read.
        ("reset-after-6:sandbox-rate-20", "PROVIDER_BROKEN", "openai"),
        ("truncate", "PROVIDER_BROKEN", "openai"),
        ("stall-after-4", "PROVIDER_TIMEOUT", "openai"),
        ("error-after-4", "PROVIDER_FAILED", "openai"),
        ("error-after-4", "PROVIDER_FAILED", "openrouter"),
    ),
)
async def test_a_stream_that_breaks_ends_with_an_error_and_what_came_is_booked(
    router: RunningRouter, surface: str, fault: str, reason: str, provider: str
) -> None:
    text, found = await broken_stream(router, surface, f"{provider}/gpt-4o:sandbox-{fault}")
    assert text
    finished = await router.one_finished()
    assert_failed(finished, reason, http_status=200)
    assert finished.state == LedgerState.LEDGER_STATE_ESTIMATED
    assert finished.tokens.completion_tokens == -(-len(text) // 4)
    assert found.message
    if surface == "grpc stream":
        assert (found.reason, found.metadata["provider"]) == (reason, provider)


@pytest.mark.parametrize("surface", STREAMS)
async def test_usage_that_comes_after_an_event_that_can_t_be_read_is_booked(
    router: RunningRouter, surface: str
) -> None:
    text, found = await broken_stream(router, surface, "openai/gpt-4o:sandbox-malformed")
    assert text
    assert found.message.startswith("The answer can't be read")
    assert_failed(finished := await router.one_finished(), "PROVIDER_BROKEN", http_status=200)
    assert finished.state == LedgerState.LEDGER_STATE_SETTLED
    assert finished.tokens.completion_tokens > -(-len(text) // 4)


@pytest.mark.parametrize("surface", STREAMS)
async def test_a_stream_cut_off_without_a_word_is_broken(router: RunningRouter, surface: str) -> None:
    # The first event is the role: nothing has been said, and nothing is estimated as said.
    text, found = await broken_stream(router, surface, "openai/gpt-4o:sandbox-stall-after-1")
    assert text == ""
    assert found.message
    assert (await router.one_finished()).tokens.completion_tokens == 0


@pytest.mark.parametrize("provider", ("openai", "openrouter"))
async def test_a_stream_without_usage_is_an_estimate(router: RunningRouter, provider: str) -> None:
    *chunks, done = await router.stream(f"{provider}/gpt-4o:sandbox-no-usage")
    assert done == "[DONE]"
    text = "".join(_json(chunk)["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    finished = await router.one_finished()
    assert (finished.outcome, finished.state) == (Outcome.OUTCOME_SUCCEEDED, LedgerState.LEDGER_STATE_ESTIMATED)
    assert finished.tokens.completion_tokens == -(-len(text) // 4)


@pytest.mark.parametrize("provider", ("openai", "openrouter"))
async def test_a_stream_without_done_is_whole_all_the_same(router: RunningRouter, provider: str) -> None:
    chunks = await router.stream(f"{provider}/gpt-4o:sandbox-no-done")
    assert chunks[-1] == "[DONE]", "the client gets it from the router"
    finished = await router.one_finished()
    assert (finished.outcome, finished.state) == (Outcome.OUTCOME_SUCCEEDED, LedgerState.LEDGER_STATE_SETTLED)


async def test_counts_and_costs_are_booked_as_the_provider_reports_them(router: RunningRouter) -> None:
    answer = await router.post("openrouter/gpt-4o:sandbox-usage-drift-2:sandbox-cost-drift-3")
    finished = await router.one_finished()
    assert finished.tokens.prompt_tokens == answer.json()["usage"]["prompt_tokens"]
    assert float(finished.cost.provider_reported.value) == answer.json()["usage"]["cost"]


async def test_answers_that_come_slowly_come(router: RunningRouter) -> None:
    # Each piece well within the time to wait, the whole far beyond it.
    chunks = await router.stream("openai/gpt-4o:sandbox-length-40:sandbox-rate-40")
    assert chunks[-1] == "[DONE]"
    finished = await router.one_finished()
    assert finished.timing.total.ToMilliseconds() > READ_SECONDS * 1000


def _either(surface: str, http: int, code: str) -> int | str:
    return http if surface.startswith("http") else code


def _json(chunk: str) -> Any:

    return json.loads(chunk)
