"""Anthropic's Messages API, behind the seam. Format: Claude API docs, "Messages", "Count tokens", "Versions"."""

from collections.abc import Mapping

import msgspec

from services.router.chat import Body, ChatRequest, Facts, Format
from services.router.wire.anthropic_messages.answer import decode_message, note_identity, note_stop, written
from services.router.wire.anthropic_messages.completion import completion_of
from services.router.wire.anthropic_messages.errors import error_inside, error_of_status
from services.router.wire.anthropic_messages.generations import generation_of
from services.router.wire.anthropic_messages.rendering import open_sampling, render_chat
from services.router.wire.anthropic_messages.stream import ChunkParser, MessagesParser
from services.router.wire.anthropic_messages.thinking import is_on
from services.router.wire.base import Answer, Dialect, StreamParser
from services.router.wire.lenient import LenientDecoder
from services.router.wire.reading import given
from services.runtime.errors import ProviderBroken, ProviderError

_VERSION: Mapping[str, str] = {"anthropic-version": "2023-06-01"}
_OWN_HEADERS = ("anthropic-version", "anthropic-beta")
_OWN = (Format.MESSAGES, Format.COUNT_TOKENS)
_encode = msgspec.json.Encoder().encode


class AnthropicMessages:
    """See `WireFormat`."""

    format = Format.MESSAGES

    def request_url(self, base_url: str, model: str, *, stream: bool) -> str:
        """The same for every model, streamed or not."""
        return f"{base_url}/v1/messages"

    def request_headers(self, request: ChatRequest) -> Mapping[str, str]:
        """The version of the API; a client of the same format may ask for another, and for beta features."""
        if request.format not in _OWN or not request.headers:
            return _VERSION
        return {**_VERSION, **{name: request.headers[name] for name in _OWN_HEADERS if name in request.headers}}

    def render_request(self, request: ChatRequest, model: str, fill: Body, dialect: Dialect) -> bytes:
        """The client's own members to the byte, but for `model` and the fill; translated from any other format."""
        if request.format not in _OWN:
            return render_chat(request.chat(), fill, model, stream=request.stream)
        body = {**request.body, "model": msgspec.Raw(_encode(model)), **_fill(request.body, fill, model)}
        return _encode(body)

    def parse_response(self, body: bytes, target: Format) -> Answer:
        """The body as it came, or a chat completion."""
        message = decode_message(body)
        if message.type == "error":
            raise error_inside(body)
        if message.content is None:
            raise ProviderBroken("The answer has no content", phase="body")
        facts = Facts(open_choices={0})
        note_identity(facts, message)
        facts.characters = sum(map(written, message.content))
        if message.usage is not None:
            facts.tokens = message.usage.tokens()
        if message.stop_reason:
            note_stop(facts, message.stop_reason)
        if target is self.format:
            return Answer(body, facts, self.format)
        return Answer(completion_of(message, facts), facts)

    def parse_stream(self, target: Format) -> StreamParser:
        """Takes events until `message_stop`."""
        return MessagesParser() if target is self.format else ChunkParser()

    def parse_error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """By the body's type, or else by status."""
        return error_of_status(status, headers, body)


class _Count(msgspec.Struct):
    input_tokens: int | None = None


_decode_count = LenientDecoder(_Count).decode


class AnthropicCountTokens(AnthropicMessages):
    """The count of a request's tokens: `{"input_tokens": 20}`, as it came."""

    format = Format.COUNT_TOKENS

    def request_url(self, base_url: str, model: str, *, stream: bool) -> str:
        """The same for every model."""
        return f"{base_url}/v1/messages/count_tokens"

    def parse_response(self, body: bytes, target: Format) -> Answer:
        """The body as it came. Raises ProviderBroken where it holds no count."""
        if _decode_count(body).input_tokens is None:
            raise ProviderBroken("The answer has no input_tokens", phase="body")
        return Answer(body, Facts(), self.format)


def _fill(body: Body, fill: Body, model: str) -> Body:
    """What may be added to a request of Anthropic's own: parameters that it leaves open and its model takes."""
    if not fill:
        return fill
    found = {"max_tokens": fill["max_tokens"]} if "max_tokens" in fill else {}
    thinks = is_on(given(body, "thinking"))
    sampling = open_sampling(body, fill, generation_of(model), thinks=thinks)
    return found | {name: value for name, value in sampling.items() if name in fill}
