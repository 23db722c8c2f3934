"""The request id, one line of the log and one measurement for each request."""

import re
import time

from prometheus_client import Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.runtime.ids import uuid7
from services.runtime.logging import bind_request, get_logger

REQUEST_SECONDS = Histogram(
    "pantheon_edge_request_seconds",
    "Time to serve an HTTP request, by method, what served it, and status.",
    ["method", "endpoint", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)

_HEADER = "x-request-id"
_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestContext:
    """Takes the caller's `x-request-id` where it is well-formed, else makes one (UUIDv7).

    It is on the answer, on every line logged meanwhile and in the metadata of every RPC made meanwhile.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        began = time.perf_counter()
        given = Headers(scope=scope).get(_HEADER, "")
        request_id = given if _WELL_FORMED.fullmatch(given) else str(uuid7())
        bind_request(request_id)
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[_HEADER] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - began
            REQUEST_SECONDS.labels(scope["method"], _endpoint(scope), status).observe(seconds)
            get_logger().info(
                "http.request", method=scope["method"], path=scope["path"], status=status, seconds=round(seconds, 6)
            )


def _endpoint(scope: Scope) -> str:
    """A name out of a fixed set, unlike the path."""
    endpoint = scope.get("endpoint")
    return "none" if endpoint is None else str(getattr(endpoint, "__qualname__", type(endpoint).__name__))
