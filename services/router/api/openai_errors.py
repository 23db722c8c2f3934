"""Errors as an OpenAI SDK expects them: `{"error": {"message", "type", "param", "code"}}`.

Format: OpenAI API reference, "Error codes".
A provider's own body is passed on as it came where it is of this format; of another, it is in `original`. Neither when
the provider refused Pantheon's own key, which is no business of the client's.
"""

from typing import Any

import msgspec

from services.router.api.http import Headers, status_of
from services.runtime.errors import PantheonError, ProviderError

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}
_encode = msgspec.json.Encoder().encode


class _Body(msgspec.Struct):
    type: Any = None
    error: Any = None


_body = msgspec.json.Decoder(_Body)


def status(error: PantheonError) -> int:
    """The HTTP status."""
    return status_of(error)


def body(error: PantheonError) -> bytes:
    """The JSON body."""
    original = error.original if isinstance(error, ProviderError) and not error.is_about_us else b""
    found = _read(original)
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
    # Between JSON's tokens a line end is a space, and an event must not be torn by one.
    return b"data: " + body(error).strip().replace(b"\n", b" ").replace(b"\r", b" ") + b"\n\n"


def headers(error: PantheonError) -> Headers:
    """Further headers: the reason, and when to try again."""
    found = [(b"x-pantheon-reason", error.reason.encode())]
    retry_after = error.metadata.get("retry_after_seconds")
    if retry_after:
        found.append((b"retry-after", retry_after.encode("ascii", "ignore")))
    return found


def _type(status: int) -> str:
    return _TYPES.get(status, "invalid_request_error" if 400 <= status < 500 else "server_error")


def _read(original: bytes) -> _Body | None:
    """A provider's body; None where it is no JSON object."""
    try:
        return _body.decode(original)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _is_foreign(found: _Body) -> bool:
    """Whether it is Anthropic's (`"type": "error"`) or Google's (a `status` in words inside the error)."""
    return found.type == "error" or (isinstance(found.error, dict) and isinstance(found.error.get("status"), str))
