"""What Google's errors mean.

Formats: Google Cloud API design, "Errors" (google.rpc.Status with ErrorInfo and RetryInfo in `details`); Gemini API
docs, "Troubleshooting", for what each status stands for.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from services.router.chat import UNREADABLE_JSON
from services.router.wire.refusals import kind_of_status, refusal
from services.runtime.errors import (
    ProviderAuthentication,
    ProviderError,
    ProviderFailed,
    ProviderInvalidRequest,
    ProviderNotFound,
    ProviderOverloaded,
    ProviderPermission,
    ProviderRateLimited,
    ProviderTimeout,
)

_KINDS: Mapping[str, type[ProviderError]] = {
    "INVALID_ARGUMENT": ProviderInvalidRequest,
    "FAILED_PRECONDITION": ProviderInvalidRequest,
    "OUT_OF_RANGE": ProviderInvalidRequest,
    "UNAUTHENTICATED": ProviderAuthentication,
    "PERMISSION_DENIED": ProviderPermission,
    "NOT_FOUND": ProviderNotFound,
    "RESOURCE_EXHAUSTED": ProviderRateLimited,
    "UNAVAILABLE": ProviderOverloaded,
    "DEADLINE_EXCEEDED": ProviderTimeout,
    "CANCELLED": ProviderFailed,
    "ABORTED": ProviderFailed,
    "INTERNAL": ProviderFailed,
    "UNKNOWN": ProviderFailed,
    "DATA_LOSS": ProviderFailed,
}
_BAD_KEY = "API_KEY_INVALID"
_OF_THE_ACCOUNT = ("billing", "user location")
"""Words of a FAILED_PRECONDITION that is about Pantheon's account, not about the request."""
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")


class _Status(msgspec.Struct):
    code: Any = None
    message: Any = None
    status: Any = None
    details: Any = None


class _Body(msgspec.Struct):
    error: _Status | str | None = None


_decode = msgspec.json.Decoder(list[_Body] | _Body).decode
_NOTHING = _Status()


def error_of_status(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """The error that an answer with an error status means. `original` holds the body."""
    told = _status(body)
    message = told.message if isinstance(told.message, str) else ""
    details = [detail for detail in told.details if isinstance(detail, dict)] if isinstance(told.details, list) else []
    return refusal(_kind(status, told, message, details), status, message, body, headers, _retry_after(details))


def error_inside(raw: bytes) -> ProviderError:
    """An error inside a 200 answer, by the status in it."""
    body = b'{"error":' + bytes(raw) + b"}"
    code = _status(body).code
    return error_of_status(code if isinstance(code, int) and 400 <= code < 600 else 502, {}, body)


def _status(body: bytes) -> _Status:
    """The status, also of a list of one, as a stream asked for without `alt=sse` answers; nothing if unreadable."""
    try:
        found = _decode(body)
    except UNREADABLE_JSON:
        return _NOTHING
    error = (found[0] if found else _Body()).error if isinstance(found, list) else found.error
    return error if isinstance(error, _Status) else _Status(message=error)


def _kind(status: int, told: _Status, message: str, details: list[dict[Any, Any]]) -> type[ProviderError]:
    if any(detail.get("reason") == _BAD_KEY for detail in details):
        return ProviderAuthentication
    name = told.status if isinstance(told.status, str) else ""
    if name == "FAILED_PRECONDITION" and any(words in message.lower() for words in _OF_THE_ACCOUNT):
        return ProviderPermission
    return _KINDS.get(name) or kind_of_status(status)


def _retry_after(details: list[dict[Any, Any]]) -> float | None:
    """The seconds in RetryInfo's `retryDelay`, which is written as "34.07s"."""
    for detail in details:
        delay = detail.get("retryDelay")
        if isinstance(delay, str) and (found := _DURATION.fullmatch(delay)):
            return float(found[1])
    return None
