"""Calls to a service in the name of an API key's owner."""

import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self, TypeVar

import grpc

from services.cli.running import CommandFailed
from services.runtime.client import connect
from services.runtime.errors import DependencyUnavailable, InvalidField, PantheonError
from services.runtime.status import error_from_rpc

Response = TypeVar("Response")

_CALL_SECONDS = 30.0
_STREAM_SECONDS = 1_800.0
# The largest that services give.
_PAGE = 1_000

Names = Mapping[str, str]
"""What people call the fields of a request: by a field's name, or by its beginning up to a dot ("settings.")."""

_AS_THEY_ARE: Names = MappingProxyType({})


class CallFailed(CommandFailed):
    """A service said no; `error` is what it meant."""

    def __init__(self, message: str, error: PantheonError) -> None:
        super().__init__(message)
        self.error = error


class Caller:
    """One service, called while this is entered; `service` is what to call it in messages.

    Without an API key, that of the stack in this directory is used. Entering raises CommandFailed when there is none.
    """

    channel: grpc.aio.Channel

    def __init__(self, service: str, address: str, api_key: str = "") -> None:
        self._service = service
        self._address = address
        self._api_key = api_key

    async def call(
        self,
        method: Callable[..., Awaitable[Response]],
        request: Any,
        timeout: float = _CALL_SECONDS,
        names: Names = _AS_THEY_ARE,
    ) -> Response:
        """The answer to one request. Raises CallFailed."""
        try:
            return await method(request, metadata=self._metadata(), timeout=timeout)
        except grpc.aio.AioRpcError as failure:
            raise self._failed(failure, names) from None

    async def pages(
        self, method: Callable[..., Awaitable[Response]], request: Any, names: Names = _AS_THEY_ARE
    ) -> AsyncIterator[Response]:
        """The answers to a request for a list, page by page, as large as they come. Raises CallFailed."""
        request.page_size = _PAGE
        while True:
            answer: Any = await self.call(method, request, names=names)
            yield answer
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token

    async def stream(
        self, method: Callable[..., Any], request: Any, timeout: float = _STREAM_SECONDS
    ) -> AsyncIterator[Any]:
        """The pieces of a streamed answer, as they come. Raises CommandFailed."""
        call = method(request, metadata=self._metadata(), timeout=timeout)
        try:
            async for piece in call:
                yield piece
        except grpc.aio.AioRpcError as failure:
            raise self._failed(failure) from None
        finally:
            call.cancel()

    async def __aenter__(self) -> Self:
        self._api_key = self._api_key or kept_key()
        self.channel = connect(self._address)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.channel.close()

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self._api_key}"),)

    def _failed(self, failure: grpc.aio.AioRpcError, names: Names = _AS_THEY_ARE) -> CallFailed:
        error = error_from_rpc(failure, f"{self._service} at {self._address}")
        if isinstance(error, InvalidField):
            found = error.metadata
            error = InvalidField(called(found["field"], names), found["value"], found["allowed"])
        hint = "; is `pantheon up` running?" if isinstance(error, DependencyUnavailable) else ""
        return CallFailed(f"{error.message}{hint}", error)


def called(field: str, names: Names) -> str:
    """What people call a field."""
    if field in names:
        return names[field]
    beginnings = [name for name in names if name.endswith(".") and field.startswith(name)]
    longest = max(beginnings, key=len, default="")
    return names.get(longest, "") + field.removeprefix(longest)


def kept_key() -> str:
    """The API key of the stack in this directory. Raises CommandFailed when there is none."""
    path = Path(os.environ.get("PANTHEON_STATE_DIR", ".pantheon")) / "credentials.json"
    try:
        return str(json.loads(path.read_text())["api_key"])
    except FileNotFoundError:
        raise CommandFailed(f"no API key: use --api-key or PANTHEON_API_KEY; there is no {path} either") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandFailed(f"no API key: {path} cannot be read: {error}") from None
