"""What errors mean: by HTTP status, and by the body's own words where they say more.

Formats: OpenAI API reference, "Error codes"; OpenRouter, "Errors" (a numeric `code`, moderation in `metadata`).
Mistral, vLLM and others put message and code at the top level, FastAPI's servers a `detail`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from services.router.chat import UNREADABLE_JSON
from services.router.wire.refusals import kind_of_status, refusal
from services.runtime.errors import ContentFiltered, ProviderContextTooLong, ProviderError

_FILTERED = {"content_filter", "content_policy_violation"}
_MODERATED = {"flagged_input", "patterns", "reasons"}
_TOO_LONG = "context_length_exceeded"


class _Detail(msgspec.Struct):
    message: Any = None
    detail: Any = None
    code: Any = None
    status_code: Any = None
    metadata: Any = None


class _ErrorBody(msgspec.Struct):
    error: _Detail | str | None = None
    message: Any = None
    detail: Any = None
    code: Any = None


_error_body = msgspec.json.Decoder(_ErrorBody)
_NO_DETAIL = _Detail()


def error_of_status(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """The error that an answer with an error status means. `original` holds the body."""
    detail = _detail(body)
    message = next((text for text in (detail.message, detail.detail) if text and isinstance(text, str)), "")
    return refusal(_kind(status, detail), status, message, body, headers)


def error_inside(raw: bytes) -> ProviderError:
    """An error inside a 200 answer, by the status it would have had: in OpenRouter's `code`, Groq's `status_code`."""
    body = b'{"error":' + bytes(raw) + b"}"
    detail = _detail(body)
    given = (status for status in (detail.code, detail.status_code) if isinstance(status, int) and 400 <= status < 600)
    return error_of_status(next(given, 502), {}, body)


def _detail(body: bytes) -> _Detail:
    """What the body says, wherever it says it; nothing where it can't be read."""
    try:
        found = _error_body.decode(body)
    except UNREADABLE_JSON:
        return _NO_DETAIL
    if isinstance(found.error, _Detail):
        return found.error
    return _Detail(message=found.error or found.message, detail=found.detail, code=found.code)


def _kind(status: int, detail: _Detail) -> type[ProviderError]:
    moderated = status == 403 and isinstance(detail.metadata, dict) and _MODERATED & detail.metadata.keys()
    if moderated or (isinstance(detail.code, str) and detail.code in _FILTERED):
        return ContentFiltered
    if detail.code == _TOO_LONG:
        return ProviderContextTooLong
    return kind_of_status(status)
