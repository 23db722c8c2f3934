"""The faults of a stream and of a body, in each provider's own format."""

import json
from collections.abc import Mapping
from typing import Any

import httpx2 as httpx
import msgspec
import pytest

from services.sandbox.recorder import Outcome, RequestRecord
from services.sandbox.server import SandboxServer


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """How to ask in one format, and what to look for."""

    path: str
    body: Mapping[str, Any]
    stream_path: str = ""
    stream_body: Mapping[str, Any] = {}
    usage: str
    last: str
    """What marks the end of a stream."""


HELLO = [{"role": "user", "content": "Hi"}]
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
FORMATS = {
    "responses": Format(
        path="/openai/v1/responses",
        body={"model": "gpt-4o", "input": "Hi"},
        stream_body={"stream": True},
        usage='"output_tokens"',
        last="response.completed",
    ),
    "messages": Format(
        path="/anthropic/v1/messages",
        body={"model": "claude-opus-4-5", "max_tokens": 500, "messages": HELLO},
        stream_body={"stream": True},
        usage='"output_tokens"',
        last="message_stop",
    ),
    "contents": Format(
        path="/gemini/v1beta/models/gemini-2.5-flash:generateContent",
        body=CONTENTS,
        stream_path="/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        usage='"usageMetadata"',
        last='"finishReason"',
    ),
    "contents in an array": Format(
        path="/gemini/v1beta/models/gemini-2.5-flash:generateContent",
        body=CONTENTS,
        stream_path="/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent",
        usage='"usageMetadata"',
        last='"finishReason"',
    ),
}
KEYS = {"x-api-key": "test", "anthropic-version": "2023-06-01", "x-goog-api-key": "test"}


class Caller:
    """Asks in one format, and finds the request again in the sandbox's log."""

    def __init__(self, sandbox: SandboxServer, http: httpx.AsyncClient, form: Format, attempt_id: str) -> None:
        self.form = form
        self._sandbox = sandbox
        self._http = http
        self._attempt_id = attempt_id

    async def whole(self, **orders: object) -> httpx.Response:
        return await self._post(self.form.path, self.form.body, orders)

    async def stream(self, **orders: object) -> httpx.Response:
        return await self._post(
            self.form.stream_path or self.form.path, {**self.form.body, **self.form.stream_body}, orders
        )

    async def record(self) -> RequestRecord:
        def mine() -> list[RequestRecord]:
            return [record for record in self._sandbox.recorder if record.attempt_id == self._attempt_id]

        await self._sandbox.recorder.wait_until(lambda _: any(record.finished_at for record in mine()), 5)
        (record,) = mine()
        return record

    async def _post(self, path: str, body: Mapping[str, Any], orders: Mapping[str, object]) -> httpx.Response:
        named = {f"x-sandbox-{name.replace('_', '-')}": str(value) for name, value in orders.items()}
        headers = {**KEYS, "x-pantheon-attempt-id": self._attempt_id, **named}
        return await self._http.post(self._sandbox.url + path, json=body, headers=headers)


@pytest.fixture(params=FORMATS)
def caller(sandbox: SandboxServer, http: httpx.AsyncClient, request: pytest.FixtureRequest) -> Caller:
    return Caller(sandbox, http, FORMATS[request.param], request.node.nodeid)


async def test_usage_is_left_out_of_a_body(caller: Caller) -> None:
    answer = await caller.whole(no_usage="")

    assert caller.form.usage not in answer.text
    assert (await caller.record()).usage is None


async def test_usage_is_left_out_of_a_stream(caller: Caller) -> None:
    answer = await caller.stream(no_usage="")

    assert caller.form.usage not in answer.text
    assert (await caller.record()).usage is None


async def test_the_usage_told_is_recorded(caller: Caller) -> None:
    answer = await caller.stream(length=30)

    record = await caller.record()
    assert record.usage is not None
    assert record.usage.completion_tokens - record.usage.reasoning_tokens == 30
    assert caller.form.last in answer.text
    assert record.stream


async def test_the_end_of_a_stream_is_left_out(caller: Caller) -> None:
    answer = await caller.stream(no_done="")

    assert caller.form.last not in answer.text
    assert (await caller.record()).outcome is Outcome.ANSWERED


async def test_an_error_ends_a_stream(caller: Caller) -> None:
    answer = await caller.stream(error_after=2)

    assert '"error"' in answer.text
    assert caller.form.last not in answer.text
    assert (await caller.record()).usage is None


@pytest.mark.parametrize("order", ("reset_after", "truncate"))
async def test_a_stream_and_its_connection_break_off(caller: Caller, order: str) -> None:
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await caller.stream(**{order: 2 if order == "reset_after" else ""})

    record = await caller.record()
    assert (record.outcome, record.usage) == (Outcome.CUT, None)


async def test_a_malformed_body_is_complete_for_http_and_no_json(caller: Caller) -> None:
    answer = await caller.whole(malformed="")

    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


async def test_a_directive_that_does_not_exist_is_refused_in_the_providers_own_shape(caller: Caller) -> None:
    answer = await caller.whole(explode="")

    assert answer.status_code == 400
    assert "unknown field `explode`" in answer.json()["error"]["message"]
