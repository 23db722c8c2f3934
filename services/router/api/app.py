"""The HTTP port: which surface serves which path, and what all of them share. Bare ASGI, for it is the hot path."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Protocol

from starlette.types import Message, Receive, Scope, Send

from pantheon.router.v1 import router_service_pb2
from services.router.api.http import Departure, Headers, answer, header, read_body
from services.runtime.auth import Authenticator, Principal, access_rule, authorize, set_principal
from services.runtime.conventions import bearer
from services.runtime.deadline import Deadline
from services.runtime.errors import CallerGone, CredentialsMissing, InternalFault, NoSuchMethod, PantheonError
from services.runtime.logging import get_logger

_RULE = access_rule(router_service_pb2.DESCRIPTOR.services_by_name["RouterService"].methods_by_name["Complete"])
_EVENT_STREAM: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]
_STALLED_SECONDS = 60.0


class ErrorShape(Protocol):
    """How a surface's SDKs expect errors."""

    def status(self, error: PantheonError) -> int:
        """The HTTP status."""

    def body(self, error: PantheonError) -> bytes:
        """The JSON body."""

    def headers(self, error: PantheonError) -> Headers:
        """Further headers."""

    def event(self, error: PantheonError) -> bytes:
        """The error as the last event of a stream, blank line included."""


class Surface(Protocol):
    """Serves the requests of one or more paths."""

    @property
    def errors(self) -> ErrorShape:
        """How to tell what went wrong."""

    async def serve(self, exchange: "Exchange") -> None:
        """Answers. What it raises is answered in the shape of `errors`."""


class Reply:
    """One HTTP answer on its way: whole or streamed, success or error, begun once. `errors` is how it tells them."""

    def __init__(self, send: Send, errors: ErrorShape) -> None:
        self.headers: Headers = []
        self._send = send
        self.errors = errors
        self._begun = False
        self._loop = asyncio.get_running_loop()

    async def send(self, body: bytes) -> None:
        """A whole answer with status 200."""
        self._begun = True
        await answer(self._send, 200, body, self.headers)

    async def begin_stream(self) -> None:
        """The head of an event stream."""
        self._begun = True
        await self._send({"type": "http.response.start", "status": 200, "headers": [*_EVENT_STREAM, *self.headers]})

    async def send_chunk(self, chunk: bytes) -> None:
        """Some events.

        Raises:
            CallerGone: the client has read nothing for a minute: it is as good as gone, and would keep an attempt open.
        """
        await self._write({"type": "http.response.body", "body": chunk, "more_body": True})

    async def end_stream(self, last: bytes = b"") -> None:
        """The last event, where there is one, and the end. Raises as `send_chunk` does."""
        await self._write({"type": "http.response.body", "body": last})

    async def _write(self, message: Message) -> None:
        try:
            with Deadline(self._loop, self._loop.time() + _STALLED_SECONDS):
                await self._send(message)
        except TimeoutError:
            raise CallerGone from None

    async def fail(self, error: PantheonError) -> None:
        """The error, as an answer or, in mid-stream, as the last event."""
        if self._begun:
            with contextlib.suppress(CallerGone):
                await self.end_stream(self.errors.event(error))
            return
        headers = [*self.headers, *self.errors.headers(error)]
        await answer(self._send, self.errors.status(error), self.errors.body(error), headers)


class Gate(Protocol):
    """Who may be served at once; `services.router.api.admission.Admission` is one."""

    def enter(self) -> None:
        """Takes a place. Raises ServiceUnavailable where there is none."""

    def leave(self) -> None:
        """Gives the place back."""


class Exchange:
    """One HTTP request and its answer.

    Attributes:
        admitted: whether it has taken a place of the gate's: when it is known who asks, if there is a gate.
    """

    __slots__ = ("_authenticator", "_departure", "_gate", "_receive", "admitted", "path", "reply", "scope")

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        reply: Reply,
        authenticator: Authenticator,
        departure: Departure,
        gate: Gate | None,
    ) -> None:
        self.scope = scope
        self.path: str = scope["path"]
        self.reply = reply
        self.admitted = False
        self._gate = gate
        self._receive = receive
        self._authenticator = authenticator
        self._departure = departure

    def header(self, name: bytes) -> str:
        """A request header's value; empty where it is missing. `name` is in lower case."""
        return header(self.scope, name)

    async def principal(self) -> Principal:
        """Who asks, by `Authorization: Bearer` or, as Anthropic's SDKs do it, `x-api-key`.

        Raises:
            Unauthenticated, AccessDenied: nobody who may.
            ServiceUnavailable: there is no place for it.
        """
        authorization = self.header(b"authorization")
        credential = bearer(authorization) if authorization else self.header(b"x-api-key").strip()
        if not credential:
            raise CredentialsMissing
        principal = await self._authenticator.authenticate(credential)
        authorize(self.path, _RULE, principal, None)
        set_principal(principal)
        if self._gate is not None:
            self._gate.enter()
            self.admitted = True
        return principal

    async def body(self) -> bytes:
        """The whole request body; from then on a client that goes away cancels the request. Raises as `read_body`."""
        content = await read_body(self.scope, self._receive)
        self._departure.watch()
        return content


class HttpApi:
    """The ASGI application. `exact` and `below` (a path with anything after it) are by method and path.

    What is posted takes a place of the `gate`. `fallback` says how to tell that there is no such path.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        gate: Gate,
        exact: Mapping[tuple[str, str], Surface],
        below: Mapping[tuple[str, str], Surface],
        fallback: ErrorShape,
    ) -> None:
        self._authenticator = authenticator
        self._gate = gate
        self._exact = exact
        self._below = below
        self._fallback = fallback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        surface = self._find(scope["method"], scope["path"])
        reply = Reply(send, surface.errors if surface is not None else self._fallback)
        try:
            if surface is None:
                raise NoSuchMethod(f"{scope['method']} {scope['path']}")
            gate = self._gate if scope["method"] == "POST" else None
            with Departure(receive) as departure:
                exchange = Exchange(scope, receive, reply, self._authenticator, departure, gate)
                try:
                    await surface.serve(exchange)
                finally:
                    if exchange.admitted:
                        self._gate.leave()
        except CallerGone:
            return
        except PantheonError as error:
            await reply.fail(error)
        except Exception:  # noqa: BLE001 - the border: whatever it is, the client learns only that it is ours
            get_logger().exception("http.fault", path=scope["path"])
            await reply.fail(InternalFault())

    def _find(self, method: str, path: str) -> Surface | None:
        surface = self._exact.get((method, path))
        if surface is not None:
            return surface
        return next(
            (found for (of, start), found in self._below.items() if of == method and path.startswith(start)), None
        )
