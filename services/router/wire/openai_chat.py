"""OpenAI chat completions as spoken by OpenAI, OpenRouter and many compatible providers.

Format: OpenAI API reference, "Chat" (create, streaming); OpenRouter API reference, "Usage accounting" for `usage.cost`
and `: OPENROUTER PROCESSING` comments. Only what Pantheon needs is decoded; the rest passes through as bytes.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from services.rating import Tokens
from services.router.chat import Body, ChatRequest, Facts, Frame
from services.router.sse import Event
from services.router.wire.base import Answer, Dialect, StreamParser
from services.runtime.errors import (
    ContentFiltered,
    ProviderAuthentication,
    ProviderBroken,
    ProviderError,
    ProviderFailed,
    ProviderInvalidRequest,
    ProviderNotFound,
    ProviderOverloaded,
    ProviderRateLimited,
    ProviderTimeout,
)

_DONE = b"[DONE]"
_MOST_MESSAGE = 500


class _PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None


class _CompletionDetails(msgspec.Struct):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None
    cost: Decimal | None = None


class _Message(msgspec.Struct):
    content: Any = None


class _Choice(msgspec.Struct):
    message: _Message | None = None
    delta: _Message | None = None
    finish_reason: str | None = None


class _Completion(msgspec.Struct):
    """A whole answer and a chunk of a stream alike."""

    id: str | None = None
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: msgspec.Raw = msgspec.Raw()


class _ErrorDetail(msgspec.Struct):
    message: Any = None
    code: Any = None
    type: Any = None


class _ErrorBody(msgspec.Struct):
    error: _ErrorDetail | str | None = None


_completion = msgspec.json.Decoder(_Completion, strict=False)
_error_body = msgspec.json.Decoder(_ErrorBody)
_encode = msgspec.json.Encoder().encode
_NULL = msgspec.Raw(b"null")
_TRUE = msgspec.Raw(b"true")
_INCLUDE_USAGE = msgspec.Raw(b'{"include_usage":true}')


class OpenAIChat:
    """See `WireFormat`."""

    def request_url(self, base_url: str, model: str, *, stream: bool) -> str:
        """The same for every model, streamed or not."""
        return f"{base_url}/chat/completions"

    def render_request(self, request: ChatRequest, model: str, fill: Body, dialect: Dialect) -> bytes:
        """The client's own members, in their order and to the byte, but for `model`, `stream_options` and the fill."""
        body = {**request.body, "model": msgspec.Raw(_encode(model)), **fill}
        if request.stream and not dialect.streams_usage_unasked:
            body["stream_options"] = _with_usage(body.get("stream_options"))
        if dialect.renames_max_tokens and "max_tokens" in fill:
            body["max_completion_tokens"] = body.pop("max_tokens")
        return _encode(body)

    def parse_response(self, body: bytes) -> Answer:
        """The body as it came, and its facts."""
        completion = _decode(body)
        facts = Facts()
        _note(facts, completion)
        if completion.error and completion.error != _NULL and not completion.choices:
            raise _stream_error(bytes(completion.error))
        if completion.choices is None:
            raise ProviderBroken("The answer has no choices", phase="body")
        return Answer(body, facts)

    def parse_stream(self) -> StreamParser:
        """Takes chunks until `[DONE]`, or until the connection ends after a finish reason."""
        return _ChunkParser()

    def parse_error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """By status, and by OpenAI's `code` where that says more."""
        try:
            detail = _error_body.decode(body).error
        except msgspec.DecodeError:
            detail = None
        message, code = (
            (str(detail.message or ""), str(detail.code or ""))
            if isinstance(detail, _ErrorDetail)
            else (detail or "", "")
        )
        kind = _error_kind(status, code)
        metadata: dict[str, object] = {"status": status}
        if kind is ProviderRateLimited and headers.get("retry-after"):
            metadata["retry_after_seconds"] = headers["retry-after"]
        error = kind(message[:_MOST_MESSAGE] or f"The provider answered {status}", **metadata)
        error.original = body
        return error


class _ChunkParser:
    def __init__(self) -> None:
        self.facts = Facts()
        self.done = False

    def parse(self, event: Event) -> Frame | None:
        """See `StreamParser`."""
        if event.comment is not None:
            return Frame(comment=event.comment)
        if event.data == _DONE:
            self.done = True
            return None
        chunk = _decode(event.data)
        if chunk.error and chunk.error != _NULL:
            raise _stream_error(bytes(chunk.error))
        _note(self.facts, chunk)
        usage = chunk.usage is not None
        return Frame(event.data, usage=usage, usage_only=usage and not chunk.choices)


def without_usage(chunk: bytes) -> bytes:
    """A chunk as it would be for a client that did not ask for usage."""
    body = msgspec.json.decode(chunk, type=dict[str, msgspec.Raw])
    body.pop("usage", None)
    return _encode(body)


def _with_usage(options: msgspec.Raw | None) -> msgspec.Raw:
    if options is None or options == _NULL:
        return _INCLUDE_USAGE
    members = msgspec.json.decode(options, type=dict[str, msgspec.Raw])
    return msgspec.Raw(_encode({**members, "include_usage": _TRUE}))


def _decode(data: bytes) -> _Completion:
    try:
        return _completion.decode(data)
    except msgspec.DecodeError as error:
        raise ProviderBroken(f"The answer can't be read: {error}", phase="body") from None


def _note(facts: Facts, completion: _Completion) -> None:
    """Adds what an answer or chunk says to what is known. The last usage wins, as providers repeat it."""
    if completion.id and not facts.response_id:
        facts.response_id = completion.id
    if completion.model:
        facts.served_model = completion.model
    for choice in completion.choices or ():
        said = choice.delta or choice.message
        if said is not None and isinstance(said.content, str):
            facts.characters += len(said.content)
        if choice.finish_reason:
            facts.finish_reason = choice.finish_reason
    if completion.usage is not None:
        facts.tokens = _tokens(completion.usage)
        facts.reported_cost = completion.usage.cost


def _tokens(usage: _Usage) -> Tokens:
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    return Tokens(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cached_tokens=prompt.cached_tokens if prompt else None,
        cache_write_tokens=prompt.cache_write_tokens if prompt else None,
        prompt_audio_tokens=prompt.audio_tokens if prompt else None,
        reasoning_tokens=completion.reasoning_tokens if completion else None,
        completion_audio_tokens=completion.audio_tokens if completion else None,
    )


_BY_STATUS: dict[int, type[ProviderError]] = {
    401: ProviderAuthentication,
    402: ProviderAuthentication,
    403: ProviderAuthentication,
    404: ProviderNotFound,
    408: ProviderTimeout,
    413: ProviderInvalidRequest,
    429: ProviderRateLimited,
    503: ProviderOverloaded,
    504: ProviderTimeout,
    529: ProviderOverloaded,
}


def _error_kind(status: int, code: str) -> type[ProviderError]:
    if code in ("content_filter", "content_policy_violation"):
        return ContentFiltered
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return ProviderInvalidRequest if 400 <= status < 500 else ProviderFailed


def _stream_error(raw: bytes) -> ProviderError:
    """An error inside a 200 answer: OpenRouter puts the status it would have had into `code`."""
    body = b'{"error":' + raw + b"}"
    try:
        detail = _error_body.decode(body).error
    except msgspec.DecodeError:
        detail = None
    code = detail.code if isinstance(detail, _ErrorDetail) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else 502
    return OpenAIChat().parse_error(status, {}, body)
