"""What Anthropic's errors mean.

Format: Claude API docs, "Errors" (`{"type": "error", "error": {"type", "message"}}`).
"""

from collections.abc import Mapping

import msgspec

from services.router.chat import UNREADABLE_JSON
from services.router.wire.refusals import kind_of_status, refusal
from services.runtime.errors import (
    ContentFiltered,
    ProviderAuthentication,
    ProviderContextTooLong,
    ProviderError,
    ProviderInvalidRequest,
)

_STATUS_OF = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_BROKEN = 502
_BY_WORDS: tuple[tuple[str, type[ProviderError]], ...] = (
    ("credit balance is too low", ProviderAuthentication),
    ("blocked by content filtering", ContentFiltered),
    ("exceed context limit", ProviderContextTooLong),
)
"""Invalid requests that are not: Anthropic has no type of their own for them."""


class _Detail(msgspec.Struct):
    type: str = ""
    message: str = ""


class _ErrorBody(msgspec.Struct):
    error: _Detail | None = None


_error_body = msgspec.json.Decoder(_ErrorBody)


def error_of_status(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """The error that an answer with an error status means: by its type, or else by the status."""
    detail = _detail(body)
    return refusal(_kind(detail, _STATUS_OF.get(detail.type, status)), status, detail.message, body, headers)


def error_inside(body: bytes) -> ProviderError:
    """An error where an answer or an event should be: by its type."""
    detail = _detail(body)
    status = _STATUS_OF.get(detail.type, _BROKEN)
    return refusal(_kind(detail, status), status, detail.message, body)


def _detail(body: bytes) -> _Detail:
    """What the body says; nothing where it can't be read."""
    try:
        return _error_body.decode(body).error or _Detail()
    except UNREADABLE_JSON:
        return _Detail()


def _kind(detail: _Detail, status: int) -> type[ProviderError]:
    kind = kind_of_status(status)
    if kind is ProviderInvalidRequest:
        message = detail.message.lower()
        return next((other for words, other in _BY_WORDS if words in message), kind)
    return kind
