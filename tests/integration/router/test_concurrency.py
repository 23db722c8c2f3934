"""Two hundred requests at once, of every kind and fate: each is booked exactly once, as the provider saw it."""

import asyncio
import contextlib
import random
from collections import Counter

import grpc

from pantheon.events.v1.completion_pb2 import CompletionFinished
from pantheon.router.v1.router_service_pb2 import CompleteRequest
from pantheon.usage.v1.ledger_pb2 import LedgerState, Outcome
from services.sandbox.recorder import Outcome as Seen
from services.sandbox.server import SandboxServer
from tests.integration.router.running import AUTHORIZATION, MESSAGES, RunningRouter, spec

REQUESTS = 200
FATES = (
    "",
    "",
    "",
    ":sandbox-no-usage",
    ":sandbox-no-done",
    ":sandbox-status-500",
    ":sandbox-status-429",
    ":sandbox-reset",
    ":sandbox-reset-after-4",
    ":sandbox-error-after-4",
    ":sandbox-malformed",
    ":sandbox-truncate",
)


async def send(router: RunningRouter, kind: str, model: str) -> None:
    """Sends one request and takes whatever comes of it."""
    body = {"model": model, "messages": MESSAGES, "stream": kind == "http stream"}
    match kind:
        case "http" | "http stream":
            await router.http.post("/v1/chat/completions", json=body)
        case "grpc":
            await router.stub.Complete(CompleteRequest(spec=spec(model)), metadata=AUTHORIZATION, timeout=30).code()
        case "grpc stream":
            await _read(router, model, leave_after=None)
        case "leave http":
            async with router.http.stream("POST", "/v1/chat/completions", json=body | {"stream": True}) as answer:
                async for _ in answer.aiter_bytes():
                    break
        case "leave grpc":
            await _read(router, model, leave_after=3)


async def _read(router: RunningRouter, model: str, leave_after: int | None) -> None:
    call = router.stream_complete(spec(model))
    read = 0
    with contextlib.suppress(grpc.aio.AioRpcError):
        async for _ in call:
            read += 1
            if read == leave_after:
                call.cancel()
                return


async def test_each_of_many_is_booked_once(router: RunningRouter, sandbox: SandboxServer) -> None:
    chance = random.Random(7)
    kinds = ("http", "http stream", "grpc", "grpc stream", "leave http", "leave grpc")
    wanted = [
        (chance.choice(kinds), chance.choice(("openai", "openrouter")) + f"/gpt-4o{chance.choice(FATES)}")
        for _ in range(REQUESTS)
    ]
    async with asyncio.timeout(40):
        await asyncio.gather(*(send(router, kind, model) for kind, model in wanted))
        booked = await router.finished()
        await sandbox.recorder.wait_until(lambda seen: all(one.outcome is not Seen.OPEN for one in seen), 10)

    started = await router.started()
    assert Counter(one.attempt_id for one in started) == Counter(one.started.attempt_id for one in booked)
    assert len({one.attempt_id for one in started}) == len(started)
    assert len({one.event_id for one in booked}) == len(booked)
    seen = {record.attempt_id: record for record in sandbox.recorder}
    assert seen.keys() <= {one.started.attempt_id for one in booked}
    finals = Counter(one.started.request_id for one in booked if one.final)
    assert len(finals) == REQUESTS
    assert set(finals.values()) == {1}
    for one in booked:
        record = seen.get(one.started.attempt_id)
        assert record is not None or one.state == LedgerState.LEDGER_STATE_ESTIMATED
        if record is not None and record.usage is not None and one.outcome == Outcome.OUTCOME_SUCCEEDED:
            assert _told(one) == (record.usage.prompt_tokens, record.usage.completion_tokens)


def _told(finished: CompletionFinished) -> tuple[int, int]:
    return finished.tokens.prompt_tokens, finished.tokens.completion_tokens
