"""The ASGI endpoints behind the routes of the simulated providers: each request becomes an exchange."""

import asyncio
from collections.abc import Callable
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from services.runtime.logging import get_logger
from services.sandbox.completion import CompletionExchange
from services.sandbox.connection import Connection, of_request
from services.sandbox.exchange import (
    LARGEST_BODY,
    LONGEST_EXCHANGE_S,
    Exchange,
    Laboratory,
    OperationExchange,
    ReadingExchange,
)
from services.sandbox.provider import Call, Dialect, Operation


class LaboratoryDoors:
    """Makes endpoints of one laboratory."""

    def __init__(self, laboratory: Laboratory) -> None:
        self._laboratory = laboratory

    def completions(self, dialect: Dialect) -> ASGIApp:
        """For what makes completions."""
        laboratory = self._laboratory
        return _Door(
            dialect.name, lambda connection, send, call: CompletionExchange(dialect, laboratory, connection, send, call)
        )

    def operation(self, dialect: Dialect, operation: Operation) -> ASGIApp:
        """For what is answered at once; errors are written in `dialect`."""
        laboratory = self._laboratory
        return _Door(
            dialect.name,
            lambda connection, send, call: OperationExchange(dialect, laboratory, connection, send, call, operation),
        )

    def reading(self, dialect: Dialect, operation: Operation, *, public: bool = False) -> ASGIApp:
        """For what is only read, as the catalogue is; with `public` nobody is asked for a key."""
        laboratory = self._laboratory
        return _Door(
            dialect.name,
            lambda connection, send, call: ReadingExchange(
                dialect, laboratory, connection, send, call, operation, public=public
            ),
        )


class _Door:
    """One endpoint."""

    def __init__(self, name: str, begin: Callable[[Connection, Send, Call], Exchange]) -> None:
        self._name = name
        self._begin = begin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request, within 15 minutes."""
        connection = of_request(scope)
        try:
            async with asyncio.timeout(LONGEST_EXCHANGE_S):
                body = await _read(receive)
                if body is None:
                    return
                await self._begin(connection, send, _call(scope, body)).serve()
        except TimeoutError:
            get_logger().warning("sandbox.exchange_timed_out", provider=self._name)
            await connection.reset()


def _call(scope: Scope, body: bytes) -> Call:
    return Call(
        body=body,
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        path=scope.get("path_params", {}),
        query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
    )


async def _read(receive: Receive) -> bytes | None:
    """The request's body, no more than a little over the largest allowed; None when the client left amid it."""
    parts: list[bytes] = []
    size = 0
    while size <= LARGEST_BODY:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part: bytes = message["body"]
        if not message["more_body"]:
            return b"".join((*parts, part)) if parts else part
        parts.append(part)
        size += len(part)
    return b"".join(parts)
