"""Each fault, ordered by header, as a client without an SDK meets it."""

import asyncio
import json
import time
from typing import Any

import httpx2 as httpx
import pytest

from services.sandbox.recorder import Outcome, RequestRecord
from services.sandbox.server import SandboxServer

REQUEST: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
STREAM = {**REQUEST, "stream": True, "stream_options": {"include_usage": True}}


class Caller:
    """Sends requests that can be found again in the sandbox's log."""

    def __init__(self, sandbox: SandboxServer, http: httpx.AsyncClient, attempt_id: str) -> None:
        self._sandbox = sandbox
        self._http = http
        self._attempt_id = attempt_id

    async def post(self, request: dict[str, Any], **orders: object) -> httpx.Response:
        return await self._http.post(self.url, json=request, headers=self.headers(**orders))

    async def receive(self, request: dict[str, Any], received: bytearray, **orders: object) -> None:
        """Collects the body as it comes, so that what came before a failure is known."""
        async with self._http.stream("POST", self.url, json=request, headers=self.headers(**orders)) as answer:
            async for part in answer.aiter_bytes():
                received += part

    @property
    def url(self) -> str:
        return f"{self._sandbox.openai_url}/chat/completions"

    def headers(self, **orders: object) -> dict[str, str]:
        named = {f"x-sandbox-{name.replace('_', '-')}": str(value) for name, value in orders.items()}
        return {"x-pantheon-attempt-id": self._attempt_id, **named}

    async def record(self) -> RequestRecord:
        """The record of the one request, once it is finished."""
        await self._sandbox.recorder.wait_until(lambda _: any(record.finished_at for record in self._mine()), 5)
        (record,) = self._mine()
        return record

    async def seen(self) -> None:
        await self._sandbox.recorder.wait_until(lambda _: bool(self._mine()), 5)

    def _mine(self) -> list[RequestRecord]:
        return [record for record in self._sandbox.recorder if record.attempt_id == self._attempt_id]


@pytest.fixture
def caller(sandbox: SandboxServer, http: httpx.AsyncClient, request: pytest.FixtureRequest) -> Caller:
    return Caller(sandbox, http, request.node.nodeid)


@pytest.mark.parametrize("status", (400, 401, 403, 404, 408, 409, 429, 500, 502, 503, 529))
async def test_a_status_is_answered_with_an_error_body(caller: Caller, status: int) -> None:
    answer = await caller.post(REQUEST, status=status)

    record = await caller.record()
    assert answer.status_code == status
    assert answer.json()["error"]["message"]
    assert (record.status, record.outcome, record.usage) == (status, Outcome.ANSWERED, None)


async def test_a_connection_is_reset_instead_of_an_answer(caller: Caller) -> None:
    with pytest.raises(httpx.ReadError):
        await caller.post(REQUEST, reset="")

    record = await caller.record()
    assert (record.status, record.outcome) == (None, Outcome.CUT)


async def test_a_connection_is_reset_amid_a_stream(caller: Caller) -> None:
    received = bytearray()
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await caller.receive(STREAM, received, reset_after=3)

    record = await caller.record()
    assert received.count(b"data: ") == 3
    assert (record.status, record.outcome, record.events_sent) == (200, Outcome.CUT, 3)
    assert record.usage is None


async def test_a_connection_is_reset_amid_a_body(caller: Caller) -> None:
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await caller.post(REQUEST, reset_after=1)

    assert (await caller.record()).usage is None


async def test_a_hanging_request_is_never_answered(caller: Caller) -> None:
    asking = asyncio.create_task(caller.post(REQUEST, hang=""))
    await caller.seen()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await asking

    record = await caller.record()
    assert (record.status, record.outcome) == (None, Outcome.ABANDONED)


async def test_a_stalled_stream_falls_silent(caller: Caller) -> None:
    received = bytearray()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await caller.receive(STREAM, received, stall_after=2)

    record = await caller.record()
    assert received.count(b"data: ") == 2
    assert (record.outcome, record.events_sent) == (Outcome.ABANDONED, 2)


async def test_a_malformed_body_is_complete_for_http_and_no_json(caller: Caller) -> None:
    answer = await caller.post(REQUEST, malformed="")

    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


async def test_a_malformed_event_stands_amid_good_ones(caller: Caller) -> None:
    answer = await caller.post(STREAM, malformed="")

    payloads = [block.removeprefix("data: ") for block in answer.text.split("\n\n")[:-1]]
    good = [payload for payload in payloads if payload.endswith("}")]
    assert len(good) == len(payloads) - 2  # the broken one, and [DONE]


@pytest.mark.parametrize("request_body", (REQUEST, STREAM))
async def test_a_truncated_answer_ends_early(caller: Caller, request_body: dict[str, Any]) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await caller.post(request_body, truncate="")

    assert (await caller.record()).outcome is Outcome.CUT


async def test_an_error_event_ends_a_stream(caller: Caller) -> None:
    answer = await caller.post(STREAM, error_after=2)

    blocks = answer.text.split("\n\n")[:-1]
    assert len(blocks) == 3
    assert json.loads(blocks[2].removeprefix("data: "))["error"]["type"] == "server_error"
    assert (await caller.record()).usage is None


async def test_usage_is_left_out(caller: Caller) -> None:
    assert "usage" not in (await caller.post(REQUEST, no_usage="")).json()
    assert (await caller.record()).usage is None


async def test_usage_is_left_out_of_a_stream(caller: Caller) -> None:
    answer = await caller.post(STREAM, no_usage="")

    assert '"usage":{' not in answer.text
    assert answer.text.endswith("data: [DONE]\n\n")


async def test_the_end_mark_is_left_out(caller: Caller) -> None:
    answer = await caller.post(STREAM, no_done="")

    assert "[DONE]" not in answer.text
    assert (await caller.record()).outcome is Outcome.ANSWERED


@pytest.mark.parametrize("order", ("first_byte", "first_token"))
@pytest.mark.parametrize("request_body", (REQUEST, STREAM))
async def test_an_answer_begins_late(caller: Caller, request_body: dict[str, Any], order: str) -> None:
    started_at = time.monotonic()

    await caller.post(request_body, **{order: 150})

    assert time.monotonic() - started_at >= 0.15


async def test_tokens_come_at_the_pace_ordered(caller: Caller) -> None:
    started_at = time.monotonic()

    answer = await caller.post(STREAM, length=30, rate=100, first_token=0)

    assert time.monotonic() - started_at >= 0.29
    assert answer.text.count('"content"') == 31


async def test_reported_tokens_drift(caller: Caller) -> None:
    honest, drifting = await caller.post(REQUEST), await caller.post(REQUEST, usage_drift=1.5)

    counts = [answer.json()["usage"]["completion_tokens"] for answer in (honest, drifting)]
    assert counts[1] == round(counts[0] * 1.5)


async def test_the_reported_cost_drifts(sandbox: SandboxServer, http: httpx.AsyncClient) -> None:
    url = f"{sandbox.openrouter_url}/chat/completions"

    honest, drifting = [
        (await http.post(url, json=REQUEST, headers={"x-sandbox-cost-drift": factor})).json()["usage"]
        for factor in ("1", "2")
    ]

    assert drifting["cost"] == pytest.approx(2 * honest["cost"], rel=1e-12)
    assert drifting["cost_details"] == honest["cost_details"]
    assert drifting["completion_tokens"] == honest["completion_tokens"]


async def test_a_client_that_leaves_is_noticed_at_once(caller: Caller, http: httpx.AsyncClient) -> None:
    headers = caller.headers(length=1000, rate=10)
    async with http.stream("POST", caller.url, json=STREAM, headers=headers) as answer:
        await anext(answer.aiter_bytes())
    left_at = time.monotonic()

    record = await caller.record()

    assert time.monotonic() - left_at < 1
    assert record.outcome is Outcome.ABANDONED
    assert 0 < record.events_sent < 100
    assert record.usage is None


async def test_a_directive_that_does_not_exist_is_refused(caller: Caller) -> None:
    answer = await caller.post(REQUEST, explode="")

    assert answer.status_code == 400
    assert "unknown field `explode`" in answer.json()["error"]["message"]
