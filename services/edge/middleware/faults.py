"""The border: a deadline for every request, and an answer to whatever nobody expected."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import get_contextvars

from services.runtime.errors import DeadlinePassed, InternalFault, PantheonError
from services.runtime.logging import get_logger

_REQUEST_SECONDS = 30.0
_DEADLINE = "pantheon.deadline"


def allow(request: Request, seconds: float) -> None:
    """Gives a request so long from now on, whatever its deadline was."""
    deadline: asyncio.Timeout = request.scope[_DEADLINE]
    deadline.reschedule(asyncio.get_running_loop().time() + seconds)


class Faults:
    """Ends a request after `seconds` from its first byte to its last, but see `allow`.

    `tell` makes the answer of an error.
    """

    def __init__(
        self, app: ASGIApp, tell: Callable[[Request, PantheonError], Response], seconds: float = _REQUEST_SECONDS
    ) -> None:
        self._app = app
        self._tell = tell
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        begun = False

        async def send_watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        deadline = asyncio.timeout(self._seconds)
        try:
            async with deadline:
                scope[_DEADLINE] = deadline
                await self._app(scope, receive, send_watched)
        except Exception:  # the border: whatever it is, the caller learns only that it is ours
            error: PantheonError = DeadlinePassed()
            if not deadline.expired():
                get_logger().exception("http.fault", method=scope["method"], path=scope["path"])
                error = InternalFault(get_contextvars().get("request_id", ""))
            if begun:
                # Half an answer can't be taken back; the server closes the connection, so that it shows.
                raise
            await self._tell(Request(scope), error)(scope, receive, send)
