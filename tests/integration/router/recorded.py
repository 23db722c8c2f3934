"""Recorded exchanges of real providers, and the upstream that replays them."""

import gzip
import importlib.util
import json
import random
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.fixtures.references import TRAFFIC

EXPECTED = TRAFFIC.with_name("expected.dev.jsonl.gz")
REQUESTS = TRAFFIC.with_name("client_requests.dev.jsonl.gz")
REPLAY = TRAFFIC.with_name("replay.py")
FILES = (TRAFFIC, EXPECTED, REQUESTS, REPLAY)

Json = dict[str, Any]


@dataclass(frozen=True)
class Exchange:
    """One exchange: what a client asks, what the provider answered, what a client ends with."""

    id: str
    provider: str
    request: Json
    response: Json
    expected: Json
    raw: bool
    """The answer was recorded byte for byte."""

    @property
    def base(self) -> str:
        """The provider's path at the replaying upstream."""
        return {"openai": "/openai/v1", "openrouter": "/openrouter/api/v1"}.get(self.provider, "/custom/v1")


def sample(count: int, seed: int) -> Sequence[Exchange]:
    """So many chat completions, over all kinds of outcome, the same for the same seed."""
    requests = {one["id"]: one["body"] for one in _lines(REQUESTS)}
    expected = {one["id"]: one for one in _lines(EXPECTED)}
    found = [
        Exchange(
            one["id"], one["provider"], requests[one["id"]], one["response"], expected[one["id"]],
            one["fidelity"] == "raw",
        )
        for one in _lines(TRAFFIC)
        if one["wire"] == "chat" and one["endpoint"] == "chat.completions" and one["id"] in requests
    ]  # fmt: skip
    odd = [one for one in found if one.expected["kind"] not in ("ok", "http_error")]
    chance = random.Random(seed)
    return [*odd, *chance.sample([one for one in found if one not in odd], min(count, len(found) - len(odd)))]


def _lines(path: Any) -> Iterator[Json]:
    with gzip.open(path) as lines:
        yield from map(json.loads, lines)


def load_replay() -> Any:
    """The module of the corpus's own upstream."""
    spec = importlib.util.spec_from_file_location("replay", REPLAY)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@asynccontextmanager
async def replaying(exchanges: Sequence[Exchange]) -> AsyncIterator[Any]:
    """The corpus's own upstream, holding these exchanges; see its docstring. Chosen by `replay-<id>` in the model."""
    server = load_replay().ReplayServer()
    server.store = {one.id: _record(one) for one in exchanges}
    async with server:
        yield server


def _record(exchange: Exchange) -> Json:
    request = {"json": {**exchange.request, "model": f"replay-{exchange.id}"}}
    stream = bool(exchange.request.get("stream"))
    provider = exchange.provider if exchange.base != "/custom/v1" else "custom"
    return {
        "id": exchange.id, "provider": provider, "endpoint": "chat.completions", "stream": stream, "request": request,
        "response": exchange.response,
    }  # fmt: skip


def parsed(arguments: str) -> object:
    """Arguments of a tool call, read; as they are where they were cut off."""
    try:
        return json.loads(arguments) if arguments else {}
    except ValueError:
        return arguments


def recorded_calls(expected: Json) -> list[tuple[str, object]]:
    """Names and arguments (as `parsed`) of the tool calls a client ends with."""
    calls = [(call["name"], call["arguments"]) for call in expected["tool_calls"]]
    return [(name, given.get("__unparsed__", given) if isinstance(given, dict) else given) for name, given in calls]


@dataclass
class Answer:
    """What a client makes of an answer, whole or streamed."""

    text: str = ""
    finish_reason: str | None = None
    error: Json | None = None

    def __post_init__(self) -> None:
        self.calls: dict[int, Json] = {}

    @classmethod
    def whole(cls, body: Mapping[str, Any]) -> "Answer":
        answer = cls()
        for choice in body["choices"][:1]:
            answer._take(choice, choice["message"], streamed=False)
        return answer

    @classmethod
    def streamed(cls, chunks: Sequence[str]) -> "Answer":
        answer = cls()
        for chunk in chunks:
            if chunk == "[DONE]":
                continue
            body = json.loads(chunk)
            answer.error = body.get("error") or answer.error
            for choice in body.get("choices") or ():
                if not choice.get("index"):
                    answer._take(choice, choice.get("delta") or {}, streamed=True)
        return answer

    @property
    def tool_calls(self) -> list[tuple[str, object]]:
        """Names and arguments (as `parsed`), in order."""
        return [(call["name"], parsed(call["arguments"])) for _, call in sorted(self.calls.items())]

    def _take(self, choice: Json, said: Json, *, streamed: bool) -> None:
        self.finish_reason = choice.get("finish_reason") or self.finish_reason
        content = said.get("content")
        parts = content if isinstance(content, list) else ()
        self.text += content if isinstance(content, str) else "".join(part.get("text") or "" for part in parts)
        old = said.get("function_call") or {}
        calls = said.get("tool_calls") or (
            [{"index": 0, "function": old}] if old.get("name") or old.get("arguments") else []
        )
        for place, call in enumerate(calls):
            number = call.get("index", place) if streamed else place
            function = call.get("function") or call.get("custom") or {}
            grown = self.calls.setdefault(number, {"name": "", "arguments": ""})
            grown["name"] = grown["name"] or function.get("name") or ""
            grown["arguments"] += function.get("arguments") or function.get("input") or ""
