"""POST /v1/messages: what Anthropic's SDKs speak, whichever provider answers."""

import time
from contextlib import aclosing

from pantheon.usage.v1.ledger_pb2 import SURFACE_ANTHROPIC_MESSAGES
from services.router.api.anthropic import errors
from services.router.api.anthropic.answer import message
from services.router.api.anthropic.events import PING, Events
from services.router.api.anthropic.request import parse_request, stops_of
from services.router.api.app import Exchange, Reply
from services.router.api.frames import written
from services.router.api.headers import completed_headers, origin_headers
from services.router.api.http import Headers
from services.router.attempts import Call
from services.router.chat import Format, Frame
from services.router.engine import Engine
from services.runtime.logging import bind_request


class MessagesSurface:
    """POST /v1/messages."""

    errors = errors

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def serve(self, exchange: Exchange) -> None:
        """See `Surface`."""
        began = time.monotonic()
        principal = await exchange.principal()
        request = parse_request(exchange.scope, await exchange.body())
        call = self._engine.call(request, principal, SURFACE_ANTHROPIC_MESSAGES, began)
        bind_request(call.id)
        reply = exchange.reply
        reply.headers += request_headers(call)
        if request.stream:
            await self._stream(call, reply)
            return
        completed = await self._engine.complete(call)
        reply.headers += completed_headers(completed)
        body = completed.body
        if completed.format is not Format.MESSAGES:
            body = message(body, call.id, call.plan.model, stops_of(request), completed.facts.tokens)
        await reply.send(body)

    async def _stream(self, call: Call, reply: Reply) -> None:
        async with await self._engine.open(call) as streaming, aclosing(streaming.frames()) as frames:
            reply.headers += origin_headers(call, streaming.candidate)
            await reply.begin_stream()
            events = None
            if streaming.format is not Format.MESSAGES:
                events = Events(call.id, call.plan.model, stops_of(call.request))
            async for batch in frames:
                chunk = b"".join([_translated(frame, events) if events else written(frame) for frame in batch])
                if chunk:
                    await reply.send_chunk(chunk)
        await reply.end_stream(events.end(streaming.facts.tokens) if events is not None else b"")


def request_headers(call: Call) -> Headers:
    """The request's id, under the name Anthropic's SDKs look for and under the one all surfaces have."""
    request_id = call.id.encode()
    return [(b"request-id", request_id), (b"x-request-id", request_id)]


def _translated(frame: Frame, events: Events) -> bytes:
    """The events that a frame in the common shape makes."""
    return PING if frame.comment is not None else events.take(frame.data)
