"""Embeddings with OpenAI's own SDK, without it and over gRPC: vectors, bytes, errors, and what is booked."""

import asyncio
import base64
import struct
from decimal import Decimal
from typing import Any

import grpc
import httpx2 as httpx
import msgspec
import openai as sdk
import pytest
from openai import AsyncOpenAI

from pantheon.catalog.v1.provider_pb2 import AuthStyle, WireFormat
from pantheon.router.v1.completion_pb2 import RoutingPreferences
from pantheon.router.v1.embedding_pb2 import Embeddings, EmbeddingSpec
from pantheon.router.v1.router_service_pb2 import EmbedRequest
from pantheon.usage.v1.ledger_pb2 import LedgerState, Outcome, Surface
from services.sandbox.openai_embeddings import vector
from services.sandbox.recorder import Outcome as Seen
from services.sandbox.server import SandboxServer
from tests.integration.router.running import AUTHORIZATION, RunningRouter, model, provider

SMALL = "text-embedding-3-small"
TEXTS = ["All bees are insects.", "Not all insects are bees."]


@pytest.fixture
def priced(own_router: RunningRouter) -> RunningRouter:
    """A router that knows an embedding model, at USD 10 a million tokens and no price for completions."""
    row = model(f"openai/{SMALL}", ("openai", SMALL), aliases=(SMALL,), completion_price=None)
    own_router.snapshot.apply(row)
    return own_router


async def post(router: RunningRouter, **members: Any) -> httpx.Response:
    return await router.http.post("/v1/embeddings", json={"model": f"openai/{SMALL}", "input": TEXTS, **members})


async def embed(router: RunningRouter, **fields: Any) -> Embeddings:
    spec = EmbeddingSpec(**{"model": f"openai/{SMALL}", "texts": TEXTS, **fields})
    return (await router.stub.Embed(EmbedRequest(spec=spec), metadata=AUTHORIZATION, timeout=20)).embeddings


async def test_the_sdk_gets_the_provider_s_vectors(router: RunningRouter, openai: AsyncOpenAI) -> None:
    # The SDK asks for base64 unless told otherwise.
    packed = await openai.embeddings.create(model=f"openai/{SMALL}", input=TEXTS)
    plain = await openai.embeddings.create(model=f"openai/{SMALL}", input=TEXTS, encoding_format="float")
    assert [one.embedding for one in packed.data] == [one.embedding for one in plain.data]
    assert len(packed.data[0].embedding) == 1536
    assert packed.usage.prompt_tokens == packed.usage.total_tokens == sum(-(-len(text) // 4) for text in TEXTS)


@pytest.mark.parametrize("given", ("one text", ["a", "list"], [1, 2, 3], [[1, 2], [3]]))
async def test_the_sdk_sends_texts_and_tokens(router: RunningRouter, openai: AsyncOpenAI, given: Any) -> None:
    answer = await openai.embeddings.create(model=f"openai/{SMALL}", input=given, dimensions=8)
    assert all(len(one.embedding) == 8 for one in answer.data)


async def test_an_embedding_is_booked_and_costs_what_its_tokens_cost(priced: RunningRouter) -> None:
    answer = await post(priced, model=SMALL)
    assert answer.status_code == 200, answer.text
    tokens = answer.json()["usage"]["prompt_tokens"]
    cost = Decimal(10) * tokens / 1_000_000
    assert Decimal(answer.headers["x-pantheon-cost"]) == cost
    finished = await priced.one_finished()
    started = finished.started
    assert started.request_id == answer.headers["x-request-id"]
    assert started.target.surface == Surface.SURFACE_OPENAI_EMBEDDINGS
    assert (started.target.model, started.target.provider_model_id) == (f"openai/{SMALL}", SMALL)
    assert not started.target.stream
    assert (finished.outcome, finished.state) == (Outcome.OUTCOME_SUCCEEDED, LedgerState.LEDGER_STATE_SETTLED)
    assert (finished.tokens.prompt_tokens, finished.tokens.completion_tokens) == (tokens, 0)
    assert finished.tokens.HasField("completion_tokens")
    assert Decimal(finished.cost.amount.value) == cost
    assert finished.served_model == SMALL
    assert finished.final


async def test_usage_that_was_not_told_is_estimated_and_rated(priced: RunningRouter) -> None:
    await post(priced, model=f"openai/{SMALL}:sandbox-no-usage")
    finished = await priced.one_finished()
    assert (finished.outcome, finished.state) == (Outcome.OUTCOME_SUCCEEDED, LedgerState.LEDGER_STATE_ESTIMATED)
    assert finished.tokens.prompt_tokens > 0
    assert finished.tokens.completion_tokens == 0


async def test_a_request_reaches_the_provider_to_the_byte(router: RunningRouter, sandbox: SandboxServer) -> None:
    body = b'{"input":"h\\u00e9llo","model":"openai/text-embedding-3-small","dimensions":2,"own":{"a":[1e2, 2]}}'
    answer = await router.http.post("/v1/embeddings", content=body)
    assert answer.status_code == 200, answer.text
    received = sandbox.recorder.received(1)
    assert received is not None
    assert received.body == body.replace(b"openai/text", b"text")
    whole = msgspec.json.decode(answer.content)
    assert whole["model"] == SMALL
    assert b"\n  " in answer.content  # the provider's own layout


async def test_base64_comes_from_a_provider_that_has_numbers_only(
    own_router: RunningRouter, sandbox: SandboxServer
) -> None:
    row = provider("openai", sandbox.gemini_url)
    row.provider_changed.provider.wire_format = WireFormat.WIRE_FORMAT_GEMINI
    row.provider_changed.provider.auth_style = AuthStyle.AUTH_STYLE_X_GOOG_API_KEY
    own_router.snapshot.apply(row)
    plain = (await post(own_router, model="openai/gemini-embedding-001", dimensions=8)).json()["data"]
    packed = await post(own_router, model="openai/gemini-embedding-001", dimensions=8, encoding_format="base64")
    found = [struct.unpack("<8f", base64.b64decode(one["embedding"])) for one in packed.json()["data"]]
    assert found == [pytest.approx(one["embedding"], abs=1e-6) for one in plain]
    assert "usage" in packed.json()


async def test_what_can_t_be_embedded_is_named_before_anything_is_sent(
    router: RunningRouter, sandbox: SandboxServer, openai: AsyncOpenAI
) -> None:
    given: Any = [1.5]
    with pytest.raises(sdk.BadRequestError) as caught:
        await openai.embeddings.create(model=f"openai/{SMALL}", input=given)
    assert caught.value.param == "input"
    assert sandbox.recorder.seen == 0
    assert await router.events() == []


async def test_a_provider_s_refusal_reaches_the_sdk(router: RunningRouter, openai: AsyncOpenAI) -> None:
    with pytest.raises(sdk.BadRequestError) as caught:
        await openai.embeddings.create(model=f"openai/{SMALL}", input=TEXTS, dimensions=4000)
    assert "dimensions" in str(caught.value)
    finished = await router.one_finished()
    assert finished.outcome == Outcome.OUTCOME_FAILED
    assert (finished.tokens.prompt_tokens, finished.tokens.completion_tokens) == (0, 0)


async def test_another_endpoint_is_tried_when_the_first_fails(
    own_router: RunningRouter, sandbox: SandboxServer
) -> None:
    own_router.snapshot.apply(provider("first", f"{sandbox.url}/nothing/here"))
    own_router.snapshot.apply(model("vendor/vectors", ("first", SMALL), ("openai", SMALL)))
    answer = await post(own_router, model="vendor/vectors")
    assert answer.headers["x-pantheon-provider"] == "openai"


async def test_an_embedding_not_waited_for_cuts_the_provider_off(router: RunningRouter, sandbox: SandboxServer) -> None:
    with pytest.raises(httpx.TimeoutException):
        await router.http.post(
            "/v1/embeddings", json={"model": f"openai/{SMALL}:sandbox-hang", "input": "x"}, timeout=0.5
        )
    await sandbox.recorder.wait_until(lambda seen: any(one.outcome is Seen.ABANDONED for one in seen), 1.0)
    assert (await router.one_finished()).outcome == Outcome.OUTCOME_CANCELLED


async def test_a_call_that_is_cancelled_cuts_the_provider_off(router: RunningRouter, sandbox: SandboxServer) -> None:
    spec = EmbeddingSpec(model=f"openai/{SMALL}:sandbox-hang", texts=TEXTS)
    call = router.stub.Embed(EmbedRequest(spec=spec), metadata=AUTHORIZATION)
    code = asyncio.ensure_future(call.code())
    await sandbox.recorder.wait_until(lambda seen: seen.seen == 1, timeout=5)
    call.cancel()
    await code
    await sandbox.recorder.wait_until(lambda seen: any(one.outcome is Seen.ABANDONED for one in seen), 1.0)
    assert (await router.one_finished()).outcome == Outcome.OUTCOME_CANCELLED


async def test_vectors_over_grpc_are_the_provider_s_and_are_booked(priced: RunningRouter) -> None:
    found = await embed(priced, dimensions=4, tags={"team": "search"}, routing=RoutingPreferences(no_fallback=True))
    finished = await priced.one_finished()
    packed = [struct.pack("<4f", *one.vector) for one in found.embeddings]
    assert packed == [vector(SMALL, text, 4) for text in TEXTS]
    assert (found.model, found.provider, found.served_model) == (f"openai/{SMALL}", "openai", SMALL)
    assert found.sandbox
    assert found.tokens == finished.tokens
    assert found.cost == finished.cost
    assert found.cost.amount.value
    assert found.timing.total == finished.timing.total
    assert found.request_id == finished.started.request_id
    assert finished.started.target.surface == Surface.SURFACE_GRPC
    assert dict(finished.started.attribution.tags) == {"team": "search"}


@pytest.mark.parametrize(
    ("fields", "field"),
    (({"texts": []}, "texts"), ({"model": ""}, "model"), ({"dimensions": -1}, "dimensions")),
)
async def test_what_is_wrong_over_grpc_is_named(router: RunningRouter, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await embed(router, **fields)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert (caught.value.details() or "").startswith(f"{field}:")


async def test_a_call_without_a_key_is_refused(router: RunningRouter) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await router.stub.Embed(EmbedRequest(), timeout=20)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
