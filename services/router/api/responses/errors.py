"""Errors as a client of the Responses API expects them.

Formats: OpenAI API reference, "Error codes" and "Streaming events" (`error`). In a stream OpenAI writes an error's
members into an object, `error`, and not, as its reference has it, beside the type; its SDKs raise it for that object.
Here they stand in both places.
"""

from typing import Any

import msgspec

from services.router.api import frames, openai_errors
from services.router.api.carrier import encoded
from services.router.api.failures import headers_of
from services.router.api.http import Headers
from services.router.chat import UNREADABLE_JSON
from services.runtime.errors import PantheonError, ProviderError


class _Response(msgspec.Struct):
    object: str = ""
    status: str = ""


class _Event(msgspec.Struct):
    type: str
    sequence_number: int


class _Body(msgspec.Struct):
    error: dict[str, Any]


_response = msgspec.json.Decoder(_Response)
_event = msgspec.json.Decoder(_Event)
_body = msgspec.json.Decoder(_Body)


class ResponseErrors:
    """See `ErrorShape`. `count` is how many events a stream has had, and so the number of the next."""

    def __init__(self) -> None:
        self.count = 0

    def status(self, error: PantheonError) -> int:
        """The HTTP status: 200 for a response that failed, which is an answer, and says so itself."""
        return 200 if _failed_response(error) else openai_errors.status(error)

    def body(self, error: PantheonError) -> bytes:
        """The JSON body."""
        return _failed_response(error) or openai_errors.body(error)

    def headers(self, error: PantheonError) -> Headers:
        """Further headers: the reason, and when to try again."""
        return headers_of(error)

    def event(self, error: PantheonError) -> bytes:
        """The error as the last event of a stream; as it came where the provider has an event for it itself."""
        own = _event_of(error)
        if own is not None:
            return own
        detail = _detail(error)
        code = detail.get("code")
        told = {
            "type": "error",
            "sequence_number": self.count,
            "code": code if isinstance(code, str) else error.reason,
            "message": error.message,
            "param": detail.get("param"),
            "error": detail,
        }
        return frames.event("error", encoded(told))


def _failed_response(error: PantheonError) -> bytes:
    """The provider's own response object that says what failed; empty where there is none."""
    if not isinstance(error, ProviderError) or not error.original:
        return b""
    try:
        found = _response.decode(error.original)
    except UNREADABLE_JSON:
        return b""
    return error.original if (found.object, found.status) == ("response", "failed") else b""


def _event_of(error: PantheonError) -> bytes | None:
    if not isinstance(error, ProviderError) or error.is_about_us:
        return None
    try:
        kind = _event.decode(error.original).type
    except UNREADABLE_JSON:
        return None
    return frames.event(kind, frames.on_one_line(error.original))


def _detail(error: PantheonError) -> dict[str, Any]:
    try:
        return _body.decode(openai_errors.body(error)).error
    except UNREADABLE_JSON:
        return {"type": "server_error", "code": error.reason, "message": error.message, "param": None}
