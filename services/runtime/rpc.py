"""What stands around every RPC served: request id, deadline, access, errors as statuses, metrics.

Each method's handler is wrapped once, when the server starts.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, NoReturn, TypeAlias

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from grpc.aio import AbortError
from structlog.contextvars import get_contextvars

from pantheon.auth.v1 import access_pb2
from services.runtime.auth import Authenticator, access_rule, authorize, set_principal
from services.runtime.conventions import REQUEST_ID_KEY, SERVICE_KEY, bearer
from services.runtime.deadline import Deadline
from services.runtime.errors import DeadlinePassed, InternalFault, PantheonError
from services.runtime.grpc_asgi.application import Handler
from services.runtime.grpc_asgi.call import Call
from services.runtime.identity import ServiceTrust
from services.runtime.ids import uuid7
from services.runtime.logging import bind_request, get_logger
from services.runtime.status import DETAILS_KEY, status_details
from services.runtime.telemetry import RPC_SECONDS

RpcContext: TypeAlias = grpc.aio.ServicerContext[Any, Any]

_REQUEST_ID, _SERVICE = REQUEST_ID_KEY.encode(), SERVICE_KEY.encode()
_REQUEST_ID_LENGTH = 64
# Served by grpcio's own servicers, to anyone: they tell nothing about users.
_OPEN_SERVICES = ("/grpc.health.v1.Health/", "/grpc.reflection.v1alpha.ServerReflection/")


class Gate:
    """Guards all methods of a server. A method without an access rule is refused to everybody."""

    def __init__(self, authenticator: Authenticator, trust: ServiceTrust, default_seconds: float) -> None:
        self._authenticator = authenticator
        self._trust = trust
        self._default_seconds = default_seconds

    def guard(self, method: str, handler: Handler) -> Handler:
        """The handler of a method ("/package.Service/Method"), guarded; an open service's as it is."""
        if method.startswith(_OPEN_SERVICES):
            return handler
        guarded = _Method(self, method)
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(
                guarded.unary(handler.unary_unary), handler.request_deserializer, handler.response_serializer
            )
        if handler.unary_stream:
            return grpc.unary_stream_rpc_method_handler(
                guarded.stream(handler.unary_stream), handler.request_deserializer, handler.response_serializer
            )
        raise TypeError(f"{method}: client streams are not served")

    async def admit(self, method: "_Method", context: Call) -> None:
        """Verifies who calls and lets them through, or raises."""
        headers = context.headers
        bind_request(_readable(headers.get(_REQUEST_ID, b"")) or str(uuid7()))
        principal = service = None
        # Where nobody needs credentials nobody's are looked at: a refresh may well bring the expired token along.
        if method.rule.audience != access_pb2.AUDIENCE_PUBLIC:
            if b"authorization" in headers:
                principal = await self._authenticator.authenticate(bearer(headers[b"authorization"].decode("latin-1")))
            if _SERVICE in headers:
                service = self._trust.verify(headers[_SERVICE].decode("latin-1"))
        authorize(method.name, method.rule, principal, service)
        if principal is not None:
            set_principal(principal)

    def seconds_left(self, context: Call) -> float:
        """Until the caller's deadline, or the default where the caller set none."""
        remaining = context.time_remaining()
        return self._default_seconds if remaining is None else remaining


class _Method:
    """One method: its rule, looked up once, and what every call of it goes through."""

    def __init__(self, gate: Gate, name: str) -> None:
        self.name = name
        self.rule = access_rule(_descriptor(name))
        self._gate = gate
        self._loop = asyncio.get_running_loop()
        self._ok = RPC_SECONDS.labels(name, grpc.StatusCode.OK.name)

    def unary(self, inner: Any) -> Any:
        """The handler of a unary RPC, guarded."""

        async def serve(request: Any, context: Call) -> Any:
            began, deadline = time.perf_counter(), self._deadline(context)
            try:
                with deadline:
                    await self._gate.admit(self, context)
                    response = await inner(request, context)
            except Exception as failure:  # noqa: BLE001 - the border
                await self._fail(context, failure, began, expired=deadline.expired)
            self._ok.observe(time.perf_counter() - began)
            return response

        return serve

    def stream(self, inner: Any) -> Any:
        """The handler of a server-streaming RPC, guarded."""

        async def serve(request: Any, context: Call) -> AsyncIterator[Any]:
            began, deadline = time.perf_counter(), self._deadline(context)
            try:
                with deadline:
                    await self._gate.admit(self, context)
                    # Closed here and now: what a servicer cleans up must not wait for the garbage collector.
                    async with aclosing(inner(request, context)) as responses:
                        async for response in responses:
                            yield response
            except Exception as failure:  # noqa: BLE001 - the border
                await self._fail(context, failure, began, expired=deadline.expired)
            self._ok.observe(time.perf_counter() - began)

        return serve

    def _deadline(self, context: Call) -> Deadline:
        return Deadline(self._loop, self._loop.time() + self._gate.seconds_left(context))

    async def _fail(self, context: Call, failure: Exception, began: float, *, expired: bool) -> NoReturn:
        """Ends the call with the status of what went wrong; whatever was not foreseen is told only to be ours."""
        if isinstance(failure, AbortError):
            raise failure
        if isinstance(failure, PantheonError):
            await self._abort(context, failure, began)
        if expired:
            await self._abort(context, DeadlinePassed(), began)
        get_logger().error("rpc.fault", method=self.name, exc_info=failure)
        await self._abort(context, InternalFault(get_contextvars().get("request_id", "")), began)

    async def _abort(self, context: Call, error: PantheonError, began: float) -> NoReturn:
        RPC_SECONDS.labels(self.name, error.code.name).observe(time.perf_counter() - began)
        trailing = (*context.trailing_metadata(), (DETAILS_KEY, status_details(error)))
        await context.abort(error.code, error.message, trailing)


def _readable(request_id: bytes) -> str:
    """The id as far as it is kept; empty where the calls made on the request's behalf could not bear it."""
    text = request_id[:_REQUEST_ID_LENGTH].strip().decode("latin-1")
    return text if text.isascii() and text.isprintable() else ""


def _descriptor(method: str) -> MethodDescriptor:
    _, service, name = method.split("/")
    return descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]
