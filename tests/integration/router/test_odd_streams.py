"""Streams as some providers write them: legal, odd, and on their way to the client over both surfaces."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from pantheon.usage.v1.ledger_pb2 import LedgerState, Outcome
from tests.integration.router.running import RunningRouter, data_of, model, provider, running_router
from tests.integration.router.upstream.scripted import LAST_CHUNK, STREAM, Peer, chunk, event, scripted

HELLO = '{"id":"c-1","model":"m","choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}'
STOP = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
USAGE = '{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}'
ERROR = '{"error":{"code":503,"message":"Overloaded"}}'
DONE = "[DONE]"


@asynccontextmanager
async def streaming(tmp_path: Path, *pieces: bytes) -> AsyncIterator[RunningRouter]:
    """A router whose only provider streams these pieces, each as a packet of its own where the network lets it."""

    async def serve(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(STREAM, *pieces, LAST_CHUNK)

    async with scripted(serve) as server:
        changes = [
            provider("openai", server.url.removesuffix("/chat/completions")),
            model("openai/gpt-4", ("openai", "gpt-4"), aliases=("gpt-4",)),
        ]
        async with running_router(tmp_path, changes, {"openai": ("k",)}) as running:
            yield running


async def texts(router: RunningRouter) -> set[str]:
    """The text of the answer over HTTP and over gRPC, pieces and whole."""
    chunks = [json.loads(data) for data in await router.stream() if data != DONE]
    over_http = "".join(choice["delta"].get("content") or "" for one in chunks for choice in one["choices"])
    *events, last = [piece async for piece in router.stream_complete()]
    whole = last.completion.choices[0].message.parts[0].text.text
    return {over_http, "".join(piece.delta.text for piece in events), whole}


@pytest.mark.parametrize(
    "between",
    (
        chunk(b":\n\n"),
        chunk(b": keep-alive\n\n"),
        chunk(b"data:\n\n"),
        chunk(b"data: \n\n"),
        chunk(b"event: ping\ndata:\n\n"),
        chunk(b"id: 5\nretry: 100\n\n"),
        chunk(b"\n\n\n"),
        event('{"choices":[]}'),
        event('{"choices":[],"usage":null}'),
    ),
)
async def test_what_says_nothing_disturbs_nothing(tmp_path: Path, between: bytes) -> None:
    pieces = (between, event(HELLO), between, event(STOP), between, event(USAGE), between, event(DONE), between)
    async with streaming(tmp_path, *pieces) as router:
        assert await texts(router) == {"Hello"}
        for finished in await router.finished():
            assert (finished.outcome, finished.state) == (
                Outcome.OUTCOME_SUCCEEDED,
                LedgerState.LEDGER_STATE_SETTLED,
            )


async def test_comments_reach_the_client_as_comments_though_they_be_empty(tmp_path: Path) -> None:
    async with streaming(tmp_path, chunk(b":\n\n"), chunk(b":  hm \n\n"), event(HELLO), event(STOP)) as router:
        answer = await router.post(stream=True)
    assert answer.text.startswith(": \n\n: hm\n\ndata: {")
    assert data_of(answer.text) == [HELLO, STOP, DONE]


async def test_data_of_several_lines_stays_data_of_several_lines(tmp_path: Path) -> None:
    first, second = HELLO.split(",", 1)
    async with streaming(tmp_path, chunk(f"data: {first},\ndata: {second}\n\n".encode()), event(STOP)) as router:
        answer = await router.post(stream=True)
        assert await texts(router) == {"Hello"}
    assert answer.text.startswith(f"data: {first},\ndata: {second}\n\n")


async def test_what_comes_after_the_end_is_not_the_client_s(tmp_path: Path) -> None:
    async with streaming(tmp_path, event(HELLO) + event(STOP) + event(DONE) + event(HELLO) + event(ERROR)) as router:
        assert await router.stream() == [HELLO, STOP, DONE]


async def test_usage_that_comes_after_an_error_is_booked(tmp_path: Path) -> None:
    async with streaming(tmp_path, event(HELLO), event(ERROR), event(USAGE), event(DONE)) as router:
        answer = await router.post(stream=True)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            _ = [piece async for piece in router.stream_complete()]
        booked = await router.finished()
    assert data_of(answer.text) == [HELLO, ERROR]
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    for finished in booked:
        assert (finished.outcome, finished.state) == (Outcome.OUTCOME_FAILED, LedgerState.LEDGER_STATE_SETTLED)
        assert (finished.tokens.prompt_tokens, finished.tokens.completion_tokens) == (7, 3)


async def test_an_error_right_away_is_told_in_the_stream_for_it_was_accepted(tmp_path: Path) -> None:
    async with streaming(tmp_path, event(ERROR)) as router:
        assert await router.stream() == [ERROR]
        finished = await router.one_finished()
    assert finished.outcome == Outcome.OUTCOME_FAILED
    assert finished.tokens.completion_tokens == 0


async def test_a_stream_of_nothing_is_broken(tmp_path: Path) -> None:
    async with streaming(tmp_path) as router:
        (told,) = await router.stream()
        finished = await router.one_finished()
    assert json.loads(told)["error"]["code"] == "PROVIDER_BROKEN"
    assert finished.state == LedgerState.LEDGER_STATE_ESTIMATED


async def test_a_finish_reason_is_an_end_though_the_marker_is_missing(tmp_path: Path) -> None:
    async with streaming(tmp_path, event(HELLO), event(STOP)) as router:
        assert await router.stream() == [HELLO, STOP, DONE]
        assert (await router.one_finished()).outcome == Outcome.OUTCOME_SUCCEEDED


async def test_a_stream_of_two_answers_of_which_one_breaks_off_is_broken(tmp_path: Path) -> None:
    second = HELLO.replace('"index":0', '"index":1')
    async with streaming(
        tmp_path, event(HELLO), event(second), event(STOP.replace("{}", '{"content":null}'))
    ) as router:
        *_, told = await router.stream()
        finished = await router.one_finished()
    assert json.loads(told)["error"]["code"] == "PROVIDER_BROKEN"
    assert finished.outcome == Outcome.OUTCOME_FAILED


async def test_an_emoji_cut_in_two_is_whole_in_the_end(tmp_path: Path) -> None:
    halves = [HELLO.replace("Hello", half) for half in ("\\ud83d", "\\ude00")]
    async with streaming(tmp_path, *map(event, halves), event(STOP)) as router:
        assert (await router.stream())[:2] == halves
        *_, last = [piece async for piece in router.stream_complete()]
    assert last.completion.choices[0].message.parts[0].text.text == "😀"


async def test_usage_in_every_chunk_is_shown_only_where_it_is_asked_for(tmp_path: Path) -> None:
    piece = HELLO[:-1] + ',"usage":{"prompt_tokens":7,"completion_tokens":1}}'
    async with streaming(tmp_path, event(piece), event(STOP)) as router:
        assert (await router.stream())[0] == HELLO
        shown = json.loads((await router.stream(stream_options={"include_usage": True}))[0])
    assert shown["usage"] == {"prompt_tokens": 7, "completion_tokens": 1}
    assert shown["pantheon"]["cost"] == 0.0001
