"""No attempt takes for ever, and a router that stops leaves none open."""

import asyncio
from pathlib import Path

import grpc
import pytest
from openai import APIError, AsyncOpenAI

from pantheon.errors.v1.error_reason_pb2 import ErrorReason
from pantheon.events.v1.change_pb2 import Change
from pantheon.events.v1.completion_pb2 import CompletionEvent, CompletionFinished
from pantheon.usage.v1.ledger_pb2 import LedgerState, Outcome
from services.router.journal import Journal, JournalLimits, lock_spool
from services.sandbox.server import SandboxServer
from tests.integration.router.conftest import KEYS
from tests.integration.router.failing import fails
from tests.integration.router.running import MESSAGES, RunningRouter, data_of, running_router, spec

LONGEST = 0.5
SLOW = "openai/gpt-4o:sandbox-length-10000:sandbox-rate-100"


@pytest.mark.parametrize("surface", ("http", "grpc"))
@pytest.mark.parametrize("model", (SLOW, "openai/gpt-4o:sandbox-hang", "openai/gpt-4o:sandbox-stall-after-1"))
async def test_an_answer_that_takes_too_long_is_given_up(
    tmp_path: Path, changes: list[Change], sandbox: SandboxServer, surface: str, model: str
) -> None:
    async with running_router(tmp_path, changes, KEYS, longest_seconds=LONGEST) as router:
        found = await fails(router, surface, model)
        finished = await router.one_finished()
    assert found.reason == "PROVIDER_TIMEOUT"
    assert finished.error_reason == ErrorReason.ERROR_REASON_PROVIDER_TIMEOUT
    assert finished.state == LedgerState.LEDGER_STATE_ESTIMATED
    assert finished.timing.total.ToMilliseconds() < 3 * LONGEST * 1000


async def test_a_stream_that_goes_on_too_long_is_given_up(
    tmp_path: Path, changes: list[Change], sandbox: SandboxServer
) -> None:
    async with running_router(tmp_path, changes, KEYS, longest_seconds=LONGEST) as router:
        answer = await router.post(SLOW, stream=True)
        assert "PROVIDER_TIMEOUT" in data_of(answer.text)[-1]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            _ = [event async for event in router.stream_complete(spec(SLOW))]
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        for finished in await router.finished():
            assert finished.outcome == Outcome.OUTCOME_FAILED
            assert finished.tokens.completion_tokens > 0


async def test_the_sdk_raises_when_a_stream_breaks(router: RunningRouter, openai: AsyncOpenAI) -> None:
    stream = await openai.chat.completions.create(
        model="openai/gpt-4o:sandbox-error-after-4", messages=MESSAGES, stream=True
    )
    with pytest.raises(APIError, match="server had an error"):
        _ = [chunk async for chunk in stream]


async def test_a_router_that_stops_cuts_off_what_runs_and_books_it(
    tmp_path: Path, changes: list[Change], sandbox: SandboxServer
) -> None:
    async with running_router(tmp_path, changes, KEYS) as router:
        spool = router.journal.spool.directory
        streams = [asyncio.ensure_future(router.post(SLOW, stream=stream)) for stream in (False, True)]
        call = router.stream_complete(spec(SLOW))
        await anext(aiter(call))
        await sandbox.recorder.wait_until(lambda seen: seen.seen == 3, timeout=5)
    await asyncio.wait(streams, timeout=5)
    finished = await _booked(spool)
    assert [one.outcome for one in finished] == [Outcome.OUTCOME_CANCELLED] * 3


async def _booked(directory: Path) -> list[CompletionFinished]:
    """What a stopped router has left in its spool; nothing may be open."""
    spool = lock_spool(directory)
    assert spool is not None
    journal = await Journal.open(spool, JournalLimits())
    try:
        assert not journal.unfinished
        records = await journal.read(1, 1 << 30, 1 << 30)
    finally:
        await journal.close()
        spool.release()
    events = [CompletionEvent.FromString(payload) for _, payload in records]
    return [event.finished for event in events if event.HasField("finished")]
