"""What a provider's refusal becomes: the part that is the same in every format."""

import math
from collections.abc import Mapping

import msgspec

from services.router.chat import NULL, UNREADABLE_JSON
from services.runtime.errors import (
    ProviderAuthentication,
    ProviderContextTooLong,
    ProviderError,
    ProviderFailed,
    ProviderInvalidRequest,
    ProviderNotFound,
    ProviderOverloaded,
    ProviderPermission,
    ProviderRateLimited,
    ProviderTimeout,
)

_MOST_MESSAGE = 500
_ABOUT_US = "The provider refused Pantheon's own credentials or rights"
"""In place of the provider's words, which often show a part of the key."""
_BY_STATUS: Mapping[int, type[ProviderError]] = {
    401: ProviderAuthentication,
    402: ProviderAuthentication,
    403: ProviderPermission,
    404: ProviderNotFound,
    408: ProviderTimeout,
    429: ProviderRateLimited,
    503: ProviderOverloaded,
    504: ProviderTimeout,
    529: ProviderOverloaded,
}
_TOO_LONG = (
    "context_length_exceeded",
    "maximum context length",
    "context window",
    "prompt is too long",
    "input token count",
    "exceeds the maximum number of tokens",
    "too many tokens",
)
"""OpenAI's code, and the words of those that have none (vLLM, Anthropic, Google, Cohere); in lower case."""

_BAD_KEY = ("incorrect api key", "invalid api key", "api key not valid")
"""What some say with the status of a bad request (xAI), beside a part of the key; in lower case."""


class _Bare(msgspec.Struct):
    error: msgspec.Raw = msgspec.Raw()


_NOTHING = (msgspec.Raw(), NULL)
_bare = msgspec.json.Decoder(_Bare)


def kind_of_status(status: int) -> type[ProviderError]:
    """What a status alone says."""
    known = _BY_STATUS.get(status)
    if known is not None:
        return known
    return ProviderInvalidRequest if 400 <= status < 500 else ProviderFailed


def refusal(
    kind: type[ProviderError],
    status: int,
    message: str,
    body: bytes,
    headers: Mapping[str, str] | None = None,
    retry_after: float | None = None,
) -> ProviderError:
    """The error of this kind, in the provider's words; `original` is its `body`.

    A bad request whose words say that it was too long is a ProviderContextTooLong, one whose words are about the key a
    ProviderAuthentication. `retry_after` is the wait in seconds that a body asks for; a header that asks for one goes
    first.
    """
    if kind is ProviderInvalidRequest:
        kind = _kind_of_words(message.lower())
    metadata: dict[str, object] = {"status": status}
    wait = _seconds((headers or {}).get("retry-after")) or _seconds(retry_after)
    if wait:
        metadata["retry_after_seconds"] = wait
    shown = _ABOUT_US if kind.is_about_us else message[:_MOST_MESSAGE]
    error = kind(shown or f"The provider answered {status}", **metadata)
    error.original = body
    return error


def bare_error(bare: bytes) -> bytes:
    """The `error` of JSON that stands in a stream without the framing of events: a server's answer that is no stream,
    or its last word. Empty where there is none.
    """
    try:
        error = _bare.decode(bare).error
    except UNREADABLE_JSON:
        return b""
    return b"" if error in _NOTHING else bytes(error)


def _kind_of_words(message: str) -> type[ProviderError]:
    """What a bad request is by its words, in lower case."""
    if any(words in message for words in _TOO_LONG):
        return ProviderContextTooLong
    return ProviderAuthentication if any(words in message for words in _BAD_KEY) else ProviderInvalidRequest


def _seconds(retry_after: str | float | None) -> str:
    """The wait in whole seconds; empty where it is missing or a date."""
    try:
        seconds = float(retry_after or "")
    except ValueError:
        return ""
    return str(math.ceil(seconds)) if 0 <= seconds < math.inf else ""
