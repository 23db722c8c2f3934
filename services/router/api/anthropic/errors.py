"""Errors as an Anthropic SDK expects them: `{"type": "error", "error": {"type", "message"}, "request_id"}`.

Format: Anthropic API reference, "Errors". A provider's own body is passed on as it came where it is of this format. Not
so when the provider refused Pantheon's own key, which is no business of the client's.
"""

from typing import Any

import msgspec
import structlog

from services.router.api.http import Headers
from services.runtime.errors import PantheonError, ProviderError

_OVERLOADED = 529
_STATUSES = {503: _OVERLOADED}
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    _OVERLOADED: "overloaded_error",
}
_encode = msgspec.json.Encoder().encode


class _Anthropic(msgspec.Struct):
    type: str
    error: dict[str, Any]


_anthropic = msgspec.json.Decoder(_Anthropic)


def status(error: PantheonError) -> int:
    """The HTTP status: 529 where others say 503."""
    return _STATUSES.get(error.http_status, error.http_status)


def body(error: PantheonError) -> bytes:
    """The JSON body; Pantheon's reason and the metadata are in `details`."""
    original = error.original.strip() if isinstance(error, ProviderError) else b""
    if isinstance(error, ProviderError) and not error.is_about_us and _is_ours(original):
        # Between JSON's tokens a line end is a space, and an event of a stream must not be torn by one.
        return original.replace(b"\n", b" ").replace(b"\r", b" ")
    detail = {
        "type": _TYPES.get(status(error), "api_error"),
        "message": error.message,
        "details": {"reason": error.reason, "metadata": error.metadata},
    }
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    return _encode({"type": "error", "error": detail, "request_id": request_id})


def event(error: PantheonError) -> bytes:
    """The error as the last event of a stream."""
    return b"event: error\ndata: " + body(error) + b"\n\n"


def _is_ours(original: bytes) -> bool:
    try:
        return _anthropic.decode(original).type == "error"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def headers(error: PantheonError) -> Headers:
    """Further headers: the reason, and when to try again."""
    found = [(b"x-pantheon-reason", error.reason.encode())]
    retry_after = error.metadata.get("retry_after_seconds")
    if retry_after:
        found.append((b"retry-after", retry_after.encode("ascii", "ignore")))
    return found
