"""Simulated Anthropic: messages, the counting of their tokens, and the model catalogue.

Shapes, headers and wording follow recorded answers of api.anthropic.com and Anthropic's API reference.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec
from starlette.routing import BaseRoute, Route

from services.sandbox.anthropic_messages import body as messages_body
from services.sandbox.anthropic_messages import rendering, rules
from services.sandbox.anthropic_messages.interpretation import interpret
from services.sandbox.chat import Answer, ChatRequest, Usage
from services.sandbox.errors import ApiError
from services.sandbox.faults import from_model
from services.sandbox.openai_chat.body import gist
from services.sandbox.provider import (
    Bill,
    Call,
    Doors,
    Ended,
    Headers,
    Reply,
    bearer_key,
    is_invalid,
    is_unknown,
    random_id,
)
from services.sandbox.script import Frame

SNAPSHOTS: Mapping[str, str] = {
    "claude-3-haiku": "claude-3-haiku-20240307",
    "claude-3-opus": "claude-3-opus-20240229",
    "claude-3-opus-latest": "claude-3-opus-20240229",
    "claude-3-5-haiku-latest": "claude-3-5-haiku-20241022",
    "claude-3-7-sonnet-latest": "claude-3-7-sonnet-20250219",
    "claude-sonnet-4-0": "claude-sonnet-4-20250514",
    "claude-opus-4-0": "claude-opus-4-20250514",
    "claude-opus-4-1": "claude-opus-4-1-20250805",
    "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
    "claude-haiku-4-5": "claude-haiku-4-5-20251001",
    "claude-opus-4-5": "claude-opus-4-5-20251101",
    "claude-opus-4-6": "claude-opus-4-6",
    "claude-sonnet-4-6": "claude-sonnet-4-6",
}
"""The catalogue: aliases and the dated model that answers for each. A model not listed answers under its own name."""

KINDS: Mapping[int, tuple[str, str]] = {
    400: ("invalid_request_error", "Error"),
    401: ("authentication_error", "invalid x-api-key"),
    402: ("billing_error", "Your credit balance is too low to access the Anthropic API."),
    403: ("permission_error", "Your API key does not have permission to use the specified resource."),
    404: ("not_found_error", "Not found"),
    408: ("timeout_error", "Request timed out"),
    409: ("conflict_error", "The request conflicts with another one."),
    413: ("request_too_large", "Request exceeds the maximum size"),
    429: ("rate_limit_error", "This request would exceed your organization's rate limit. Please try again later."),
    500: ("api_error", "Internal server error"),
    502: ("api_error", "Bad gateway"),
    503: ("api_error", "Service unavailable"),
    504: ("timeout_error", "Request timed out"),
    529: ("overloaded_error", "Overloaded"),
}
"""Type and message of a refusal by its status; the message only where it was ordered."""

_REQUEST_LIMIT = 4_000
_INPUT_LIMIT = 2_000_000
_OUTPUT_LIMIT = 400_000
_MOST_LISTED = 1_000
_USUALLY_LISTED = 20


class Anthropic:
    """api.anthropic.com, as far as it makes messages."""

    name = "anthropic"
    prefix = "/anthropic"
    keepalive = b""
    stream_type = b"text/event-stream; charset=utf-8"
    body_type = b"application/json"

    def routes(self, doors: Doors) -> Sequence[BaseRoute]:
        """Messages, their tokens, the catalogue, and one model of it."""
        return (
            Route("/v1/messages", doors.completions(self), methods=["POST"]),
            Route("/v1/messages/count_tokens", doors.operation(self, _count), methods=["POST"]),
            Route("/v1/models", doors.reading(self, _models), methods=["GET"]),
            Route("/v1/models/{model:path}", doors.reading(self, _one), methods=["GET"]),
        )

    def gist(self, call: Call) -> tuple[str | None, bool]:
        """Model and streaming, as the body says."""
        return gist(call.body)

    def authenticate(self, call: Call) -> str:
        """The key in `x-api-key`, or as a bearer's, as Anthropic's SDK sends it since version 2.

        Raises ApiError 401 where it is missing, or bad; 400 without a version of the API.
        """
        key = call.headers.get("x-api-key", "").strip() or bearer_key(call.headers)
        if not key:
            raise ApiError(401, "x-api-key header is required")
        if is_invalid(key):
            raise ApiError(401, KINDS[401][1])
        if not call.headers.get("anthropic-version"):
            raise ApiError(400, "anthropic-version: header is required")
        return key

    def parse(self, call: Call) -> ChatRequest:
        """The request. Raises ApiError 400, or 404 for a model that does not exist."""
        read = messages_body.decode(call.body)
        rules.check(read)
        return interpret(read, model=_existing(read.model or ""))

    def answer_id(self) -> str:
        """`msg_01` and 22 letters and digits."""
        return f"msg_01{random_id(22)}"

    def bill(self, request: ChatRequest, usage: Usage) -> Bill:
        """Tokens; Anthropic names no cost."""
        return Bill(usage)

    def body(self, request: ChatRequest, answer: Answer, bill: Bill | None) -> bytes:
        """A `message` object."""
        return rendering.message(request, answer, _served(request), None if bill is None else bill.usage)

    def stream(self, request: ChatRequest, answer: Answer, bill: Bill | None, *, done: bool) -> list[Frame]:
        """`message_start`, the blocks of the content, `message_delta`, `message_stop`."""
        return rendering.events(request, answer, _served(request), None if bill is None else bill.usage, done=done)

    def headers(self, request: ChatRequest, answer: Answer, seconds: float) -> Headers:
        """Ids and rate limits."""
        reset = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
        limits = (
            (b"requests", _REQUEST_LIMIT, _REQUEST_LIMIT - 1),
            (b"input-tokens", _INPUT_LIMIT, max(0, _INPUT_LIMIT - request.prompt_tokens)),
            (b"output-tokens", _OUTPUT_LIMIT, _OUTPUT_LIMIT),
            (b"tokens", _INPUT_LIMIT + _OUTPUT_LIMIT, max(0, _INPUT_LIMIT + _OUTPUT_LIMIT - request.prompt_tokens)),
        )
        headers = list(self.reply_headers(seconds))
        for what, limit, remaining in limits:
            headers += (
                (b"anthropic-ratelimit-%s-limit" % what, b"%d" % limit),
                (b"anthropic-ratelimit-%s-remaining" % what, b"%d" % remaining),
                (b"anthropic-ratelimit-%s-reset" % what, reset),
            )
        return headers

    def reply_headers(self, seconds: float) -> Headers:
        """Ids and processing time."""
        return (
            (b"request-id", f"req_011C{random_id(20)}".encode()),
            (b"anthropic-organization-id", b"00000000-0000-4000-8000-000000000000"),
            (b"x-envoy-upstream-service-time", b"%d" % (seconds * 1000)),
        )

    def refusal(self, status: int, retry_after: float | None) -> ApiError:
        """A refusal with an ordered status."""
        return ApiError(status, _kind(status)[1], retry_after=retry_after)

    def error_body(self, error: ApiError) -> bytes:
        """Anthropic's error object, whose type follows from the status."""
        return msgspec.json.encode(_error(error))

    def error_headers(self, error: ApiError, seconds: float) -> Headers:
        """The id; whether and when to come again."""
        again = error.status in (408, 409, 429) or error.status >= 500
        headers = [(b"request-id", _request_id(error).encode()), (b"x-should-retry", b"true" if again else b"false")]
        if error.retry_after is not None:
            headers.append((b"retry-after", b"%d" % math.ceil(error.retry_after)))
        if error.status == 413:
            headers.append((b"connection", b"close"))
        return headers

    def error_frames(self, request: ChatRequest, answer: Answer) -> list[Frame]:
        """An `error` event, after which nothing comes."""
        return [rendering.event("error", _error(ApiError(529, KINDS[529][1])))]

    def ended(self, ended: Ended) -> None:
        """Anthropic keeps nothing."""


def _models(call: Call) -> Reply:
    """A page of the catalogue. Raises ApiError 400 for a limit that is none."""
    limit = _limit(call.query.get("limit"))
    names = sorted(set(SNAPSHOTS.values()))
    after = call.query.get("after_id")
    names = names[names.index(after) + 1 :] if after in names else names
    return Reply(_page(names[:limit], more=len(names) > limit), empty=_page([], more=False))


def _one(call: Call) -> Reply:
    """A model of the catalogue. Raises ApiError 404 where there is no such model."""
    name = _existing(call.path["model"])
    return Reply(msgspec.json.encode(_model(SNAPSHOTS.get(name, name))))


def _page(names: Sequence[str], *, more: bool) -> bytes:
    listed = {
        "data": [_model(name) for name in names],
        "has_more": more,
        "first_id": names[0] if names else None,
        "last_id": names[-1] if names else None,
    }
    return msgspec.json.encode(listed)


def _count(call: Call) -> Reply:
    """The tokens of a prompt."""
    read = messages_body.decode(call.body)
    rules.check(read, counts=True)
    request = interpret(read, model=_existing(read.model or ""))
    return Reply(msgspec.json.encode({"input_tokens": request.prompt_tokens}))


def _existing(name: str) -> str:
    """A model's name without directives. Raises ApiError 404 where there is no such model."""
    model, _ = from_model(name)
    if is_unknown(model):
        raise ApiError(404, f"model: {model}")
    return model


def _served(request: ChatRequest) -> str:
    """The dated model that answers for the one requested."""
    return SNAPSHOTS.get(request.model, request.model)


def _kind(status: int) -> tuple[str, str]:
    return KINDS.get(status) or KINDS[500 if status >= 500 else 400]


def _error(error: ApiError) -> dict[str, object]:
    shape = {"type": _kind(error.status)[0], "message": error.message}
    return {"type": "error", "error": shape, "request_id": _request_id(error)}


def _request_id(error: ApiError) -> str:
    return f"req_011C{error.serial}"


def _limit(given: str | None) -> int:
    if given is None:
        return _USUALLY_LISTED
    if not given.isdecimal() or not 1 <= int(given) <= _MOST_LISTED:
        raise ApiError(400, f"limit: Input should be between 1 and {_MOST_LISTED}")
    return int(given)


def _model(name: str) -> dict[str, object]:
    display = " ".join(part.capitalize() for part in name.split("-") if len(part) < 8 or not part.isdecimal())
    return {
        "type": "model",
        "id": name,
        "display_name": display,
        "created_at": "2025-01-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
        "capabilities": {
            "batch": {"supported": True},
            "citations": {"supported": True},
            "image_input": {"supported": True},
            "pdf_input": {"supported": True},
            "structured_outputs": {"supported": "-4-" in name},
            "thinking": {"supported": "-3-" not in name or "-3-7-" in name},
        },
    }
