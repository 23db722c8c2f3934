"""A router that may serve one request at once: what happens to the second, on every surface."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from pantheon.events.v1.change_pb2 import Change
from pantheon.router.v1 import router_service_pb2 as rpc
from pantheon.router.v1.embedding_pb2 import EmbeddingSpec
from services.runtime.errors import ServiceUnavailable
from services.runtime.status import error_from_rpc
from services.sandbox.server import SandboxServer
from tests.integration.router.conftest import KEYS
from tests.integration.router.running import AUTHORIZATION, MESSAGES, RunningRouter, running_router, spec

UNENDING = "openai/gpt-4o:sandbox-stall-after-1"


@pytest.fixture
async def small_router(tmp_path: Path, changes: list[Change], sandbox: SandboxServer) -> AsyncIterator[RunningRouter]:
    async with running_router(tmp_path, changes, KEYS, most_running=1) as running:
        yield running


@pytest.fixture
async def full_router(small_router: RunningRouter) -> AsyncIterator[RunningRouter]:
    """It serves a stream as long as the test takes."""
    call = small_router.stream_complete(spec(UNENDING))
    assert (await anext(aiter(call))).HasField("started")
    yield small_router
    call.cancel()


# 529 is what Anthropic's clients know as overloaded.
@pytest.mark.parametrize(
    ("path", "status"),
    (
        ("/v1/chat/completions", 503),
        ("/v1/embeddings", 503),
        ("/v1/messages", 529),
        ("/v1/messages/count_tokens", 529),
        ("/v1/responses", 503),
    ),
)
async def test_one_more_request_over_http_is_refused_at_once(
    full_router: RunningRouter, path: str, status: int
) -> None:
    body = {"model": "gpt-4", "messages": MESSAGES, "input": "bees", "max_tokens": 10}
    refused = await full_router.http.post(path, json=body)
    assert refused.status_code == status
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["x-pantheon-reason"] == "SERVICE_UNAVAILABLE"
    assert "The router serves 1 requests, the most it may" in refused.text


@pytest.mark.parametrize("method", ("Complete", "StreamComplete", "Embed", "TestModel"))
async def test_one_more_request_over_grpc_is_refused_at_once(full_router: RunningRouter, method: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await ask(full_router, method)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    error = error_from_rpc(refused.value)
    assert isinstance(error, ServiceUnavailable)
    assert error.metadata == {"service": "router", "retry_after_seconds": "1"}


async def ask(router: RunningRouter, method: str) -> Any:
    match method:
        case "Complete":
            return await router.complete()
        case "StreamComplete":
            return [event async for event in router.stream_complete()]
        case "Embed":
            request = rpc.EmbedRequest(spec=EmbeddingSpec(model="gpt-4", texts=["bees"]))
            return await router.stub.Embed(request, metadata=AUTHORIZATION, timeout=20)
    return await router.stub.TestModel(rpc.TestModelRequest(model="gpt-4"), metadata=AUTHORIZATION, timeout=20)


async def test_what_is_refused_is_neither_sent_nor_booked(full_router: RunningRouter, sandbox: SandboxServer) -> None:
    assert (await full_router.post()).status_code == 503
    assert len(sandbox.recorder) == 1
    assert full_router.journal.last_number == 1


async def test_who_is_unknown_is_told_so_however_much_runs(full_router: RunningRouter) -> None:
    body = {"model": "gpt-4", "messages": MESSAGES}
    refused = await full_router.http.post(
        "/v1/chat/completions", json=body, headers={"authorization": "Bearer pk_nobody"}
    )
    assert refused.status_code == 401


async def test_models_are_listed_however_much_runs(full_router: RunningRouter) -> None:
    assert (await full_router.http.get("/v1/models")).status_code == 200


@pytest.mark.parametrize(
    ("model", "status"), (("gpt-4", 200), ("gpt-none", 404), ("openai/gpt-4o:sandbox-status-400", 400))
)
async def test_a_request_that_has_ended_makes_room(small_router: RunningRouter, model: str, status: int) -> None:
    for _ in range(2):
        assert (await small_router.post(model)).status_code == status
        assert [event async for event in small_router.stream_complete()]


async def test_a_client_that_leaves_makes_room(small_router: RunningRouter) -> None:
    call = small_router.stream_complete(spec(UNENDING))
    assert (await anext(aiter(call))).HasField("started")
    call.cancel()
    async with asyncio.timeout(5):
        while (await small_router.post()).status_code == 503:
            pass
