"""How api.openai.com behaves whatever it is asked for: keys, ids, limits, refusals, and which model answers."""

import math
import os
from collections.abc import Mapping

from services.sandbox.chat import Answer, ChatRequest, Usage
from services.sandbox.errors import INVALID_REQUEST, ApiError
from services.sandbox.openai_chat import body as chat_body
from services.sandbox.openai_chat import rendering
from services.sandbox.provider import Bill, Call, Ended, Headers, bearer_key, is_invalid

SNAPSHOTS: Mapping[str, str] = {
    "gpt-3.5-turbo": "gpt-3.5-turbo-0125",
    "gpt-4": "gpt-4-0613",
    "gpt-4-turbo": "gpt-4-turbo-2024-04-09",
    "gpt-4o": "gpt-4o-2024-08-06",
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-4.1": "gpt-4.1-2025-04-14",
    "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
    "gpt-4.1-nano": "gpt-4.1-nano-2025-04-14",
    "gpt-5": "gpt-5-2025-08-07",
    "gpt-5-mini": "gpt-5-mini-2025-08-07",
    "gpt-5-nano": "gpt-5-nano-2025-08-07",
    "o1": "o1-2024-12-17",
    "o3": "o3-2025-04-16",
    "o3-mini": "o3-mini-2025-01-31",
    "o4-mini": "o4-mini-2025-04-16",
}
"""The catalogue: aliases and the dated model that answers for each. A model not listed answers under its own name."""

REFUSALS: Mapping[int, tuple[str, str, str | None]] = {
    400: ("Invalid request.", INVALID_REQUEST, None),
    401: ("Incorrect API key provided.", INVALID_REQUEST, "invalid_api_key"),
    403: ("You are not allowed to sample from this model.", INVALID_REQUEST, "model_not_allowed"),
    404: (
        "The model does not exist or you do not have access to it.",
        INVALID_REQUEST,
        "model_not_found",
    ),
    408: ("Request timed out.", "timeout", None),
    409: ("The request conflicts with another one. Please try again.", INVALID_REQUEST, None),
    429: ("Rate limit reached on requests per min (RPM). Please try again later.", "requests", "rate_limit_exceeded"),
    500: ("The server had an error while processing your request. Sorry about that!", "server_error", None),
    502: ("Bad gateway.", "server_error", None),
    503: ("The engine is currently overloaded, please try again later.", "server_error", "engine_overloaded"),
    529: ("The engine is currently overloaded, please try again later.", "server_error", "overloaded"),
}
"""Message, type and code of a refusal with an ordered status."""

_NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
    "(i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank username) if you're accessing the API "
    "from your browser and are prompted for a username and password. You can obtain an API key from "
    "https://platform.openai.com/account/api-keys."
)
_KEYS_PAGE = "https://platform.openai.com/account/api-keys"
_KEY_HEAD, _KEY_TAIL = 8, 4
"""How much of a wrong key is shown again."""
_REQUEST_LIMIT = 10_000
_TOKEN_LIMIT = 30_000_000


class OpenAIManners:
    """What OpenAI's dialects have in common."""

    name = "openai"
    keepalive = b""
    stream_type = b"text/event-stream; charset=utf-8"
    body_type = b"application/json"

    def gist(self, call: Call) -> tuple[str | None, bool]:
        """Model and streaming, as the body says."""
        return chat_body.gist(call.body)

    def authenticate(self, call: Call) -> str:
        """The bearer key. Raises ApiError 401 where it is missing, or bad."""
        key = bearer_key(call.headers)
        if key is None:
            raise ApiError(401, _NO_KEY)
        if is_invalid(key):
            text = f"Incorrect API key provided: {_masked(key)}. You can find your API key at {_KEYS_PAGE}."
            raise ApiError(401, text, code="invalid_api_key")
        return key

    def bill(self, request: ChatRequest, usage: Usage) -> Bill:
        """Tokens; OpenAI names no cost."""
        return Bill(usage)

    def headers(self, request: ChatRequest, answer: Answer, seconds: float) -> Headers:
        """Ids, processing time and rate limits."""
        left = max(0, _TOKEN_LIMIT - request.prompt_tokens)
        return (
            *_common_headers(seconds),
            (b"x-ratelimit-limit-requests", b"%d" % _REQUEST_LIMIT),
            (b"x-ratelimit-limit-tokens", b"%d" % _TOKEN_LIMIT),
            (b"x-ratelimit-remaining-requests", b"%d" % (_REQUEST_LIMIT - 1)),
            (b"x-ratelimit-remaining-tokens", b"%d" % left),
            (b"x-ratelimit-reset-requests", b"6ms"),
            (b"x-ratelimit-reset-tokens", b"0s"),
        )

    def reply_headers(self, seconds: float) -> Headers:
        """Ids and processing time."""
        return _common_headers(seconds)

    def refusal(self, status: int, retry_after: float | None) -> ApiError:
        """A refusal with an ordered status."""
        message, kind, code = REFUSALS.get(status, REFUSALS[500 if status >= 500 else 400])
        return ApiError(status, message, kind=kind, code=code, retry_after=retry_after)

    def error_body(self, error: ApiError) -> bytes:
        """OpenAI's error object, indented as the real one."""
        return rendering.indented({"error": error_object(error)})

    def error_headers(self, error: ApiError, seconds: float) -> Headers:
        """Ids and processing time; when to come again; how to authenticate."""
        headers = list(_common_headers(seconds))
        if error.retry_after is not None:
            headers.append((b"retry-after", b"%d" % math.ceil(error.retry_after)))
            headers.append((b"retry-after-ms", b"%d" % (error.retry_after * 1000)))
        if error.status == 401:
            headers.append((b"www-authenticate", b'Bearer realm="OpenAI API"'))
        if error.status == 413:
            headers.append((b"connection", b"close"))
        return headers

    def ended(self, ended: Ended) -> None:
        """OpenAI keeps nothing."""


def served(request: ChatRequest) -> str:
    """The dated model that answers for the one requested."""
    return SNAPSHOTS.get(request.model, request.model)


def error_object(error: ApiError) -> dict[str, str | None]:
    """The `error` of a body."""
    return {"message": error.message, "type": error.kind, "param": error.param, "code": error.code}


def _masked(key: str) -> str:
    hidden = len(key) - _KEY_HEAD - _KEY_TAIL
    return key if hidden <= 0 else f"{key[:_KEY_HEAD]}{'*' * hidden}{key[-_KEY_TAIL:]}"


def _common_headers(seconds: float) -> Headers:
    return (
        (b"openai-organization", b"org-sandbox"),
        (b"openai-processing-ms", b"%d" % (seconds * 1000)),
        (b"openai-version", b"2020-10-01"),
        (b"x-request-id", f"req_{os.urandom(16).hex()}".encode()),
    )
