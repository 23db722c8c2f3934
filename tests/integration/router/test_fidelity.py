"""What a provider says reaches the client as it said it: its statuses, its bodies, its events, and what they cost."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import openai as sdk
import pytest
from openai import AsyncOpenAI

from pantheon.usage.v1.ledger_pb2 import LedgerState, Outcome
from tests.integration.router.running import KEY, MESSAGES, RunningRouter, model, provider, running_router
from tests.integration.router.upstream.scripted import LAST_CHUNK, OK, STREAM, answering, chunk, scripted

PRETTY = b'{\n    "error": {\r\n        "message": "No.",\n        "type": "own",\n        "code": null\n    }\n}\n'


@asynccontextmanager
async def router_before(answer: bytes, tmp_path: Path) -> AsyncIterator[RunningRouter]:
    """A router whose only provider answers so."""
    async with scripted(answering(answer)) as server:
        changes = [
            provider("openai", server.url.removesuffix("/chat/completions")),
            model("openai/gpt-4", ("openai", "gpt-4"), aliases=("gpt-4",)),
        ]
        async with running_router(tmp_path, changes, {"openai": ("k",)}) as running:
            yield running


def refusal(status: int, body: bytes = PRETTY) -> bytes:
    return b"HTTP/1.1 %d Refused\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body)


def whole(body: bytes) -> bytes:
    return OK + b"content-length: %d\r\n\r\n%b" % (len(body), body)


@pytest.mark.parametrize(
    ("status", "kind"),
    (
        (400, sdk.BadRequestError),
        (404, sdk.NotFoundError),
        (409, sdk.ConflictError),
        (413, sdk.APIStatusError),
        (422, sdk.UnprocessableEntityError),
        (429, sdk.RateLimitError),
    ),
)
async def test_a_refusal_has_the_provider_s_status_and_body(
    tmp_path: Path, status: int, kind: type[sdk.APIStatusError]
) -> None:
    async with (
        router_before(refusal(status), tmp_path) as router,
        AsyncOpenAI(base_url=f"{router.base_url}/v1", api_key=KEY, max_retries=0, timeout=10) as client,
    ):
        with pytest.raises(kind) as caught:
            await client.chat.completions.create(model="gpt-4", messages=MESSAGES)
        finished = await router.one_finished()
    assert caught.value.status_code == status
    assert caught.value.response.content == PRETTY
    assert caught.value.type == "own"
    assert finished.http_status == status
    assert (finished.tokens.prompt_tokens, finished.cost.amount.value) == (0, "0")


async def test_a_refused_stream_has_the_provider_s_status_and_body_too(tmp_path: Path) -> None:
    async with router_before(refusal(422), tmp_path) as router:
        answer = await router.post(stream=True)
    assert (answer.status_code, answer.content) == (422, PRETTY)


async def test_names_and_ids_of_events_are_passed_on_with_their_chunk(tmp_path: Path) -> None:
    first = {"id": "c-1", "model": "m", "choices": [{"index": 0, "delta": {"content": "Hi"}}]}
    last = {**first, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    events = (
        f"event: message\nid: 1\ndata: {json.dumps(first)}\n\n"
        f"id: 2\ndata: {json.dumps(last)}\n\n"
        'data: {"id":"c-1","choices":[]}\n\n'
        "data: [DONE]\n\n"
    )
    async with router_before(STREAM + chunk(events.encode()) + LAST_CHUNK, tmp_path) as router:
        answer = await router.post(stream=True)
        await router.one_finished()
    assert answer.text == events


@pytest.mark.parametrize("stream", (False, True))
async def test_what_a_failed_answer_cost_is_booked(tmp_path: Path, stream: bool) -> None:
    body = {
        "id": "gen-1",
        "model": "m",
        "error": {"code": 502, "message": "The upstream broke off"},
        "usage": {"prompt_tokens": 70, "completion_tokens": 30, "cost": 0.25},
    }
    text = json.dumps(body).encode()
    answer = STREAM + chunk(b"data: " + text + b"\n\n") + LAST_CHUNK if stream else whole(text)
    async with router_before(answer, tmp_path) as router:
        got = await router.post(stream=stream)
        finished = await router.one_finished()
    assert got.status_code == (200 if stream else 502)
    assert "The upstream broke off" in got.text
    assert (finished.outcome, finished.state) == (Outcome.OUTCOME_FAILED, LedgerState.LEDGER_STATE_SETTLED)
    assert (finished.tokens.prompt_tokens, finished.tokens.completion_tokens) == (70, 30)
    assert Decimal(finished.cost.provider_reported.value) == Decimal("0.25")
    assert Decimal(finished.cost.amount.value) == Decimal(70 * 10 + 30 * 30) / 1_000_000
    assert finished.provider_response_id == "gen-1"


async def test_a_picture_is_not_estimated_as_text(tmp_path: Path) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "iVBORw0K" * 100_000}}
    question = {"type": "text", "text": "What is this?"}
    body = whole(b'{"choices":[{"index":0,"message":{"content":"A bee"},"finish_reason":"stop"}]}')
    async with router_before(body, tmp_path) as router:
        await router.post(messages=[{"role": "user", "content": [question, picture]}])
        finished = await router.one_finished()
    assert finished.state == LedgerState.LEDGER_STATE_ESTIMATED
    assert 1_000 < finished.tokens.prompt_tokens < 1_200
