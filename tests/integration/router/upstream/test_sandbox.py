"""The seam against a simulated provider, and what its faults look like from here."""

import json

import pytest

from services.router.sse import Event
from services.router.upstream import Upstream
from services.runtime.errors import ProviderBroken, ProviderError, ProviderTimeout
from services.sandbox.server import SandboxServer
from tests.integration.router.upstream.loops import on_both_loops
from tests.integration.router.upstream.scripted import open_upstream

QUESTION = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Tell me about bees."}]}


async def whole(upstream: Upstream, sandbox: SandboxServer, **orders: object) -> tuple[int, bytes]:
    """Status and body of a completion."""
    response = await upstream.send(_url(sandbox), _headers(orders), json.dumps(QUESTION).encode())
    try:
        return response.status, await response.read()
    finally:
        response.close()


async def streamed(upstream: Upstream, sandbox: SandboxServer, events: list[Event], **orders: object) -> None:
    """Adds the events of a streamed completion as they come."""
    body = json.dumps({**QUESTION, "stream": True}).encode()
    response = await upstream.send(_url(sandbox), _headers(orders), body)
    try:
        async for batch in response.events():
            events += batch
    finally:
        response.close()


def _url(sandbox: SandboxServer) -> str:
    return f"{sandbox.openai_url}/chat/completions"


def _headers(orders: dict[str, object]) -> dict[str, str]:
    named = {f"x-sandbox-{name.replace('_', '-')}": str(value) for name, value in orders.items()}
    return {"content-type": "application/json", "authorization": "Bearer sandbox", **named}


@on_both_loops
async def test_completions_whole_and_streamed_take_turns() -> None:
    async with SandboxServer() as sandbox, open_upstream() as upstream:
        events: list[Event] = []
        for _ in range(3):
            status, body = await whole(upstream, sandbox)
            assert status == 200
            assert json.loads(body)["object"] == "chat.completion"
            await streamed(upstream, sandbox, events)
            assert events[-1].data == b"[DONE]"


@on_both_loops
async def test_a_refusal_is_an_answer() -> None:
    async with SandboxServer() as sandbox, open_upstream() as upstream:
        status, body = await whole(upstream, sandbox, status=429, retry_after=2)
    assert status == 429
    assert "error" in json.loads(body)


@pytest.mark.parametrize(
    ("orders", "error", "phase"),
    (
        ({"reset": ""}, ProviderBroken, "first_byte"),
        ({"hang": ""}, ProviderTimeout, "first_byte"),
        ({"truncate": ""}, ProviderBroken, "body"),
        ({"stall_after": 1}, ProviderTimeout, "body"),
    ),
)
@on_both_loops
async def test_faults_of_a_whole_answer(orders: dict[str, object], error: type[ProviderError], phase: str) -> None:
    async with SandboxServer() as sandbox, open_upstream(read=0.3) as upstream:
        with pytest.raises(error) as failed:
            await whole(upstream, sandbox, **orders)
    assert failed.value.metadata["phase"] == phase


@pytest.mark.parametrize(
    ("orders", "error", "phase"),
    (
        ({"reset": ""}, ProviderBroken, "first_byte"),
        ({"hang": ""}, ProviderTimeout, "first_byte"),
        ({"truncate": "", "rate": 100}, ProviderBroken, "stream"),
        ({"stall_after": 3}, ProviderTimeout, "stream"),
        ({"reset_after": 3, "rate": 100}, ProviderBroken, "stream"),
    ),
)
@on_both_loops
async def test_faults_of_a_stream(orders: dict[str, object], error: type[ProviderError], phase: str) -> None:
    events: list[Event] = []
    async with SandboxServer() as sandbox, open_upstream(read=0.3) as upstream:
        with pytest.raises(error) as failed:
            await streamed(upstream, sandbox, events, **orders)
    assert failed.value.metadata["phase"] == phase
    if phase == "stream":
        assert len(events) >= 2
