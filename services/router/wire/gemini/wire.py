"""Gemini's generateContent and streamGenerateContent.

Formats: Gemini API reference, "Generating content"; Vertex AI's reference of the same methods. No client of Pantheon's
speaks it, so all is translated.
"""

from collections.abc import Mapping

import msgspec

from services.router.chat import Body, ChatRequest, Format
from services.router.wire.base import Answer, Dialect, StreamParser
from services.router.wire.gemini.addresses import method_url
from services.router.wire.gemini.errors import error_of_status
from services.router.wire.gemini.request import content_request
from services.router.wire.gemini.stream import GeminiStream
from services.router.wire.gemini.whole import parse_whole
from services.runtime.errors import ProviderError

_encode = msgspec.json.Encoder().encode
_NO_HEADERS: Mapping[str, str] = {}


class Gemini:
    """See `WireFormat`."""

    def request_url(self, base_url: str, model: str, *, stream: bool) -> str:
        """The model's method. Without `alt=sse` a stream would come as one JSON list."""
        if stream:
            return method_url(base_url, model, "streamGenerateContent") + "?alt=sse"
        return method_url(base_url, model, "generateContent")

    def request_headers(self, request: ChatRequest) -> Mapping[str, str]:
        """None."""
        return _NO_HEADERS

    def render_request(self, request: ChatRequest, model: str, fill: Body, dialect: Dialect) -> bytes:
        """The chat request in Gemini's words, member by member."""
        return _encode(content_request({**request.chat(), **fill}, model))

    def parse_response(self, body: bytes, target: Format) -> Answer:
        """A chat completion, whatever the target: nobody asks in Gemini's own format."""
        return parse_whole(body)

    def parse_stream(self, target: Format) -> StreamParser:
        """Takes chunks until the connection ends after a finish reason."""
        return GeminiStream()

    def parse_error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """By the body's google.rpc.Status, and by the HTTP status where it has none."""
        return error_of_status(status, headers, body)
