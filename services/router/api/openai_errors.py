"""Errors as an OpenAI SDK expects them: `{"error": {"message", "type", "param", "code"}}`.

Format: OpenAI API reference, "Error codes".
A provider's own body is passed on as it came: it is of the same format. Not so when the provider refused Pantheon's
own key, which is no business of the client's.
"""

import msgspec

from services.router.api.http import Headers
from services.runtime.errors import PantheonError, ProviderError

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    413: "invalid_request_error",
    429: "rate_limit_error",
}
_encode = msgspec.json.Encoder().encode


def status(error: PantheonError) -> int:
    """The HTTP status."""
    return error.http_status


def body(error: PantheonError) -> bytes:
    """The JSON body."""
    original = error.original.strip() if isinstance(error, ProviderError) else b""
    if isinstance(error, ProviderError) and not error.is_about_us and _is_object(original):
        # Between JSON's tokens a line end is a space, and an event of a stream must not be torn by one.
        return original.replace(b"\n", b" ").replace(b"\r", b" ")
    detail = {
        "message": error.message,
        "type": _TYPES.get(error.http_status, "server_error"),
        "param": error.metadata.get("field"),
        "code": error.reason,
        "metadata": error.metadata,
    }
    return _encode({"error": detail})


def event(error: PantheonError) -> bytes:
    """The error as the last event of a stream."""
    return b"data: " + body(error) + b"\n\n"


def _is_object(body: bytes) -> bool:
    try:
        msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def headers(error: PantheonError) -> Headers:
    """Further headers: the reason, and when to try again."""
    found = [(b"x-pantheon-reason", error.reason.encode())]
    retry_after = error.metadata.get("retry_after_seconds")
    if retry_after:
        found.append((b"retry-after", retry_after.encode("ascii", "ignore")))
    return found
