"""The ASGI application: finds a call's method, runs its handler, tells how it went."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from typing import Any, TypeAlias

import grpc
from grpc.aio import AbortError
from starlette.types import Receive, Scope, Send

from services.runtime.grpc_asgi.call import Call, ClientGone
from services.runtime.grpc_asgi.framing import ProtocolFault, speaks_grpc
from services.runtime.logging import get_logger

Handler: TypeAlias = Any  # grpc.RpcMethodHandler: generic in the stubs, not at run time

_NOT_GRPC = {
    "type": "http.response.start",
    "status": 415,
    "headers": [(b"content-type", b"text/plain"), (b"accept-post", b"application/grpc")],
}
# Without it no trailers may be sent, and the status is one: the answer could not be told, whatever it had cost.
_NO_TRAILERS = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"application/grpc"),
        (b"grpc-status", str(grpc.StatusCode.INTERNAL.value[0]).encode()),
        (b"grpc-message", b"The header te is missing: expected trailers"),
    ],
}
_MOST_OF_A_PATH = 200


class GrpcApplication:
    """Serves methods by their paths ("/package.Service/Method"). Handlers are those of `grpc.aio` servicers."""

    def __init__(self, handlers: Mapping[str, Handler], most_bytes: int, most_seconds: float) -> None:
        """`most_bytes` is how large a request message may be, `most_seconds` how long it may come piece by piece."""
        self._serve = {path: _served_by(handler) for path, handler in handlers.items()}
        self._most_bytes = most_bytes
        self._most_seconds = most_seconds
        self._running: set[asyncio.Task[Any]] = set()
        self._closing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one call. What goes wrong is told to the client as a status; nothing is raised but a cancellation."""
        if scope["type"] != "http":
            with suppress(OSError):
                await send({"type": "websocket.close"})
            return
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a call needs a task")
        self._running.add(task)
        try:
            call = Call(scope, receive, send, self._most_bytes, self._most_seconds)
            if not speaks_grpc(scope["method"], call.headers.get(b"content-type", b"")):
                await call.refuse(_NOT_GRPC, b"This port speaks gRPC.\n")
            elif b"te" not in call.headers:
                await call.refuse(_NO_TRAILERS, b"")
            else:
                await self._answer(call, scope["path"])
        except asyncio.CancelledError as cancellation:
            # Raised on, it would be printed by the server, and with it the fault it came upon.
            if not self._closing and not isinstance(cancellation, ClientGone):
                raise
        finally:
            self._running.discard(task)

    @property
    def running(self) -> int:
        """How many calls run."""
        return len(self._running)

    async def settle(self, seconds: float) -> None:
        """Waits until no call runs, so long at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._running:
                    await asyncio.wait(set(self._running))

    def close(self) -> None:
        """Ends what still runs: with UNAVAILABLE. What goes on nevertheless takes another `close`."""
        self._closing = True
        for task in self._running:
            task.cancel()

    async def _answer(self, call: Call, path: str) -> None:
        try:
            await self._run(call, path)
        except (ClientGone, KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as failure:
            if isinstance(failure, asyncio.CancelledError) and self._closing:
                await _fail(call, grpc.StatusCode.UNAVAILABLE, "The server stops")
            elif isinstance(failure, asyncio.CancelledError) and _is_cancelled():
                raise
            else:
                # The border: what passed it would reach the event loop, or be printed by the server with its text.
                get_logger().exception("grpc.fault", path=path)
                await _fail(call, grpc.StatusCode.INTERNAL, "Internal error")

    async def _run(self, call: Call, path: str) -> None:
        try:
            serve = self._serve.get(path)
            if serve is None:
                raise ProtocolFault(grpc.StatusCode.UNIMPLEMENTED, f"There is no method {path[:_MOST_OF_A_PATH]}")
            await serve(call)
        except ProtocolFault as fault:
            await call.finish(fault.code, fault.message)
        except AbortError:
            await call.finish()


def _is_cancelled() -> bool:
    """Whether somebody cancelled this task. If not, a handler awaited what was cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _fail(call: Call, code: grpc.StatusCode, message: str) -> None:
    try:
        await call.finish(code, message)
    except ValueError:
        call.set_trailing_metadata(())
        await call.finish(code, message)


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
                try:
                    await call.write(response)
                except asyncio.CancelledError as cancellation:
                    # The handler's to hear of: it may be its own deadline, which it makes a status of.
                    await responses.athrow(cancellation)
                    raise
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
