"""What the HTTP surfaces share: bodies with a limit, answers, and noticing that a client has gone. Bare ASGI."""

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl

from starlette.types import Message, Receive, Scope, Send

from services.router.chat import check_tags
from services.runtime.deadline import Deadline
from services.runtime.errors import (
    BodyTooLarge,
    CallerGone,
    InvalidField,
    MalformedBody,
    PantheonError,
    ProviderInvalidRequest,
)

Headers = list[tuple[bytes, bytes]]

MAX_BODY_BYTES = 32 * 1024 * 1024
_NOTICE_SECONDS = 0.25
_BODY_SECONDS = 300.0
_JSON = (b"content-type", b"application/json")


def header(scope: Scope, name: bytes) -> str:
    """A header's value; empty where it is missing. `name` is in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return ""


async def read_body(scope: Scope, receive: Receive, seconds: float = _BODY_SECONDS) -> bytes:
    """The whole request body.

    Raises:
        BodyTooLarge: it exceeds 32 MiB; a body that announces so is not read at all.
        MalformedBody: it had not come whole after so many seconds.
        CallerGone: the client went away before it had sent everything.
    """
    announced = header(scope, b"content-length")
    if announced.isdecimal() and int(announced) > MAX_BODY_BYTES:
        raise BodyTooLarge(announced, MAX_BODY_BYTES)
    try:
        loop = asyncio.get_running_loop()
        with Deadline(loop, loop.time() + seconds):
            return await _read(receive)
    except TimeoutError:
        raise MalformedBody(f"it had not come whole after {seconds:g} seconds") from None


async def _read(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        if message["type"] == "http.disconnect":
            raise CallerGone
        return body
    parts = [body]
    size = len(body)
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerGone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY_BYTES:
            raise BodyTooLarge(f"more than {MAX_BODY_BYTES}", MAX_BODY_BYTES)
    return b"".join(parts)


def tags_of(scope: Scope) -> dict[str, str]:
    """The tags in `x-pantheon-tags`, form-encoded: `team=search&env=prod`.

    Raises:
        InvalidField: they are malformed, too many or too long.
    """
    text = header(scope, b"x-pantheon-tags")
    if not text:
        return {}
    try:
        tags = dict(parse_qsl(text, keep_blank_values=True, strict_parsing=True, max_num_fields=64))
    except ValueError:
        raise InvalidField("x-pantheon-tags", text, "form-encoded tags, as team=search&env=prod") from None
    check_tags(tags)
    return tags


def providers_of(scope: Scope) -> tuple[str, ...]:
    """The providers to use, in `x-pantheon-providers`, in their order; none named: those of the catalog."""
    named = header(scope, b"x-pantheon-providers")
    return tuple(name.strip() for name in named.split(",")) if named else ()


def switch(scope: Scope, name: bytes, *, absent: bool) -> bool:
    """A header that is `true` or `false`, or (`absent`) missing. Raises InvalidField where it is neither."""
    value = header(scope, name)
    if value not in ("", "true", "false"):
        raise InvalidField(name.decode(), value, "true or false")
    return value == "true" if value else absent


def status_of(error: PantheonError) -> int:
    """The HTTP status of an error: a provider's own where it refused a request for a reason that no class names."""
    if type(error) is not ProviderInvalidRequest:
        return error.http_status
    own = error.metadata.get("status", "")
    return int(own) if own.isdecimal() and 400 <= int(own) < 500 else error.http_status


async def answer(send: Send, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """Sends a whole JSON answer."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [_JSON, length, *headers]})
    await send({"type": "http.response.body", "body": body})


class Departure:
    """Cancels the request's task when its client goes away; `left` says so afterwards."""

    def __init__(self, receive: Receive) -> None:
        self.left = False
        self._receive = receive
        self._timer: asyncio.TimerHandle | None = None
        self._watching: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        self._request = asyncio.current_task()
        return self

    def watch(self) -> None:
        """Begins to watch, once the body is read: what comes before belongs to the body's reader.

        It does so after a quarter of a second, so that the many quick requests need not pay for it.
        """
        self._timer = asyncio.get_running_loop().call_later(_NOTICE_SECONDS, self._begin)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if self._timer is not None:
            self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
        if self.left and kind is asyncio.CancelledError and self._request is not None:
            # Nobody is left to answer, and nobody else asked for this cancellation.
            return self._request.uncancel() == 0
        return False

    def _begin(self) -> None:
        self._watching = asyncio.get_running_loop().create_task(self._wait(), name="http.departure")

    async def _wait(self) -> None:
        message: Message = await self._receive()
        while message["type"] != "http.disconnect":
            message = await self._receive()
        self.left = True
        if self._request is not None:
            self._request.cancel()
