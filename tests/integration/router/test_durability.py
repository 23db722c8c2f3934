"""What is on disk when: START before the provider is asked, FINISH before the client has the last of its answer."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pantheon.events.v1.change_pb2 import Change
from pantheon.router.v1.router_service_pb2 import CompleteRequest, StreamCompleteResponse
from pantheon.usage.v1.ledger_pb2 import LedgerState, Outcome
from services.router.journal import DiskFiles, JournalLimits
from services.sandbox.faults import Directives, Rule
from services.sandbox.recorder import Outcome as Seen
from services.sandbox.server import SandboxServer
from tests.integration.router.conftest import KEYS
from tests.integration.router.failing import SURFACES, fails
from tests.integration.router.running import AUTHORIZATION, MESSAGES, RunningRouter, data_of, running_router, spec
from tests.unit.router.journals import FaultyFiles, fill

SOON = 0.2
"""Seconds in which what is held back would have come."""


class WatchedFiles(DiskFiles):
    """Notes, at each write, how many requests the provider has seen."""

    def __init__(self, sandbox: SandboxServer) -> None:
        self.seen: list[int] = []
        self._sandbox = sandbox

    def pwrite(self, descriptor: int, content: bytes, offset: int) -> None:
        self.seen.append(self._sandbox.recorder.seen)
        super().pwrite(descriptor, content, offset)


class HeldFiles(DiskFiles):
    """A disk whose syncs take until they are let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.let_go.set()

    def fdatasync(self, descriptor: int) -> None:
        assert self.let_go.wait(30)
        super().fdatasync(descriptor)


@pytest.mark.parametrize("stream", (False, True))
async def test_the_start_is_written_before_the_provider_is_asked(
    tmp_path: Path, changes: list[Change], sandbox: SandboxServer, stream: bool
) -> None:
    files = WatchedFiles(sandbox)
    async with running_router(tmp_path, changes, KEYS, files=files) as router:
        files.seen.clear()
        await router.post(stream=stream)
        await router.journal.sync()
    start, *_, finish = files.seen
    assert (start, finish) == (0, 1)


@pytest.fixture
def files() -> HeldFiles:
    return HeldFiles()


@pytest.fixture
async def held(tmp_path: Path, changes: list[Change], files: HeldFiles) -> AsyncIterator[RunningRouter]:
    async with running_router(tmp_path, changes, KEYS, files=files) as running:
        files.let_go.clear()
        try:
            yield running
        finally:
            files.let_go.set()


async def answered(sandbox: SandboxServer) -> None:
    """Waits until the provider has given its whole answer."""
    await sandbox.recorder.wait_until(lambda seen: any(one.outcome is Seen.ANSWERED for one in seen), timeout=10)


async def not_yet(waiting: "asyncio.Future[Any]") -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiting), SOON)


async def test_a_whole_answer_waits_for_its_finish(
    held: RunningRouter, sandbox: SandboxServer, files: HeldFiles
) -> None:
    waiting = asyncio.ensure_future(held.post())
    await answered(sandbox)
    await not_yet(waiting)
    files.let_go.set()
    assert (await waiting).status_code == 200
    assert (await held.one_finished()).outcome == Outcome.OUTCOME_SUCCEEDED


async def test_the_last_event_of_a_stream_waits_for_its_finish(
    held: RunningRouter, sandbox: SandboxServer, files: HeldFiles
) -> None:
    body = {"model": "gpt-4", "messages": MESSAGES, "stream": True, "stream_options": {"include_usage": True}}
    async with held.http.stream("POST", "/v1/chat/completions", json=body) as answer:
        pieces = answer.aiter_text()
        text = ""
        while '"usage":{' not in text:
            text += await anext(pieces)
        await answered(sandbox)
        rest = asyncio.ensure_future(anext(pieces))
        await not_yet(rest)
        assert data_of(text)[-1] != "[DONE]"
        files.let_go.set()
        assert data_of(await rest) == ["[DONE]"]


async def test_the_status_of_a_call_waits_for_its_finish(
    held: RunningRouter, sandbox: SandboxServer, files: HeldFiles
) -> None:
    waiting = asyncio.ensure_future(held.complete())
    await answered(sandbox)
    await not_yet(waiting)
    files.let_go.set()
    assert (await waiting).choices


async def test_the_completion_that_ends_a_call_s_stream_waits_for_its_finish(
    held: RunningRouter, sandbox: SandboxServer, files: HeldFiles
) -> None:
    events = aiter(held.stream_complete())
    while not (await anext(events)).delta.text:
        continue
    last = asyncio.ensure_future(_last(events))
    await answered(sandbox)
    await not_yet(last)
    files.let_go.set()
    assert (await last).completion.choices


async def _last(events: AsyncIterator[StreamCompleteResponse]) -> StreamCompleteResponse:
    """The last event; no earlier one is the completion."""
    event = await anext(events)
    async for following in events:
        assert not event.HasField("completion")
        event = following
    return event


@pytest.mark.parametrize("surface", SURFACES)
async def test_a_full_journal_refuses_before_anything_is_sent(
    tmp_path: Path, changes: list[Change], sandbox: SandboxServer, surface: str
) -> None:
    limits = JournalLimits(segment_bytes=64 * 1024, spool_bytes=128 * 1024)
    async with running_router(tmp_path, changes, KEYS, limits=limits) as router:
        open_attempts = fill(router.journal)
        before = router.journal.last_number
        found = await fails(router, surface)
        assert (found.status, found.reason) == (
            503 if surface.startswith("http") else "UNAVAILABLE",
            "JOURNAL_UNAVAILABLE",
        )
        assert router.journal.last_number == before
        for number in open_attempts:
            router.journal.finish_nowait(number, b"")
    assert len(sandbox.recorder) == 0


async def test_an_answer_that_can_t_be_booked_is_not_given(
    tmp_path: Path, changes: list[Change], sandbox: SandboxServer
) -> None:
    files = FaultyFiles()
    async with running_router(tmp_path, changes, KEYS, files=files) as router:
        files.failing_syncs = -1
        whole = await router.post()
        assert whole.status_code == 503
        assert whole.headers["x-pantheon-reason"] == "JOURNAL_UNAVAILABLE"
        # From here on the journal refuses, before anything is sent.
        seen = sandbox.recorder.seen
        assert (await fails(router, "grpc")).reason == "JOURNAL_UNAVAILABLE"
        assert sandbox.recorder.seen == seen
        files.failing_syncs = 0


async def test_a_stream_that_can_t_be_booked_ends_with_an_error(
    tmp_path: Path, changes: list[Change], sandbox: SandboxServer
) -> None:
    files = FaultyFiles()
    async with running_router(tmp_path, changes, KEYS, files=files) as router:
        files.failing_syncs = -1
        answer = await router.post("openai/gpt-4o:sandbox-length-2", stream=True)
        assert answer.status_code in (200, 503)
        assert "[DONE]" not in answer.text
        assert "JOURNAL_UNAVAILABLE" in answer.text
        files.failing_syncs = 0


async def test_a_disk_that_fails_between_two_attempts_leaves_the_first_as_the_final_one(
    tmp_path: Path, changes: list[Change], sandbox: SandboxServer
) -> None:
    files = FaultyFiles()
    sandbox.rules.add(Rule(directives=Directives(status=500, first_byte=100), provider="openai"))
    async with running_router(tmp_path, changes, KEYS, files=files) as router:
        waiting = asyncio.ensure_future(router.post())
        await sandbox.recorder.wait_until(lambda recorder: recorder.seen == 1, timeout=5)
        files.failing_writes = 1
        answer = await waiting
        assert answer.status_code == 503
        assert answer.headers["x-pantheon-reason"] == "JOURNAL_UNAVAILABLE"
        finished = await router.one_finished()
    assert finished.final
    assert (finished.outcome, finished.state) == (Outcome.OUTCOME_FAILED, LedgerState.LEDGER_STATE_SETTLED)
    assert sandbox.recorder.seen == 1


async def test_a_client_that_leaves_while_the_finish_is_synced_leaves_it_booked_once(
    held: RunningRouter, sandbox: SandboxServer, files: HeldFiles
) -> None:
    call = held.stub.Complete(CompleteRequest(spec=spec()), metadata=AUTHORIZATION)
    await answered(sandbox)
    await not_yet(asyncio.ensure_future(call.code()))
    call.cancel()
    files.let_go.set()
    assert (await held.one_finished()).outcome == Outcome.OUTCOME_SUCCEEDED
