"""HTTP connections as clients use them: kept alive, pipelined, slow to send; models and tags."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest

from pantheon.usage.v1.ledger_pb2 import LedgerState, Outcome
from services.sandbox.recorder import Outcome as Seen
from services.sandbox.server import SandboxServer
from tests.integration.router.running import KEY, MESSAGES, RunningRouter, data_of

HEAD = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def connection(router: RunningRouter) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", router.port)
    yield reader, writer
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


def request(*, stream: bool = False, more: str = "") -> bytes:
    body = json.dumps({"model": "gpt-4", "messages": MESSAGES, "stream": stream}).encode()
    return f"{HEAD}{more}content-length: {len(body)}\r\n\r\n".encode() + body


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """One HTTP answer off a connection: its status and its body, whether its length was announced or not."""
    async with asyncio.timeout(10):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        status = int(head.split(" ", 2)[1])
        for line in head.split("\r\n"):
            if line.startswith("content-length: "):
                return status, await reader.readexactly(int(line.removeprefix("content-length: ")))
        body = b""
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
        return status, body


async def test_one_connection_carries_many_requests(router: RunningRouter, connection: Connection) -> None:
    reader, writer = connection
    for number in range(20):
        writer.write(request(stream=number % 2 == 0))
        status, body = await read_answer(reader)
        assert status == 200
        assert body.endswith(b"data: [DONE]\n\n") is (number % 2 == 0)
    assert len(await router.finished()) == 20


async def test_pipelined_requests_are_answered_in_order(
    router: RunningRouter, sandbox: SandboxServer, connection: Connection
) -> None:
    reader, writer = connection
    writer.write(
        request(stream=True) + request() + b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n" + request(stream=True)
    )
    answers = [await read_answer(reader) for _ in range(4)]
    assert [status for status, _ in answers] == [200, 200, 401, 200]
    assert [body.endswith(b"data: [DONE]\n\n") for _, body in answers] == [True, False, False, True]
    assert len(await router.finished()) == 3
    assert {seen.outcome for seen in sandbox.recorder} == {Seen.ANSWERED}


async def test_a_body_may_come_slowly_and_in_pieces(
    router: RunningRouter, sandbox: SandboxServer, connection: Connection
) -> None:
    # Slower than it takes until a departing client is watched for.
    reader, writer = connection
    whole = request()
    for start in range(0, len(whole), 40):
        await hesitate(reader, 0.1)
        writer.write(whole[start : start + 40])
        await writer.drain()
    status, _ = await read_answer(reader)
    assert status == 200
    received = sandbox.recorder.received(1)
    assert received is not None
    assert json.loads(received.body)["messages"] == MESSAGES


async def test_a_client_that_leaves_amid_its_body_leaves_nothing(
    router: RunningRouter, sandbox: SandboxServer, connection: Connection
) -> None:
    reader, writer = connection
    writer.write(request()[:-10])
    await writer.drain()
    await hesitate(reader, 0.05)
    writer.transport.abort()
    assert (await router.post()).status_code == 200
    assert len(await router.finished()) == len(sandbox.recorder) == 1


async def test_a_client_that_expects_to_be_told_to_go_on_is(router: RunningRouter, connection: Connection) -> None:
    reader, writer = connection
    whole = request(more="expect: 100-continue\r\n")
    head, body = whole.split(b"\r\n\r\n", 1)
    writer.write(head + b"\r\n\r\n")
    async with asyncio.timeout(5):
        assert b"100 Continue" in await reader.readuntil(b"\r\n\r\n")
    writer.write(body)
    assert (await read_answer(reader))[0] == 200


async def hesitate(reader: asyncio.StreamReader, seconds: float) -> None:
    """Waits, unless the server says something."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), seconds)


async def test_models_that_can_be_used_are_listed(router: RunningRouter) -> None:
    listed = (await router.http.get("/v1/models")).json()
    assert listed["object"] == "list"
    assert {model["id"]: model["owned_by"] for model in listed["data"]} == {
        "openai/gpt-4": "openai",
        "anthropic/claude-3-opus": "anthropic",
    }


async def test_models_that_nobody_configured_offers_are_not_listed(own_router: RunningRouter) -> None:
    own_router.snapshot.catalog.providers.clear()
    assert (await own_router.http.get("/v1/models")).json()["data"] == []


async def test_one_model_is_shown_by_name_or_alias(router: RunningRouter) -> None:
    for name in ("openai/gpt-4", "gpt-4", "openai%2Fgpt-4"):
        found = await router.http.get(f"/v1/models/{name}")
        assert found.json() == {"id": "openai/gpt-4", "object": "model", "created": 0, "owned_by": "openai"}
    gone = await router.http.get("/v1/models/gpt-5")
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "MODEL_NOT_FOUND")


async def test_tags_are_booked(router: RunningRouter) -> None:
    body = {"model": "gpt-4", "messages": MESSAGES}
    headers = {"x-pantheon-tags": "team=search&env=prod&who=Gr%C3%B6%C3%9Fe"}
    assert (await router.http.post("/v1/chat/completions", json=body, headers=headers)).status_code == 200
    finished = await router.one_finished()
    assert dict(finished.started.attribution.tags) == {"team": "search", "env": "prod", "who": "Größe"}


async def test_comments_of_the_provider_keep_the_client_s_connection_alive(router: RunningRouter) -> None:
    answer = await router.post("openrouter/gpt-4o", stream=True)
    assert answer.text.startswith(": OPENROUTER PROCESSING\n\n")
    assert data_of(answer.text)[-1] == "[DONE]"


async def test_every_chunk_but_usage_reaches_the_client_to_the_byte(
    router: RunningRouter, sandbox: SandboxServer
) -> None:
    *chunks, _ = await router.stream(stream_options={"include_usage": True})
    # `obfuscation` is a member nobody here knows.
    assert all('"obfuscation":' in chunk for chunk in chunks[:-1])
    assert '"pantheon":{"request_id":' in chunks[-1]
    assert (await router.one_finished()).outcome == Outcome.OUTCOME_SUCCEEDED


async def test_a_hundred_requests_of_a_kind_share_few_connections_to_the_provider(
    router: RunningRouter, sandbox: SandboxServer
) -> None:
    for _ in range(3):
        answers = await asyncio.gather(*(router.post() for _ in range(30)))
        assert {answer.status_code for answer in answers} == {200}
    booked = await router.finished()
    assert len(booked) == 90
    assert {one.state for one in booked} == {LedgerState.LEDGER_STATE_SETTLED}
