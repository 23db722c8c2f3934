"""The ASGI application: finds a call's method, runs its handler, tells how it went."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, TypeAlias

import grpc
from grpc.aio import AbortError
from starlette.types import Receive, Scope, Send

from services.runtime.grpc_asgi.call import Call
from services.runtime.grpc_asgi.framing import ProtocolFault
from services.runtime.logging import get_logger

Handler: TypeAlias = Any  # grpc.RpcMethodHandler: generic in the stubs, not at run time

_NOT_GRPC = {
    "type": "http.response.start",
    "status": 415,
    "headers": [(b"content-type", b"text/plain"), (b"accept-post", b"application/grpc")],
}


class GrpcApplication:
    """Serves methods by their paths ("/package.Service/Method"). Handlers are those of `grpc.aio` servicers."""

    def __init__(self, handlers: Mapping[str, Handler], most_bytes: int) -> None:
        """`most_bytes` is how large a request message may be."""
        self._serve = {path: _served_by(handler) for path, handler in handlers.items()}
        self._most_bytes = most_bytes
        self._running: set[asyncio.Task[Any] | None] = set()
        self._closing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one call. What goes wrong is told to the client as a status; nothing is raised but a cancellation."""
        call = Call(scope, receive, send, self._most_bytes)
        if not call.headers.get(b"content-type", b"").startswith(b"application/grpc"):
            await send(_NOT_GRPC)
            await send({"type": "http.response.body", "body": b"This port speaks gRPC.\n"})
            return
        task = asyncio.current_task()
        self._running.add(task)
        try:
            await self._answer(call, scope["path"])
        finally:
            self._running.discard(task)

    def close(self) -> None:
        """Ends what still runs: with UNAVAILABLE."""
        self._closing = True
        for task in self._running:
            if task is not None:
                task.cancel()

    async def _answer(self, call: Call, path: str) -> None:
        try:
            serve = self._serve.get(path)
            if serve is None:
                raise ProtocolFault(grpc.StatusCode.UNIMPLEMENTED, f"There is no method {path}")
            await serve(call)
        except AbortError:
            await call.finish()
        except ProtocolFault as fault:
            await call.finish(fault.code, str(fault))
        except asyncio.CancelledError:
            if not self._closing:
                raise
            await call.finish(grpc.StatusCode.UNAVAILABLE, "The server stops")
        except Exception:  # noqa: BLE001 - the border: a handler without a guard failed, as health or reflection
            get_logger().exception("grpc.fault", path=path)
            await call.finish(grpc.StatusCode.INTERNAL, "Internal error")


def _served_by(handler: Handler) -> Callable[[Call], Awaitable[None]]:
    deserialize, serialize = handler.request_deserializer, handler.response_serializer

    async def one_for_one(call: Call) -> None:
        call.prepare(serialize)
        request = _parsed(await call.read(), deserialize)
        await call.succeed(await handler.unary_unary(request, call))

    async def many_for_one(call: Call) -> None:
        call.prepare(serialize)
        request = _parsed(await call.read(), deserialize)
        await _stream(call, handler.unary_stream(request, call))

    async def many_for_many(call: Call) -> None:
        call.prepare(serialize)
        await _stream(call, handler.stream_stream(_requests(call, deserialize), call))

    if handler.unary_unary:
        return one_for_one
    if handler.unary_stream:
        return many_for_one
    if handler.stream_stream:
        return many_for_many
    raise TypeError("A stream of requests with one response is not served")


async def _stream(call: Call, responses: Any) -> None:
    """Sends what a handler yields; one that is no generator writes for itself."""
    if hasattr(responses, "__aiter__"):
        # Closed here and now: what a servicer cleans up must not wait for the garbage collector.
        async with aclosing(responses):
            async for response in responses:
                await call.write(response)
    else:
        await responses
    await call.finish()


async def _requests(call: Call, deserialize: Callable[[bytes], Any]) -> AsyncIterator[Any]:
    while (message := await call.read()) is not None:
        yield _parsed(message, deserialize)


def _parsed(message: bytes | None, deserialize: Callable[[bytes], Any]) -> Any:
    if message is None:
        raise ProtocolFault(grpc.StatusCode.INTERNAL, "The request has no message")
    try:
        return deserialize(message)
    except Exception as error:  # noqa: BLE001 - generated code raises what its runtime does
        raise ProtocolFault(grpc.StatusCode.INTERNAL, f"The request can't be parsed: {error}") from None
