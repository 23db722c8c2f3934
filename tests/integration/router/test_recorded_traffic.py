"""Real providers' recorded answers through the router: the client ends with what it would have had from them, and the
journal with their counts and costs.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from pantheon.events.v1.completion_pb2 import CompletionFinished
from pantheon.usage.v1.ledger_pb2 import LedgerState, Outcome
from tests.fixtures.references import needs
from tests.integration.router.recorded import FILES, Answer, Exchange, Json, recorded_calls, replaying, sample
from tests.integration.router.running import RunningRouter, data_of, provider, running_router

COUNTS = {
    "prompt_tokens": "input",
    "completion_tokens": "output",
    "cached_tokens": "cached",
    "cache_write_tokens": "cache_write",
    "reasoning_tokens": "reasoning",
    "prompt_audio_tokens": "audio_in",
    "completion_audio_tokens": "audio_out",
}
MANNERS = (
    "mode=realistic",
    "mode=utf8",
    "mode=fixed:97",
    "mode=event;eol=crlf",
    "mode=realistic;eol=cr",
    "mode=realistic;bom=1;comments=1",
    "mode=event;split=1;nospace=1",
)
"""How the answers are cut and written, all of them as the standard of event streams allows."""
EDITED = ("model", "stream_options")
"""What the router may change in a request."""

pytestmark = [pytest.mark.corpus, *(needs(file) for file in FILES)]


async def test_recorded_answers_reach_the_client_and_the_journal(tmp_path: Path) -> None:
    exchanges = sample(150, seed=2)
    async with replaying(exchanges) as upstream:
        bases = {exchange.base for exchange in exchanges}
        changes = [provider(_name(base), upstream.url + base, sandbox=False) for base in bases]
        async with running_router(tmp_path, changes, {_name(base): ("k",) for base in bases}) as router:
            answers = await _send_all(router, exchanges)
            booked = {finished.started.request_id: finished for finished in await router.finished()}
        differences = {
            exchange.id: found
            for exchange, answer in zip(exchanges, answers, strict=True)
            if (found := list(_differences(exchange, answer, booked)))
        }
        assert differences == {}
        sent = {entry["id"]: entry["diff"] for entry in upstream.log}
    edited = {exchange: _edited(diff) for exchange, diff in sent.items()}
    assert {exchange: members for exchange, members in edited.items() if members} == {}


async def _send_all(router: RunningRouter, exchanges: Sequence[Exchange]) -> list[httpx.Response]:
    at_once = asyncio.Semaphore(16)

    async def send(exchange: Exchange, manner: str) -> httpx.Response:
        body = {**exchange.request, "model": f"{_name(exchange.base)}/replay-{exchange.id};{manner}"}
        async with at_once:
            return await router.http.post("/v1/chat/completions", json=body)

    return await asyncio.gather(*map(send, exchanges, cycle(MANNERS)))


def _name(base: str) -> str:
    """The provider's; `custom` is no provider's name, for models that users describe begin with it."""
    name = base.split("/")[1]
    return "other" if name == "custom" else name


def _edited(diff: dict[str, Any]) -> list[str]:
    """The members that reached the provider otherwise than they were asked for, but for those that may be edited."""
    different = [path for path, *_ in diff["different"]]
    return [path for path in (*diff["missing"], *diff["extra"], *different) if not path.startswith(EDITED)]


def _differences(exchange: Exchange, answer: httpx.Response, booked: dict[str, CompletionFinished]) -> Iterator[str]:
    """What the client or the journal ended with that the provider did not say."""
    expected = exchange.expected
    if "x-request-id" not in answer.headers:
        # What is out of range Pantheon refuses itself.
        yield from _unequal("status", answer.status_code, expected["status"])
        return
    finished = booked[answer.headers["x-request-id"]]
    if expected["kind"] == "http_error":
        yield from _differences_of_error(exchange, answer, finished)
        return
    if exchange.response["is_sse"]:
        found = Answer.streamed(data_of(answer.text))
    elif answer.status_code == 200:
        if exchange.raw and answer.content != exchange.response["body"].encode():
            yield "the body is not what the provider sent"
        found = Answer.whole(answer.json())
    else:
        found = Answer(error=answer.json()["error"])
    if expected["kind"] != "ok":
        if found.error is None or finished.outcome != Outcome.OUTCOME_FAILED:
            yield f"{expected['kind']} was not told"
        return
    yield from _unequal("text", found.text, expected["text"] or "")
    yield from _unequal("finish reason", found.finish_reason or "", expected["finish_raw"] or "")
    yield from _unequal("tool calls", found.tool_calls, recorded_calls(expected))
    yield from _differences_of_bill(expected, finished)


def _differences_of_error(exchange: Exchange, answer: httpx.Response, finished: CompletionFinished) -> Iterator[str]:
    recorded = exchange.response
    yield from _unequal("booked status", finished.http_status, recorded["status"])
    if finished.tokens.prompt_tokens or finished.tokens.completion_tokens:
        yield "a refusal used tokens"
    own_key = recorded["status"] in (401, 402, 403)
    if not own_key and answer.json() != json.loads(recorded["body"]):
        yield "the error is not what the provider sent"


def _differences_of_bill(expected: Json, finished: CompletionFinished) -> Iterator[str]:
    yield from _unequal("outcome", finished.outcome, Outcome.OUTCOME_SUCCEEDED)
    yield from _unequal("served model", finished.served_model, expected["model"] or "")
    yield from _unequal("id", finished.provider_response_id, expected["response_id"] or "")
    yield from _unequal("booked finish reason", finished.finish_reason, expected["finish_raw"] or "")
    usage = expected["usage"]
    if usage is None or usage["input"] is None or usage["output"] is None:
        yield from _unequal("state", finished.state, LedgerState.LEDGER_STATE_ESTIMATED)
        return
    yield from _unequal("state", finished.state, LedgerState.LEDGER_STATE_SETTLED)
    for ours, theirs in COUNTS.items():
        yield from _unequal(ours, getattr(finished.tokens, ours), usage[theirs] or 0)
    reported = finished.cost.provider_reported.value
    yield from _unequal("cost", float(Decimal(reported)) if reported else None, expected["cost"])


def _unequal(what: str, found: object, expected: object) -> Iterator[str]:
    if found != expected:
        yield f"{what}: {found!r}, recorded {expected!r}"
