"""Calls to the services in the name of whoever sent the request."""

from types import MappingProxyType
from typing import TypeVar

from grpc.aio import AioRpcError, Metadata, UnaryUnaryMultiCallable
from starlette.requests import Request

from services.runtime.conventions import bearer
from services.runtime.errors import CredentialsInvalid, InternalFault, InvalidField
from services.runtime.logging import get_logger
from services.runtime.status import error_from_rpc

RequestMessage = TypeVar("RequestMessage")
ResponseMessage = TypeVar("ResponseMessage")

_CALL_SECONDS = 10.0
# Far above any token, and well below what a gRPC server takes as metadata.
_CREDENTIAL_LENGTH = 4_096
_REPEAT_ID = "idempotency-key"
_HEADERS = MappingProxyType({"request_id": _REPEAT_ID})
"""What the services call the fields that come from headers, and the headers."""


def credentials(request: Request) -> Metadata:
    """What the request proves itself with, untouched: the services find out whose it is.

    Raises:
        CredentialsMissing: it brings nothing of the sort.
        CredentialsInvalid: what it brings can't be a credential, nor be sent on.
    """
    given = request.headers.get("authorization", "")
    bearer(given)
    if len(given) > _CREDENTIAL_LENGTH or not (given.isascii() and given.isprintable()):
        raise CredentialsInvalid
    return Metadata(("authorization", given))


def repeat_id(request: Request) -> str:
    """What tells a repeat of a creation from a second one: the Idempotency-Key header; empty where there is none."""
    return request.headers.get(_REPEAT_ID, "")


async def call(
    rpc: UnaryUnaryMultiCallable[RequestMessage, ResponseMessage],
    message: RequestMessage,
    metadata: Metadata,
    *,
    service: str,
    prefix: str = "",
    seconds: float = _CALL_SECONDS,
) -> ResponseMessage:
    """The answer of an RPC of `service`, within `seconds`.

    `prefix` is what the service's names of fields begin with and those of REST do not, as "filter.".

    Raises:
        PantheonError: what the service meant, or that it can't be reached.
    """
    try:
        return await rpc(message, timeout=seconds, metadata=metadata)
    except AioRpcError as failure:
        error = error_from_rpc(failure, service)
        if isinstance(error, InternalFault):
            get_logger().error("backend.fault", backend=service, code=failure.code().name, details=failure.details())
        if isinstance(error, InvalidField):
            error = _renamed(error, prefix)
        raise error from None


def _renamed(error: InvalidField, prefix: str) -> InvalidField:
    found = error.metadata
    field = found["field"].removeprefix(prefix)
    return InvalidField(_HEADERS.get(field, field), found["value"], found["allowed"])
