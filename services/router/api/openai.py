"""POST /v1/chat/completions: what any OpenAI SDK speaks.

Format: OpenAI API reference, "Chat". Requests and answers keep every member they came with; a streamed answer's usage
chunk, where the client asked for it, gets one more: `pantheon`, with the request id and the cost.
"""

import time
from contextlib import aclosing

import msgspec
from starlette.types import Scope

from pantheon.usage.v1.ledger_pb2 import SURFACE_OPENAI_CHAT
from services.router.api import openai_errors
from services.router.api.app import Exchange, Reply
from services.router.api.bodies import body_of, check_messages, model_of, shown, stream_of
from services.router.api.frames import written
from services.router.api.headers import completed_headers, origin_headers
from services.router.api.http import providers_of, switch, tags_of
from services.router.attempts import Call
from services.router.chat import UNREADABLE_JSON, Body, ChatRequest, Frame
from services.router.engine import Engine
from services.router.streaming import Streaming
from services.router.wire.openai_chat import without_usage
from services.runtime.errors import InvalidField
from services.runtime.logging import bind_request

_encode = msgspec.json.Encoder(decimal_format="number").encode


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


_stream_options = msgspec.json.Decoder(_StreamOptions | None)


class ChatSurface:
    """POST /v1/chat/completions."""

    errors = openai_errors

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def serve(self, exchange: Exchange) -> None:
        """See `Surface`."""
        began = time.monotonic()
        principal = await exchange.principal()
        request = parse_request(exchange.scope, await exchange.body())
        call = self._engine.call(request, principal, SURFACE_OPENAI_CHAT, began)
        bind_request(call.id)
        reply = exchange.reply
        reply.headers.append((b"x-request-id", call.id.encode()))
        if request.stream:
            await self._stream(call, reply)
        else:
            completed = await self._engine.complete(call)
            reply.headers += completed_headers(completed)
            await reply.send(completed.body)

    async def _stream(self, call: Call, reply: Reply) -> None:
        async with await self._engine.open(call) as streaming, aclosing(streaming.frames()) as frames:
            reply.headers += origin_headers(call, streaming.candidate)
            await reply.begin_stream()
            async for batch in frames:
                chunk = b"".join([_with_usage(frame, streaming) if frame.usage else written(frame) for frame in batch])
                if chunk:
                    await reply.send_chunk(chunk)
        await reply.end_stream(b"data: [DONE]\n\n")


def parse_request(scope: Scope, content: bytes) -> ChatRequest:
    """The neutral request; its members stay as they came.

    Raises:
        MalformedBody: it is not a JSON object.
        InvalidField: model, messages or stream are missing or of the wrong type.
    """
    body = body_of(content)
    model = model_of(body)
    check_messages(body)
    stream, show_usage = _stream_wishes(body)
    return ChatRequest(
        model=model,
        body=body,
        size=len(content),
        stream=stream,
        show_usage=show_usage,
        tags=tags_of(scope),
        providers=providers_of(scope),
        fallback=switch(scope, b"x-pantheon-fallback", absent=True),
        apply_defaults=switch(scope, b"x-pantheon-apply-defaults", absent=False),
    )


def _stream_wishes(body: Body) -> tuple[bool, bool]:
    """Whether to stream, and whether to show the usage of the stream."""
    if not stream_of(body):
        return False, False
    try:
        options = _stream_options.decode(body.get("stream_options", b"null"))
    except UNREADABLE_JSON:
        raise InvalidField("stream_options", shown(body.get("stream_options")), "an object") from None
    return True, bool(options and options.include_usage)


def _with_usage(frame: Frame, streaming: Streaming) -> bytes:
    """A chunk with usage as an event; without it, or empty, where the client did not ask for it."""
    if streaming.call.request.show_usage:
        data = _with_receipt(frame.data, streaming)
    elif frame.usage_only:
        return b""
    else:
        data = without_usage(frame.data)
    return written(Frame(data, frame.name, frame.id))


def _with_receipt(chunk: bytes, streaming: Streaming) -> bytes:
    note = {"request_id": streaming.call.id, "model": streaming.call.plan.model, "cost": streaming.amount()}
    return chunk.rstrip()[:-1] + b',"pantheon":' + _encode(note) + b"}"
