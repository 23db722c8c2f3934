"""JSON answers. An error is `{"error": {"code": <reason>, "message", "details": {...}}}`."""

import msgspec
from starlette.responses import Response

from services.edge.errors import error_headers
from services.runtime.errors import PantheonError

_encode = msgspec.json.Encoder().encode


class ErrorDetail(msgspec.Struct, frozen=True):
    """`code` is the name of an ErrorReason without its prefix, `details` the metadata of its ErrorInfo."""

    code: str
    message: str
    details: dict[str, str]


class ErrorBody(msgspec.Struct, frozen=True):
    """The body of every answer that is not a success."""

    error: ErrorDetail


def answer(value: msgspec.Struct, status: int = 200) -> Response:
    """A success."""
    return Response(_encode(value), status, media_type="application/json")


def created(value: msgspec.Struct, location: str) -> Response:
    """Something new, and the path it is at."""
    return Response(_encode(value), 201, {"location": location}, "application/json")


def nothing() -> Response:
    """The success of a deletion."""
    return Response(status_code=204)


def error_answer(error: PantheonError) -> Response:
    """An error, with the headers that HTTP wants beside its status."""
    body = ErrorBody(ErrorDetail(error.reason, error.message, error.metadata))
    return Response(_encode(body), error.http_status, error_headers(error), "application/json")
