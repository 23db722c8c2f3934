"""OpenAI chat completions as spoken by OpenAI, OpenRouter and many compatible providers.

Format: OpenAI API reference, "Chat" (create, streaming); OpenRouter API reference, "Streaming" for its
`: OPENROUTER PROCESSING` comments. Only what Pantheon needs is decoded; the rest passes through as bytes.
"""

from collections.abc import Mapping

import msgspec

from services.router.chat import NULL, Body, ChatRequest, Facts, Format, Frame
from services.router.sse import Event
from services.router.wire.base import Answer, Dialect, StreamParser
from services.router.wire.openai_chat_answer import decode, note
from services.router.wire.openai_chat_errors import error_inside, error_of_status
from services.router.wire.openai_chat_plain import plain
from services.router.wire.refusals import bare_error
from services.runtime.errors import ProviderBroken, ProviderError

_DONE = b"[DONE]"
_encode = msgspec.json.Encoder().encode
_TRUE = msgspec.Raw(b"true")
_NO_HEADERS: Mapping[str, str] = {}


class OpenAIChat:
    """See `WireFormat`."""

    def request_url(self, base_url: str, model: str, *, stream: bool) -> str:
        """The same for every model, streamed or not."""
        return f"{base_url}/chat/completions"

    def request_headers(self, request: ChatRequest) -> Mapping[str, str]:
        """None."""
        return _NO_HEADERS

    def render_request(self, request: ChatRequest, model: str, fill: Body, dialect: Dialect) -> bytes:
        """The client's own members, in their order and to the byte, but for `model`, `stream_options` and the fill.

        Of a request that was translated, those that this provider takes.
        """
        translated = request.format is not Format.CHAT
        chat = request.chat()
        if translated and not dialect.takes_extensions:
            chat = plain(chat, with_reasoning=dialect.wants_reasoning_back)
        body = {**chat, "model": msgspec.Raw(_encode(model)), **fill}
        if request.stream:
            _ask_for_usage(body, dialect)
        if dialect.renames_max_tokens and "max_tokens" in (body if translated else fill):
            body["max_completion_tokens"] = body.pop("max_tokens")
        return _encode(body)

    def parse_response(self, body: bytes, target: Format) -> Answer:
        """The body as it came, and its facts."""
        completion = decode(body)
        facts = Facts()
        note(facts, completion, whole=True)
        if completion.has_error and not completion.choices:
            return Answer(body, facts, failure=error_inside(completion.error))
        if completion.choices is None:
            raise ProviderBroken("The answer has no choices", phase="body")
        return Answer(body, facts)

    def parse_stream(self, target: Format) -> StreamParser:
        """Takes chunks until `[DONE]`, or until the connection ends after a finish reason."""
        return _ChunkParser()

    def parse_error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """By status, and by the body's `code` where that says more."""
        return error_of_status(status, headers, body)


class _ChunkParser:
    format = Format.CHAT

    def __init__(self) -> None:
        self.facts = Facts()
        self.done = False

    @property
    def may_end(self) -> bool:
        """After the finish reason: Perplexity sends no `[DONE]`."""
        return self.facts.ended

    def parse(self, event: Event) -> Frame | None:
        """See `StreamParser`. Events without data, which some providers send as heartbeats, are no chunks.

        Nor is bare JSON, unless it is an error: an answer that is no stream at all, or the server's own last word.
        """
        if event.comment is not None:
            return Frame(comment=event.comment)
        if event.bare and (told := bare_error(event.bare)):
            raise error_inside(told)
        data = event.data.strip()
        if data == _DONE:
            self.done = True
            return None
        if not data:
            return None
        chunk = decode(data)
        note(self.facts, chunk, whole=False)
        if chunk.has_error:
            raise error_inside(chunk.error)
        usage = chunk.usage is not None
        return Frame(event.data, event.name, event.id, usage=usage, usage_only=usage and not chunk.choices)


def without_usage(chunk: bytes) -> bytes:
    """A chunk as it would be for a client that did not ask for usage; unchanged where it is no strict JSON."""
    try:
        body = msgspec.json.decode(chunk, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return chunk
    body.pop("usage", None)
    return _encode(body)


def _ask_for_usage(body: Body, dialect: Dialect) -> None:
    """Has the provider report the usage of the stream: by `stream_options`, or by leaving out the wish where it does so
    unasked, for such a provider may refuse it (Mistral: 422).
    """
    given = body.get("stream_options", NULL)
    options = {} if given == NULL else msgspec.json.decode(given, type=Body)
    if dialect.streams_usage_unasked:
        options.pop("include_usage", None)
    else:
        options["include_usage"] = _TRUE
    if options:
        body["stream_options"] = msgspec.Raw(_encode(options))
    else:
        body.pop("stream_options", None)
