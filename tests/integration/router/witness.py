"""A server that is compatible with OpenAI's and notes who showed it which key; the sandbox keeps none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from services.runtime.http import HttpServer

ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_700_000_000,
    "model": "gpt-4-0613",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "A bee."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1_000, "completion_tokens": 3, "total_tokens": 1_003},
}
_CHUNK = ANSWER | {
    "object": "chat.completion.chunk",
    "choices": [{"index": 0, "delta": {"role": "assistant", "content": "A bee."}, "finish_reason": "stop"}],
}
_STREAM = b"data: %b\n\ndata: [DONE]\n\n" % msgspec.json.encode(_CHUNK)
REFUSAL = {
    "error": {"message": "Incorrect API key provided", "type": "invalid_request_error", "code": "invalid_api_key"}
}


class Seen(NamedTuple):
    """One request. `key` is empty where none was shown; `client` is the port that the connection came from."""

    path: str
    key: str
    body: dict[str, Any]
    client: int


@dataclass
class Witness:
    """What was seen, in order. Keys with `invalid` in them are refused; `elsewhere` is where all others are sent on."""

    port: int = 0
    elsewhere: str = ""
    seen: list[Seen] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def last(self) -> Seen:
        return self.seen[-1]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        assert request.client is not None
        body = msgspec.json.decode(await request.body())
        self.seen.append(Seen(request.url.path, key, body, request.client.port))
        await self._answer(key, stream=bool(body.get("stream")))(scope, receive, send)

    def _answer(self, key: str, *, stream: bool) -> Response:
        if "invalid" in key:
            return JSONResponse(REFUSAL, 401)
        if self.elsewhere:
            return RedirectResponse(self.elsewhere)
        return Response(_STREAM, media_type="text/event-stream") if stream else JSONResponse(ANSWER)


@asynccontextmanager
async def witnessing() -> AsyncIterator[Witness]:
    witness = Witness()
    server = HttpServer(witness, "127.0.0.1", 0, name="witness")
    await server.start()
    witness.port = server.port
    try:
        yield witness
    finally:
        await server.stop(1)
