"""Sends completions through both surfaces of the router, as any client would."""

import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from decimal import Decimal
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import httpx2 as httpx

from pantheon.router.v1.completion_pb2 import Completion, CompletionSpec
from pantheon.router.v1.message_pb2 import MessageRole
from pantheon.router.v1.router_service_pb2 import CompleteRequest, StreamCompleteRequest
from pantheon.router.v1.router_service_pb2_grpc import RouterServiceStub
from services.cli.calling import Caller
from services.cli.chat import text_message
from services.cli.demo.errands import Door, Errand, Result
from services.cli.demo.people import Person
from services.cli.running import CommandFailed
from services.runtime import money

OnText = Callable[[str], None]
"""Called with each piece of an answer as it comes."""

_TIMEOUT_S = 30.0
_EVENT = "data: "
_DONE = "[DONE]"


class Client:
    """Both surfaces, called in the name of one person, while this is entered."""

    def __init__(self, person: Person, grpc_address: str, http_address: str) -> None:
        self._caller = Caller("router", grpc_address, person.api_key)
        self._http = httpx.AsyncClient(
            base_url=f"http://{http_address}/v1",
            headers={"authorization": f"Bearer {person.api_key}"},
            timeout=_TIMEOUT_S,
            trust_env=False,
        )

    async def send(self, errand: Errand, on_text: OnText) -> Result:
        """Sends one completion and waits for its end. Raises CommandFailed."""
        ways = {
            Door.GRPC_STREAM: self._grpc_stream,
            Door.GRPC_UNARY: self._grpc_unary,
            Door.HTTP_STREAM: self._http_stream,
            Door.HTTP_UNARY: self._http_unary,
        }
        return await ways[errand.door](errand, _Stopwatch(on_text))

    async def __aenter__(self) -> Self:
        await self._caller.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()
        await self._caller.__aexit__(kind, error, trace)

    async def _grpc_unary(self, errand: Errand, watch: "_Stopwatch") -> Result:
        router = RouterServiceStub(self._caller.channel)
        answer = await self._caller.call(router.Complete, CompleteRequest(spec=_spec(errand)))
        watch.add("".join(part.text.text for part in answer.completion.choices[0].message.parts))
        return _of_completion(errand, answer.completion, watch)

    async def _grpc_stream(self, errand: Errand, watch: "_Stopwatch") -> Result:
        router = RouterServiceStub(self._caller.channel)
        request = StreamCompleteRequest(spec=_spec(errand))
        completion: Completion | None = None
        async for piece in self._caller.stream(router.StreamComplete, request, _TIMEOUT_S):
            if piece.HasField("completion"):
                completion = piece.completion
            else:
                watch.add(piece.delta.text)
        if completion is None:
            raise CommandFailed("a gRPC stream ended before its end")
        return _of_completion(errand, completion, watch)

    async def _http_unary(self, errand: Errand, watch: "_Stopwatch") -> Result:
        response = await self._http.post("/chat/completions", json=_body(errand), headers=_tag_header(errand))
        _check(response, response.text)
        body = _decode(response.text)
        watch.add(body["choices"][0]["message"]["content"])
        cost = response.headers.get("x-pantheon-cost")
        return watch.result(
            errand,
            request_id=response.headers["x-request-id"],
            tokens=body["usage"]["total_tokens"],
            cost=None if cost is None else Decimal(cost),
        )

    async def _http_stream(self, errand: Errand, watch: "_Stopwatch") -> Result:
        body = {**_body(errand), "stream": True, "stream_options": {"include_usage": True}}
        last: Mapping[str, Any] = {}
        async with self._http.stream("POST", "/chat/completions", json=body, headers=_tag_header(errand)) as response:
            if response.status_code != httpx.codes.OK:
                _check(response, (await response.aread()).decode())
            async for chunk in _events(response):
                last = chunk
                for choice in chunk["choices"]:
                    watch.add(choice["delta"].get("content") or "")
        if "pantheon" not in last:
            raise CommandFailed("an HTTP stream ended without its usage")
        receipt = last["pantheon"]
        return watch.result(
            errand, request_id=receipt["request_id"], tokens=last["usage"]["total_tokens"], cost=receipt.get("cost")
        )


class _Stopwatch:
    """Collects an answer and notes when its first piece came."""

    def __init__(self, on_text: OnText) -> None:
        self._on_text = on_text
        self._began = time.monotonic()
        self._first: float | None = None
        self._pieces: list[str] = []

    def add(self, text: str) -> None:
        """Takes the next piece."""
        if text:
            self._first = self._first or time.monotonic()
            self._pieces.append(text)
            self._on_text(text)

    def result(self, errand: Errand, *, request_id: str, tokens: int, cost: Decimal | None) -> Result:
        """The end."""
        now = time.monotonic()
        return Result(
            errand=errand,
            request_id=request_id,
            text="".join(self._pieces),
            tokens=tokens,
            cost=cost,
            first_token=(self._first or now) - self._began,
            total=now - self._began,
        )


def _spec(errand: Errand) -> CompletionSpec:
    message = text_message(MessageRole.MESSAGE_ROLE_USER, errand.prompt)
    return CompletionSpec(model=errand.model, messages=[message], tags=errand.tags)


def _body(errand: Errand) -> dict[str, Any]:
    return {"model": errand.model, "messages": [{"role": "user", "content": errand.prompt}]}


def _tag_header(errand: Errand) -> dict[str, str]:
    return {"x-pantheon-tags": urlencode(errand.tags)}


def _of_completion(errand: Errand, completion: Completion, watch: _Stopwatch) -> Result:
    tokens, cost = completion.tokens, completion.cost
    return watch.result(
        errand,
        request_id=completion.request_id,
        tokens=tokens.prompt_tokens + tokens.completion_tokens,
        cost=money.from_proto(cost.amount) if cost.HasField("amount") else None,
    )


async def _events(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    async for line in response.aiter_lines():
        if line.startswith(_EVENT) and line != _EVENT + _DONE:
            yield _decode(line.removeprefix(_EVENT))


def _decode(text: str) -> dict[str, Any]:
    """JSON with money exact to its last digit."""
    decoded: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return decoded


def _check(response: httpx.Response, text: str) -> None:
    if response.status_code != httpx.codes.OK:
        raise CommandFailed(f"POST /v1/chat/completions answered {response.status_code}: {text}")
