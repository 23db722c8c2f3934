"""Channels to other services: every call carries a deadline, the request id and this process's signed identity."""

from collections.abc import Callable
from typing import Any, Protocol

import grpc
import structlog
from grpc.aio import ClientCallDetails, Metadata, UnaryStreamClientInterceptor, UnaryUnaryClientInterceptor

from services.runtime.conventions import MAX_MESSAGE_BYTES, REQUEST_ID_KEY, SERVICE_KEY

_DEADLINE_SECONDS = 10.0


class Signer(Protocol):
    """What a process signs its calls with: a ServiceIdentity, which the edge and the command have none of."""

    def token(self, audience: str) -> str:
        """A token for the service of this name."""


def connect(target: str, identity: Signer | None = None, audience: str = "") -> grpc.aio.Channel:
    """A channel to "host:port" that connects on use and again after failures. Who made it closes it.

    Calls are signed by `identity` for the service named `audience`, which is who should be at that address.
    """
    interceptors: list[Any] = [_Unary(identity, audience), _Stream(identity, audience)]
    return grpc.aio.insecure_channel(
        target,
        interceptors=interceptors,
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 500),
            ("grpc.keepalive_time_ms", 20_000),
        ],
    )


class _Signed:
    def __init__(self, identity: Signer | None, audience: str) -> None:
        self._identity = identity
        self._audience = audience

    def _sign(self, details: ClientCallDetails) -> ClientCallDetails:
        metadata = Metadata(*(details.metadata or ()))
        if self._identity is not None:
            metadata.add(SERVICE_KEY, self._identity.token(self._audience))
        request_id = structlog.contextvars.get_contextvars().get("request_id")
        if request_id:
            metadata.add(REQUEST_ID_KEY, request_id)
        timeout = _DEADLINE_SECONDS if details.timeout is None else details.timeout
        return ClientCallDetails(details.method, timeout, metadata, details.credentials, details.wait_for_ready)


class _Unary(_Signed, UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(
        self, continuation: Callable[..., Any], details: ClientCallDetails, request: Any
    ) -> Any:
        """Adds to the call; see the module."""
        return await continuation(self._sign(details), request)


class _Stream(_Signed, UnaryStreamClientInterceptor):
    async def intercept_unary_stream(
        self, continuation: Callable[..., Any], details: ClientCallDetails, request: Any
    ) -> Any:
        """Adds to the call; see the module."""
        return await continuation(self._sign(details), request)
