"""Gemini's countTokens, answered as Anthropic's count_tokens.

Formats: Gemini API reference, "Counting tokens"; Claude API docs, "Count Message tokens".
"""

from collections.abc import Mapping

import msgspec

from services.rating import Tokens
from services.router.chat import Body, ChatRequest, Facts, Format
from services.router.wire.base import Answer, Dialect, StreamParser
from services.router.wire.gemini.addresses import method_url, resource_name
from services.router.wire.gemini.answer import NOTHING, Count
from services.router.wire.gemini.errors import error_inside, error_of_status
from services.router.wire.gemini.request import content_request
from services.router.wire.lenient import LenientDecoder
from services.runtime.errors import ProviderBroken, ProviderError, UnsupportedFeature

_encode = msgspec.json.Encoder().encode
_NO_HEADERS: Mapping[str, str] = {}


class _Counted(msgspec.Struct, rename="camel"):
    total_tokens: Count | None = None
    error: msgspec.Raw = NOTHING


_decode = LenientDecoder(_Counted).decode


class GeminiCountTokens:
    """See `WireFormat`."""

    def request_url(self, base_url: str, model: str, *, stream: bool) -> str:
        """The model's method."""
        return method_url(base_url, model, "countTokens")

    def request_headers(self, request: ChatRequest) -> Mapping[str, str]:
        """None."""
        return _NO_HEADERS

    def render_request(self, request: ChatRequest, model: str, fill: Body, dialect: Dialect) -> bytes:
        """The whole request that is to be counted: only so are system instruction and tools counted, too."""
        asked = content_request(request.chat(), model)
        return _encode({"generateContentRequest": {"model": resource_name(model), **asked}})

    def parse_response(self, body: bytes, target: Format) -> Answer:
        """The count in Anthropic's words."""
        counted = _decode(body)
        if counted.error and counted.error != b"null":
            raise error_inside(counted.error)
        count = counted.total_tokens
        if count is None:
            raise ProviderBroken("The answer has no count", phase="body")
        facts = Facts(tokens=Tokens(prompt_tokens=count))
        return Answer(_encode({"input_tokens": count}), facts, Format.COUNT_TOKENS)

    def parse_stream(self, target: Format) -> StreamParser:
        """Never: nobody streams a count."""
        raise UnsupportedFeature("A count of tokens can't be streamed", field="stream")

    def parse_error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """As for chat."""
        return error_of_status(status, headers, body)
