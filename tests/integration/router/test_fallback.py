"""From one key to the next and from one endpoint to the next, before anything of an answer has come."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from pantheon.catalog.v1 import provider_pb2
from pantheon.errors.v1.error_reason_pb2 import ErrorReason
from pantheon.events.v1.change_pb2 import Change
from pantheon.events.v1.completion_pb2 import CompletionFinished
from pantheon.usage.v1.ledger_pb2 import LedgerState, Outcome
from services.local.ports import free_ports
from services.router.chat import Body, ChatRequest, Format
from services.router.wire.base import Dialect
from services.router.wire.openai_chat import OpenAIChat
from services.sandbox.faults import Directives, Rule
from services.sandbox.recorder import Outcome as Seen
from services.sandbox.server import SandboxServer
from tests.integration.router.conftest import KEYS
from tests.integration.router.failing import SURFACES, fails
from tests.integration.router.running import RunningRouter, model, provider, running_router, spec

FAILED, SUCCEEDED = Outcome.OUTCOME_FAILED, Outcome.OUTCOME_SUCCEEDED


async def succeeds(router: RunningRouter, surface: str) -> str:
    """A completion of GPT-4; returns the provider that answered."""
    if surface == "http":
        answer = await router.post()
        assert answer.status_code == 200, answer.text
        return answer.headers["x-pantheon-provider"]
    if surface == "http stream":
        answer = await router.post(stream=True)
        assert answer.text.endswith("data: [DONE]\n\n"), answer.text
        return answer.headers["x-pantheon-provider"]
    if surface == "grpc":
        return (await router.complete()).provider
    *_, last = [event async for event in router.stream_complete(spec())]
    return last.completion.provider


def attempts(booked: list[CompletionFinished]) -> list[tuple[int, str, int, bool]]:
    """Of each attempt: its number, where it went, how it ended, whether it was the final one."""
    request_ids = {finished.started.request_id for finished in booked}
    assert len(request_ids) <= 1
    return [
        (one.started.attempt_number, one.started.target.provider, one.outcome, one.final)
        for one in sorted(booked, key=lambda one: one.started.attempt_number)
    ]


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize(
    "directives",
    (
        Directives(status=500),
        Directives(status=429, retry_after=9),
        Directives(status=401),
        Directives(status=404),
        Directives(reset=True),
    ),
    ids=("500", "429", "401", "404", "reset"),
)
async def test_what_another_endpoint_may_not_have_is_tried_there(
    router: RunningRouter, sandbox: SandboxServer, surface: str, directives: Directives
) -> None:
    sandbox.rules.add(Rule(directives=directives, provider="openai"))
    assert await succeeds(router, surface) == "openrouter"
    assert attempts(await router.finished()) == [(1, "openai", FAILED, False), (2, "openrouter", SUCCEEDED, True)]
    assert [seen.provider for seen in sandbox.recorder] == ["openai", "openrouter"]


@pytest.mark.parametrize("surface", SURFACES)
async def test_what_is_wrong_with_the_request_itself_is_tried_nowhere_else(
    router: RunningRouter, sandbox: SandboxServer, surface: str
) -> None:
    sandbox.rules.add(Rule(directives=Directives(status=400), provider="openai"))
    assert (await fails(router, surface, fallback=True)).reason == "PROVIDER_INVALID_REQUEST"
    assert attempts(await router.finished()) == [(1, "openai", FAILED, True)]


@pytest.mark.parametrize("surface", SURFACES)
async def test_when_all_fail_the_last_failure_is_told_and_the_final_one(
    router: RunningRouter, sandbox: SandboxServer, surface: str
) -> None:
    sandbox.rules.add(Rule(directives=Directives(status=500), provider="openai"))
    sandbox.rules.add(Rule(directives=Directives(status=503), provider="openrouter"))
    found = await fails(router, surface, fallback=True)
    assert found.reason == "PROVIDER_OVERLOADED"
    booked = await router.finished()
    assert attempts(booked) == [(1, "openai", FAILED, False), (2, "openrouter", FAILED, True)]
    assert booked[-1].error_reason == ErrorReason.ERROR_REASON_PROVIDER_OVERLOADED


@pytest.mark.parametrize("surface", SURFACES)
async def test_without_fallback_the_first_failure_is_the_last(
    router: RunningRouter, sandbox: SandboxServer, surface: str
) -> None:
    sandbox.rules.add(Rule(directives=Directives(status=500), provider="openai"))
    await fails(router, surface, fallback=False)
    assert attempts(await router.finished()) == [(1, "openai", FAILED, True)]


async def test_after_the_first_byte_nothing_else_is_tried(router: RunningRouter, sandbox: SandboxServer) -> None:
    sandbox.rules.add(Rule(directives=Directives(error_after=3), provider="openai"))
    answer = await router.post(stream=True)
    assert answer.status_code == 200
    assert attempts(await router.finished()) == [(1, "openai", FAILED, True)]


async def test_an_answer_that_can_t_be_read_was_paid_for_and_is_not_asked_for_again(
    router: RunningRouter, sandbox: SandboxServer
) -> None:
    sandbox.rules.add(Rule(directives=Directives(malformed=True), provider="openai"))
    assert (await fails(router, "http", fallback=True)).reason == "PROVIDER_BROKEN"
    assert attempts(await router.finished()) == [(1, "openai", FAILED, True)]


@pytest.fixture
async def unreachable(tmp_path: Path, sandbox: SandboxServer) -> AsyncIterator[RunningRouter]:
    """Nothing listens where `gone` should be. GPT-4 is offered by OpenAI, then there; Opus there, then by OpenRouter;
    Haiku nowhere else."""
    changes: list[Change] = [
        provider("openai", sandbox.openai_url),
        provider("openrouter", sandbox.openrouter_url),
        provider("gone", f"http://127.0.0.1:{free_ports(1)[0]}/v1"),
        model("openai/gpt-4", ("openai", "gpt-4"), ("gone", "gpt-4"), aliases=("gpt-4",)),
        model("anthropic/opus", ("gone", "opus"), ("openrouter", "anthropic/opus")),
        model("anthropic/haiku", ("gone", "haiku")),
    ]
    async with running_router(tmp_path, changes, {**KEYS, "gone": ("sandbox",)}) as running:
        yield running


async def test_a_provider_that_can_t_be_reached_leaves_no_row(unreachable: RunningRouter) -> None:
    answer = await unreachable.post("anthropic/opus")
    assert answer.headers["x-pantheon-provider"] == "openrouter"
    first, second = await unreachable.finished()
    assert first.not_dispatched
    assert not first.final
    assert second.final
    assert second.started.attempt_number == 2


@pytest.mark.parametrize("surface", SURFACES)
async def test_when_none_can_be_reached_nothing_is_booked(unreachable: RunningRouter, surface: str) -> None:
    found = await fails(unreachable, surface, "anthropic/haiku")
    assert found.reason == "PROVIDER_BROKEN"
    assert (await unreachable.one_finished()).not_dispatched


async def test_a_failure_whose_fallback_can_t_be_reached_is_the_final_one_of_its_request(
    unreachable: RunningRouter, sandbox: SandboxServer
) -> None:
    sandbox.rules.add(Rule(directives=Directives(status=500), provider="openai"))
    found = await fails(unreachable, "http", fallback=True)
    assert found.reason == "PROVIDER_FAILED", "what is told is what is booked"
    booked = await unreachable.finished()
    assert attempts([one for one in booked if not one.not_dispatched]) == [(1, "openai", FAILED, True)]
    assert [one.not_dispatched for one in booked] == [True, False]


@pytest.fixture
async def three_keys(tmp_path: Path, changes: list[Change]) -> AsyncIterator[RunningRouter]:
    """OpenAI has three keys, of which the sandbox refuses those with `invalid` in them."""
    keys = {"openai": ("invalid-1", "good", "invalid-2"), "openrouter": ("sandbox",)}
    async with running_router(tmp_path, changes, keys) as running:
        yield running


async def test_keys_are_tried_in_turn_before_another_endpoint(
    three_keys: RunningRouter, sandbox: SandboxServer
) -> None:
    for _ in range(3):
        assert (await three_keys.post()).headers["x-pantheon-provider"] == "openai"
    tried = [seen.status for seen in sandbox.recorder]
    # The first request begins with the first key, the second with the second, the third with the third and then goes on
    # to the second: the first was refused before.
    assert tried == [401, 200, 200, 401, 200]
    assert [one.final for one in await three_keys.finished()].count(True) == 3


async def test_no_more_than_four_attempts_are_made(
    tmp_path: Path, changes: list[Change], sandbox: SandboxServer
) -> None:
    keys = {"openai": tuple(f"key-{number}" for number in range(6)), "openrouter": ("sandbox",)}
    sandbox.rules.add(Rule(directives=Directives(status=429)))
    async with running_router(tmp_path, changes, keys) as running:
        await fails(running, "http", fallback=True)
        booked = await running.finished()
    assert [one.started.attempt_number for one in booked] == [1, 2, 3, 4]
    assert [one.final for one in booked] == [False, False, False, True]


class _Faulty(OpenAIChat):
    """A format with a fault of ours in it."""

    def render_request(self, request: ChatRequest, model: str, fill: Body, dialect: Dialect) -> bytes:
        raise LookupError(model)


async def test_a_fault_of_ours_on_the_way_to_the_next_endpoint_leaves_no_attempt_open(
    own_router: RunningRouter, sandbox: SandboxServer
) -> None:
    sandbox.rules.add(Rule(directives=Directives(status=500), provider="openai"))
    providers = own_router.snapshot.catalog.providers
    providers["openrouter"] = replace(providers["openrouter"], wires={Format.CHAT: _Faulty()})
    assert (await fails(own_router, "http", fallback=True)).reason == "INTERNAL_FAULT"
    assert attempts(await own_router.finished()) == [(1, "openai", FAILED, True)]


async def test_a_provider_that_needs_no_key_is_asked_once_whatever_keys_there_are(
    tmp_path: Path, changes: list[Change], sandbox: SandboxServer
) -> None:
    sandbox.rules.add(Rule(directives=Directives(status=500), provider="openai"))
    keyless = Change()
    keyless.CopyFrom(changes[0])
    keyless.provider_changed.provider.auth_style = provider_pb2.AUTH_STYLE_NONE
    async with running_router(tmp_path, [*changes, keyless], {"openai": ("left", "over")}) as running:
        await fails(running, "http", fallback=True)
        assert attempts(await running.finished()) == [(1, "openai", FAILED, True)]


async def test_a_provider_whose_keys_are_not_known_has_no_endpoint(
    tmp_path: Path, changes: list[Change], sandbox: SandboxServer
) -> None:
    async with running_router(tmp_path, changes, {}) as running:
        assert (await fails(running, "http", fallback=True)).reason == "NO_ENDPOINT"
        assert await running.events() == []
    assert len(sandbox.recorder) == 0


async def test_a_refused_attempt_costs_nothing_beside_the_one_that_answered(
    router: RunningRouter, sandbox: SandboxServer
) -> None:
    sandbox.rules.add(Rule(directives=Directives(status=503), provider="openai"))
    await router.post()
    refused, answered = await router.finished()
    assert refused.tokens.prompt_tokens == 0
    assert answered.tokens.prompt_tokens > 0
    assert answered.state == LedgerState.LEDGER_STATE_SETTLED
    assert [seen.outcome for seen in sandbox.recorder] == [Seen.ANSWERED, Seen.ANSWERED]
