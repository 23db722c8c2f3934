"""Errors as gRPC statuses: one code and exactly one `google.rpc.ErrorInfo`, in both directions."""

from google.protobuf.any_pb2 import Any
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc import StatusCode
from grpc.aio import AioRpcError

from services.runtime.errors import (
    CallerGone,
    DeadlinePassed,
    DependencyUnavailable,
    InternalFault,
    PantheonError,
    ProviderError,
    by_reason,
)

DOMAIN = "pantheon"
DETAILS_KEY = "grpc-status-details-bin"
_MOST_ORIGINAL = 2_000


def status_details(error: PantheonError) -> bytes:
    """The serialised `google.rpc.Status` of an error, for the trailing metadata.

    A provider's own error body is in the metadata as `original`, 2,000 bytes at most: trailers have a limit.
    """
    info = ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    if isinstance(error, ProviderError) and error.original and not error.is_about_us:
        info.metadata["original"] = error.original[:_MOST_ORIGINAL].decode("utf-8", "replace")
    packed = Any()
    packed.Pack(info)
    code: int = error.code.value[0]
    return Status(code=code, message=error.message, details=[packed]).SerializeToString()


def error_from_rpc(failure: AioRpcError, dependency: str = "service") -> PantheonError:
    """The error a called service meant: the same class with the same metadata.

    A failure without an ErrorInfo of ours (no connection, a proxy's answer) becomes the nearest error there is;
    `dependency` names the callee in it.
    """
    for key, value in failure.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            error = _from_details(value)
            if error is not None:
                return error
    if failure.code() is StatusCode.DEADLINE_EXCEEDED:
        return DeadlinePassed()
    if failure.code() is StatusCode.CANCELLED:
        return CallerGone()
    if failure.code() is StatusCode.UNAVAILABLE:
        return DependencyUnavailable(dependency)
    return InternalFault()


def _from_details(serialised: bytes) -> PantheonError | None:
    status = Status.FromString(serialised)
    for detail in status.details:
        info = ErrorInfo()
        if detail.Unpack(info) and info.domain == DOMAIN:
            kind = by_reason().get(info.reason)
            if kind is not None:
                # Leaves build their messages from their own arguments; a received one is taken as it came.
                error = kind.__new__(kind)
                PantheonError.__init__(error, status.message, **dict(info.metadata))
                return error
    return None
