"""Clients that leave early: the provider is cut off at once, and what was made is booked."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pantheon.router.v1.router_service_pb2 import CompleteRequest, StreamCompleteRequest
from pantheon.usage.v1.ledger_pb2 import LedgerState, Outcome
from services.sandbox.recorder import Outcome as Seen
from services.sandbox.server import SandboxServer
from tests.integration.router.running import (
    AUTHORIZATION,
    KEY,
    MESSAGES,
    RunningRouter,
    model,
    provider,
    running_router,
    spec,
)
from tests.integration.router.upstream.scripted import LAST_CHUNK, STREAM, Peer, event, scripted

AT_ONCE = 1.0
"""Seconds within which a provider is cut off."""
SLOW = "openai/gpt-4o:sandbox-length-10000:sandbox-rate-100"


class RawClient:
    """One HTTP connection, which is closed without a word."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer

    @classmethod
    async def post(cls, router: RunningRouter, model: str, *, stream: bool) -> "RawClient":
        client = cls(*await asyncio.open_connection("127.0.0.1", router.port))
        body = json.dumps({"model": model, "messages": MESSAGES, "stream": stream}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
        client._writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        return client

    async def read_until(self, text: bytes) -> None:
        async with asyncio.timeout(5):
            received = b""
            while text not in received:
                piece = await self.reader.read(65_536)
                assert piece, received
                received += piece

    def leave(self) -> None:
        self._writer.transport.abort()


async def seen_by(sandbox: SandboxServer, outcome: Seen, timeout: float = 5) -> None:
    await sandbox.recorder.wait_until(lambda seen: any(one.outcome is outcome for one in seen), timeout)


async def asked(sandbox: SandboxServer) -> None:
    await sandbox.recorder.wait_until(lambda seen: seen.seen == 1, timeout=5)


async def assert_cancelled(router: RunningRouter, *, text: bool) -> None:
    finished = await router.one_finished()
    assert (finished.outcome, finished.state) == (Outcome.OUTCOME_CANCELLED, LedgerState.LEDGER_STATE_ESTIMATED)
    assert finished.final
    assert finished.tokens.prompt_tokens > 0
    assert (finished.tokens.completion_tokens > 0) is text
    assert finished.cost.HasField("amount") is False


@pytest.mark.parametrize("model", (SLOW, SLOW.replace("openai", "openrouter", 1)))
async def test_a_stream_left_over_http_is_cut_off_and_booked(
    router: RunningRouter, sandbox: SandboxServer, model: str
) -> None:
    client = await RawClient.post(router, model, stream=True)
    await client.read_until(b'"content":"')
    client.leave()
    await seen_by(sandbox, Seen.ABANDONED, AT_ONCE)
    await assert_cancelled(router, text=True)


async def test_a_whole_answer_not_waited_for_over_http_is_cut_off(
    router: RunningRouter, sandbox: SandboxServer
) -> None:
    client = await RawClient.post(router, SLOW, stream=False)
    await asked(sandbox)
    client.leave()
    await seen_by(sandbox, Seen.ABANDONED, AT_ONCE)
    await assert_cancelled(router, text=False)


async def test_a_provider_that_has_not_answered_yet_is_cut_off(router: RunningRouter, sandbox: SandboxServer) -> None:
    client = await RawClient.post(router, "openai/gpt-4o:sandbox-hang", stream=True)
    await asked(sandbox)
    client.leave()
    await seen_by(sandbox, Seen.ABANDONED, AT_ONCE)
    await assert_cancelled(router, text=False)


async def test_a_stream_left_over_grpc_is_cut_off_and_booked(router: RunningRouter, sandbox: SandboxServer) -> None:
    call = router.stream_complete(spec(SLOW))
    async for piece in call:
        if piece.delta.text:
            break
    call.cancel()
    await seen_by(sandbox, Seen.ABANDONED, AT_ONCE)
    await assert_cancelled(router, text=True)


async def test_a_stream_left_over_grpc_at_its_first_message_is_cut_off(
    router: RunningRouter, sandbox: SandboxServer
) -> None:
    call = router.stream_complete(spec("openai/gpt-4o:sandbox-stall-after-1"))
    assert (await anext(aiter(call))).HasField("started")
    call.cancel()
    await seen_by(sandbox, Seen.ABANDONED, AT_ONCE)
    await assert_cancelled(router, text=False)


async def test_a_whole_answer_not_waited_for_over_grpc_is_cut_off(
    router: RunningRouter, sandbox: SandboxServer
) -> None:
    call = router.stub.Complete(CompleteRequest(spec=spec(SLOW)), metadata=AUTHORIZATION)
    code = asyncio.ensure_future(call.code())
    await asked(sandbox)
    call.cancel()
    await code
    await seen_by(sandbox, Seen.ABANDONED, AT_ONCE)
    await assert_cancelled(router, text=False)


@pytest.mark.parametrize("stream", (False, True))
async def test_a_deadline_that_passes_is_told_and_booked_as_a_departure(
    router: RunningRouter, sandbox: SandboxServer, stream: bool
) -> None:
    if stream:
        code = await router.stub.StreamComplete(
            StreamCompleteRequest(spec=spec(SLOW)), metadata=AUTHORIZATION, timeout=0.4
        ).code()
    else:
        code = await router.stub.Complete(CompleteRequest(spec=spec(SLOW)), metadata=AUTHORIZATION, timeout=0.4).code()
    assert code.name == "DEADLINE_EXCEEDED"
    await seen_by(sandbox, Seen.ABANDONED, AT_ONCE)
    assert (await router.one_finished()).outcome == Outcome.OUTCOME_CANCELLED


FINISH = '{"id":"c-1","model":"m","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}'
USAGE = '{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}'


class Dawdler:
    """A provider that sends the usage only when told to, long after the finish reason."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.left = asyncio.Event()

    async def serve(self, peer: Peer) -> None:
        await peer.request()
        await peer.send(STREAM, event(FINISH))
        go_on, gone = asyncio.create_task(self.go_on.wait()), asyncio.create_task(peer.gone())
        done, _ = await asyncio.wait({go_on, gone}, return_when=asyncio.FIRST_COMPLETED)
        if go_on in done:
            await peer.send(event(USAGE), event("[DONE]"), LAST_CHUNK)
        await gone
        go_on.cancel()
        self.left.set()


@asynccontextmanager
async def dawdling(tmp_path: Path, dawdler: Dawdler) -> AsyncIterator[RunningRouter]:
    async with scripted(dawdler.serve) as server:
        changes = [
            provider("openai", server.url.removesuffix("/chat/completions")),
            model("openai/gpt-4", ("openai", "gpt-4"), aliases=("gpt-4",)),
        ]
        async with running_router(tmp_path, changes, {"openai": ("k",)}) as running:
            yield running


@pytest.mark.parametrize("surface", ("http", "grpc"))
async def test_who_leaves_at_the_finish_reason_leaves_the_true_usage_behind(tmp_path: Path, surface: str) -> None:
    dawdler = Dawdler()
    async with dawdling(tmp_path, dawdler) as router:
        if surface == "http":
            client = await RawClient.post(router, "gpt-4", stream=True)
            await client.read_until(b'"finish_reason":"stop"')
            client.leave()
        else:
            call = router.stream_complete()
            async for piece in call:
                if piece.delta.text:
                    break
            call.cancel()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(dawdler.left.wait(), 0.6)
        dawdler.go_on.set()
        finished = await router.one_finished()
    assert (finished.outcome, finished.state) == (Outcome.OUTCOME_SUCCEEDED, LedgerState.LEDGER_STATE_SETTLED)
    assert (finished.tokens.prompt_tokens, finished.tokens.completion_tokens) == (7, 3)
    assert finished.finish_reason == "stop"


async def test_usage_that_does_not_come_is_waited_for_two_seconds_and_no_longer(tmp_path: Path) -> None:
    dawdler = Dawdler()
    async with dawdling(tmp_path, dawdler) as router:
        client = await RawClient.post(router, "gpt-4", stream=True)
        await client.read_until(b'"finish_reason":"stop"')
        client.leave()
        async with asyncio.timeout(4):
            await dawdler.left.wait()
        finished = await router.one_finished()
    assert (finished.outcome, finished.state) == (Outcome.OUTCOME_SUCCEEDED, LedgerState.LEDGER_STATE_ESTIMATED)
    assert finished.tokens.completion_tokens == 1
