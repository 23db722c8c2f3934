"""Errors as an Anthropic SDK expects them: `{"type": "error", "error": {"type", "message"}, "request_id"}`.

Format: Anthropic API reference, "Errors". A provider's own body is passed on as it came where it is of this format. Not
so when the provider refused Pantheon's own key, which is no business of the client's.
"""

import msgspec
import structlog

from services.router.api import frames
from services.router.api.failures import headers_of, told_by_provider
from services.router.api.http import status_of
from services.runtime.errors import PantheonError

_OVERLOADED = 529
_STATUSES = {503: _OVERLOADED}
_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    _OVERLOADED: "overloaded_error",
}
_encode = msgspec.json.Encoder().encode
headers = headers_of


def status(error: PantheonError) -> int:
    """The HTTP status: 529 where others say 503."""
    found = status_of(error)
    return _STATUSES.get(found, found)


def body(error: PantheonError) -> bytes:
    """The JSON body; Pantheon's reason and the metadata are in `details`."""
    original, found = told_by_provider(error)
    if found is not None and found.type == "error" and isinstance(found.error, dict):
        return original
    details: dict[str, object] = {"reason": error.reason, "metadata": error.metadata}
    if found is not None:
        details["original"] = msgspec.Raw(original)
    detail = {"type": _type(status(error)), "message": error.message, "details": details}
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    return _encode({"type": "error", "error": detail, "request_id": request_id})


def event(error: PantheonError) -> bytes:
    """The error as the last event of a stream."""
    return frames.event("error", frames.on_one_line(body(error).strip()))


def _type(status: int) -> str:
    return _TYPES.get(status, "invalid_request_error" if 400 <= status < 500 else "api_error")
