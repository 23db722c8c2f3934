"""POST /v1/responses, whichever provider answers, and the paths of what OpenAI would have kept."""

import time
from contextlib import aclosing

from pantheon.usage.v1.ledger_pb2 import SURFACE_OPENAI_RESPONSES
from services.router.api.app import Exchange, Reply
from services.router.api.frames import written
from services.router.api.headers import completed_headers, origin_headers
from services.router.api.responses.errors import ResponseErrors
from services.router.api.responses.events import ResponseEvents
from services.router.api.responses.request import parse_request
from services.router.api.responses.whole import response_of
from services.router.attempts import Call
from services.router.chat import Format, Frame
from services.router.engine import Engine
from services.runtime.errors import UnsupportedFeature
from services.runtime.logging import bind_request

RESPONSES = "/v1/responses"


class ResponsesSurface:
    """POST /v1/responses."""

    errors = ResponseErrors()

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def serve(self, exchange: Exchange) -> None:
        """See `Surface`."""
        began = time.monotonic()
        principal = await exchange.principal()
        request = parse_request(exchange.scope, await exchange.body())
        call = self._engine.call(request, principal, SURFACE_OPENAI_RESPONSES, began)
        bind_request(call.id)
        reply = exchange.reply
        reply.headers.append((b"x-request-id", call.id.encode()))
        if request.stream:
            await self._stream(call, reply)
            return
        completed = await self._engine.complete(call)
        reply.headers += completed_headers(completed)
        body = completed.body
        if completed.format is not Format.RESPONSES:
            body = response_of(call, body, completed.facts.tokens)
        await reply.send(body)

    async def _stream(self, call: Call, reply: Reply) -> None:
        reply.errors = numbered = ResponseErrors()
        async with await self._engine.open(call) as streaming, aclosing(streaming.frames()) as frames:
            reply.headers += origin_headers(call, streaming.candidate)
            await reply.begin_stream()
            if streaming.format is Format.RESPONSES:
                async for batch in frames:
                    numbered.count += sum(frame.comment is None for frame in batch)
                    await reply.send_chunk(b"".join(map(written, batch)))
                last = b""
            else:
                events = ResponseEvents(call, numbered)
                await reply.send_chunk(events.begin())
                async for batch in frames:
                    if chunk := b"".join([_translated(frame, events) for frame in batch]):
                        await reply.send_chunk(chunk)
                last = events.end(streaming.facts, streaming.final_receipt())
        await reply.end_stream(last)


class StoredResponses:
    """Everything below /v1/responses/."""

    errors = ResponseErrors()

    async def serve(self, exchange: Exchange) -> None:
        """See `Surface`. Always refuses."""
        await exchange.principal()
        message = "response_id: responses are not kept here, so there are none to fetch, cancel, delete or go on from"
        raise UnsupportedFeature(message, field="response_id", path=exchange.path[:200])


def _translated(frame: Frame, events: ResponseEvents) -> bytes:
    """A frame as the events it makes."""
    return events.add(frame.data) if frame.comment is None else written(frame)
