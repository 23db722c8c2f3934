"""RouterService: Complete and StreamComplete, their trailing metadata, and what is booked."""

from decimal import Decimal

import grpc
import pytest

from pantheon.catalog.v1.parameters_pb2 import ModelParameters
from pantheon.router.v1.completion_pb2 import CompletionSpec, RoutingPreferences
from pantheon.router.v1.router_service_pb2 import CompleteRequest
from pantheon.usage.v1.ledger_pb2 import LedgerState, Outcome, Surface
from services.sandbox.server import SandboxServer
from tests.integration.router.running import AUTHORIZATION, RunningRouter, model, provider, spec

MODELS = ("gpt-4", "anthropic/claude-3-opus")


async def test_a_completion_is_whole_and_booked(router: RunningRouter) -> None:
    call = router.stub.Complete(CompleteRequest(spec=spec(tags={"team": "search"})), metadata=AUTHORIZATION, timeout=20)
    completion = (await call).completion
    finished = await router.one_finished()
    started = finished.started
    assert completion.choices[0].message.parts[0].text.text
    assert completion.choices[0].finish_reason == finished.finish_reason == "stop"
    assert (completion.model, completion.provider, completion.served_model) == ("openai/gpt-4", "openai", "gpt-4-0613")
    assert completion.sandbox
    assert completion.tokens == finished.tokens
    assert completion.cost == finished.cost
    assert completion.timing.total == finished.timing.total
    assert completion.create_time.seconds > 1_700_000_000
    assert completion.provider_response_id == finished.provider_response_id
    assert started.target.surface == Surface.SURFACE_GRPC
    assert not started.target.stream
    assert dict(started.attribution.tags) == {"team": "search"}
    assert dict(await call.trailing_metadata()) == {
        "pantheon-request-id": started.request_id,
        "pantheon-model": "openai/gpt-4",
        "pantheon-cost": finished.cost.amount.value,
    }


@pytest.mark.parametrize("name", MODELS)
async def test_a_stream_begins_with_its_id_and_its_pieces_add_up(router: RunningRouter, name: str) -> None:
    call = router.stream_complete(spec(name))
    first, *pieces, last = [event async for event in call]
    finished = await router.one_finished()
    assert first.started.request_id == finished.started.request_id == last.completion.request_id
    assert first.started.model == finished.started.target.model
    assert first.started.sandbox
    (choice,) = last.completion.choices
    assert len(pieces) > 5
    assert "".join(piece.delta.text for piece in pieces) == choice.message.parts[0].text.text
    assert last.completion.tokens == finished.tokens
    assert last.completion.cost == finished.cost
    assert finished.started.target.stream
    trailing = dict(await call.trailing_metadata())
    assert Decimal(str(trailing["pantheon-cost"])) == Decimal(finished.cost.amount.value)


async def test_an_unpriced_completion_has_no_cost_anywhere(router: RunningRouter) -> None:
    call = router.stub.Complete(CompleteRequest(spec=spec("acme/new")), metadata=AUTHORIZATION, timeout=20)
    completion = (await call).completion
    assert not completion.cost.HasField("amount")
    assert completion.cost.HasField("provider_reported")
    assert "pantheon-cost" not in dict(await call.trailing_metadata())


async def test_a_failed_call_tells_its_id_too(router: RunningRouter) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await router.complete(spec("openai/no-such-model", routing=RoutingPreferences(no_fallback=True)))
    finished = await router.one_finished()
    trailing = dict(caught.value.trailing_metadata())
    assert trailing["pantheon-request-id"] == finished.started.request_id


async def test_an_answer_without_usage_is_an_estimate_and_shows_none(router: RunningRouter) -> None:
    completion = await router.complete(spec("openai/gpt-4o:sandbox-no-usage"))
    finished = await router.one_finished()
    assert not completion.HasField("tokens")
    assert (finished.state, finished.outcome) == (LedgerState.LEDGER_STATE_ESTIMATED, Outcome.OUTCOME_SUCCEEDED)
    text = completion.choices[0].message.parts[0].text.text
    assert finished.tokens.completion_tokens == -(-len(text) // 4)


async def test_max_tokens_are_spelt_as_a_reasoning_model_wants_them(
    own_router: RunningRouter, sandbox: SandboxServer
) -> None:
    # OpenAI refuses max_tokens for its reasoning models.
    own_router.snapshot.apply(provider("openai", sandbox.openai_url, renames_max_tokens=True))
    own_router.snapshot.apply(model("openai/o3", ("openai", "o3")))
    await own_router.complete(spec("openai/o3", parameters=ModelParameters(max_tokens=4000)))
    received = sandbox.recorder.received(1)
    assert received is not None
    assert b'"max_completion_tokens":4000' in received.body


async def test_a_completion_of_nothing_but_defaults(router: RunningRouter, sandbox: SandboxServer) -> None:
    wanted: CompletionSpec = spec(apply_defaults=True)
    await router.complete(wanted)
    received = sandbox.recorder.received(1)
    assert received is not None
    assert b'"temperature":0.7,"max_tokens":2000' in received.body


@pytest.mark.parametrize("name", ("acme/new ", " acme/new", "acme/ne\N{LATIN SMALL LETTER W WITH CIRCUMFLEX}"))
async def test_a_name_that_no_metadata_can_bear_is_refused_before_it_costs_anything(
    router: RunningRouter, name: str
) -> None:
    before = router.journal.last_number
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await router.complete(spec(name))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert router.journal.last_number == before
