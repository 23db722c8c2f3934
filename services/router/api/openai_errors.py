"""Errors as an OpenAI SDK expects them: `{"error": {"message", "type", "param", "code"}}`.

Format: OpenAI API reference, "Error codes".
A provider's own body is passed on as it came where it is of this format; of another, it is in `original`. Neither when
the provider refused Pantheon's own key, which is no business of the client's.
"""

import msgspec

from services.router.api import frames
from services.router.api.failures import Told, headers_of, told_by_provider
from services.router.api.http import status_of
from services.runtime.errors import PantheonError

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}
_encode = msgspec.json.Encoder().encode
headers = headers_of


def status(error: PantheonError) -> int:
    """The HTTP status."""
    return status_of(error)


def body(error: PantheonError) -> bytes:
    """The JSON body."""
    original, found = told_by_provider(error)
    if found is not None and not _is_foreign(found):
        return original
    detail: dict[str, object] = {
        "message": error.message,
        "type": _type(status_of(error)),
        "param": error.metadata.get("field"),
        "code": error.reason,
        "metadata": error.metadata,
    }
    if found is not None:
        detail["original"] = msgspec.Raw(original)
    return _encode({"error": detail})


def event(error: PantheonError) -> bytes:
    """The error as the last event of a stream."""
    return b"data: " + frames.on_one_line(body(error).strip()) + b"\n\n"


def _type(status: int) -> str:
    return _TYPES.get(status, "invalid_request_error" if 400 <= status < 500 else "server_error")


def _is_foreign(found: Told) -> bool:
    """Whether it is Anthropic's (`"type": "error"`) or Google's (a `status` in words inside the error)."""
    return found.type == "error" or (isinstance(found.error, dict) and isinstance(found.error.get("status"), str))
