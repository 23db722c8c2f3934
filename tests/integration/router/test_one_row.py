"""A new compatible provider is one row of the catalog: nothing that it needs is in the code."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from openai import AsyncOpenAI

from pantheon.events.v1.change_pb2 import Change, ProviderChanged
from pantheon.usage.v1.ledger_pb2 import LedgerState
from services.catalog.messages import provider_message
from services.catalog.providers import circumstances, under
from services.catalog.seed.rows import SeedProvider
from services.catalog.seed_changes import Seed, Written, seed_changes
from services.runtime import times
from tests.integration.router.running import KEY, MESSAGES, RunningRouter, running_router, spec
from tests.integration.router.upstream.scripted import LAST_CHUNK, OK, STREAM, Peer, Request, event, scripted

ROW = b"""{
    "name": "parrot",
    "display_name": "Parrot Inference",
    "base_url": "https://api.parrot.example/v1",
    "wire_format": "openai_chat",
    "auth_style": "api_key",
    "models_url": "/models",
    "key_variable": "PARROT_API_KEY",
    "base_url_variable": "PARROT_BASE_URL",
    "flags": {"streams_usage_unasked": true}
}"""
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
MESSAGE = {"role": "assistant", "content": "Squawk!"}


class Parrot:
    """A provider that refuses what it does not know, and remembers what it was sent."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    async def serve(self, peer: Peer) -> None:
        request = await peer.request()
        self.requests.append(request)
        asked = json.loads(request.body)
        assert request.headers["api-key"] == ["pk-1"]
        assert asked.keys() <= {"model", "messages", "stream", "temperature"}
        assert request.line == "POST /v1/chat/completions HTTP/1.1"
        envelope = {"id": "squawk-1", "created": 1_790_000_000, "model": asked["model"]}
        if asked.get("stream"):
            chunk = {**envelope, "choices": [{"index": 0, "delta": MESSAGE, "finish_reason": "stop"}], "usage": USAGE}
            await peer.send(STREAM, event(json.dumps(chunk)), event("[DONE]"), LAST_CHUNK)
            return
        choice = {"index": 0, "message": MESSAGE, "finish_reason": "stop"}
        answer = json.dumps({**envelope, "choices": [choice], "usage": USAGE}).encode()
        await peer.send(OK + b"content-length: %d\r\n\r\n" % len(answer) + answer)


def change_for(base_url: str) -> tuple[Change, dict[str, tuple[str, ...]]]:
    """What the catalog makes of the row and its environment, and tells routers."""
    seed = Seed((msgspec.json.decode(ROW, type=SeedProvider),), ())
    ((provider, _),) = seed_changes(seed, Written({}, {}, {}), times.now()).providers
    found = circumstances(provider, {"PARROT_API_KEY": "pk-1", "PARROT_BASE_URL": base_url}, "")
    present = under(found, provider, b"pepper")
    change = Change(provider_changed=ProviderChanged(provider=provider_message(present)))
    return change, {provider.name: tuple(key.secret for key in found.keys)}


@asynccontextmanager
async def router_with(parrot: Parrot, tmp_path: Path) -> AsyncIterator[RunningRouter]:
    async with scripted(parrot.serve) as server:
        change, keys = change_for(server.url.removesuffix("/chat/completions"))
        async with running_router(tmp_path, [change], keys) as router:
            yield router


async def test_it_completes_over_http_and_is_booked(tmp_path: Path) -> None:
    parrot = Parrot()
    async with router_with(parrot, tmp_path) as router:
        answer = await router.post("parrot/polly-1", temperature=0.5)
        assert answer.status_code == 200, answer.text
        assert answer.json()["choices"][0]["message"] == MESSAGE
        assert answer.headers["x-pantheon-provider"] == "parrot"
        finished = await router.one_finished()
    assert json.loads(parrot.requests[0].body) == {"model": "polly-1", "messages": MESSAGES, "temperature": 0.5}
    assert finished.state == LedgerState.LEDGER_STATE_SETTLED
    assert (finished.tokens.prompt_tokens, finished.tokens.completion_tokens) == (7, 3)


async def test_it_streams_to_an_sdk_that_asks_for_the_usage(tmp_path: Path) -> None:
    async with (
        router_with(Parrot(), tmp_path) as router,
        AsyncOpenAI(base_url=f"{router.base_url}/v1", api_key=KEY, max_retries=0, timeout=10) as client,
    ):
        stream = await client.chat.completions.create(
            model="parrot/polly-1", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
        finished = await router.one_finished()
    assert "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices) == "Squawk!"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 10
    assert finished.tokens.completion_tokens == 3


async def test_it_completes_over_grpc(tmp_path: Path) -> None:
    async with router_with(Parrot(), tmp_path) as router:
        completion = await router.complete(spec("parrot/polly-1"))
        assert completion.choices[0].message.parts[0].text.text == "Squawk!"
        assert (completion.provider, completion.tokens.prompt_tokens) == ("parrot", 7)
        *_, last = [piece async for piece in router.stream_complete(spec("parrot/polly-1"))]
        assert last.completion.choices[0].finish_reason == "stop"
