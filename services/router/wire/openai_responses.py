"""OpenAI's Responses API, for clients that speak it too: requests and answers pass through.

Format: OpenAI API reference, "Responses" and "Streaming events". Only what Pantheon needs is decoded.
"""

from collections.abc import Mapping

import msgspec

from services.router.chat import NULL, Body, ChatRequest, Facts, Format, Frame
from services.router.sse import Event
from services.router.wire.base import Answer, Dialect, StreamParser
from services.router.wire.openai_chat_errors import error_of_status
from services.router.wire.openai_responses_answer import (
    Response,
    StreamEvent,
    decode_event,
    decode_response,
    failure,
    is_call,
    note,
    written,
)
from services.runtime.errors import ProviderBroken, ProviderError, UnsupportedFeature

_ENDS = {"response.completed", "response.incomplete", "response.failed"}
_DONE = b"[DONE]"
_NO_HEADERS: Mapping[str, str] = {}
_TRUE = msgspec.Raw(b"true")
_NAMES = {"temperature": "temperature", "top_p": "top_p", "max_tokens": "max_output_tokens"}
"""What the format calls the open parameters. It has no penalties."""
_encode = msgspec.json.Encoder().encode


class OpenAIResponses:
    """See `WireFormat`. Serves requests of its own format only."""

    def request_url(self, base_url: str, model: str, *, stream: bool) -> str:
        """The same for every model, streamed or not."""
        return f"{base_url}/responses"

    def request_headers(self, request: ChatRequest) -> Mapping[str, str]:
        """None."""
        return _NO_HEADERS

    def render_request(self, request: ChatRequest, model: str, fill: Body, dialect: Dialect) -> bytes:
        """The client's own members, in their order and to the byte, but for `model` and the fill.

        Raises:
            UnsupportedFeature: the answer would have to be fetched later, when nobody would see what it cost.
        """
        if request.body.get("background", NULL) == _TRUE and not request.stream:
            message = "background: an answer that is to be fetched later can't be had here; stream it, or wait for it"
            raise UnsupportedFeature(message, field="background")
        open_members = {_NAMES[name]: value for name, value in fill.items() if name in _NAMES}
        return _encode({**request.body, "model": msgspec.Raw(_encode(model)), **open_members})

    def parse_response(self, body: bytes, target: Format) -> Answer:
        """The body as it came, and its facts. Of a response that has failed, `original` is the whole response, which
        says so itself.
        """
        response = decode_response(body)
        facts = Facts(characters=sum(map(written, response.output or ())))
        note(facts, response)
        if response.status == "failed" or (response.output is None and response.error != NULL):
            return Answer(body, facts, Format.RESPONSES, failure(response.error, body))
        if response.output is None:
            raise ProviderBroken("The answer has no output", phase="body")
        return Answer(body, facts, Format.RESPONSES)

    def parse_stream(self, target: Format) -> StreamParser:
        """Takes events until the one with the response as it ended."""
        return _EventParser()

    def parse_error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """As for chat: by status, and by the body's `code` where that says more."""
        return error_of_status(status, headers, body)


class _EventParser:
    format = Format.RESPONSES
    may_end = False

    def __init__(self) -> None:
        self.facts = Facts()
        self.done = False
        self._calls = False

    def parse(self, event: Event) -> Frame | None:
        """See `StreamParser`. OpenRouter ends with `[DONE]`, which says nothing: the response has ended before."""
        if event.comment is not None:
            return Frame(comment=event.comment)
        data = event.data.strip()
        if not data or data == _DONE:
            return None
        told = decode_event(data)
        if isinstance(told.delta, str):
            self.facts.characters += len(told.delta)
        elif told.item is not None:
            self._note_item(told)
        elif told.response is not None:
            self._note_response(told, told.response, event.data)
        elif told.type == "error" or told.error != NULL:
            nested = told.error != NULL
            raise failure(told.error if nested else _encode({"code": told.code, "message": told.message}), data)
        return Frame(event.data, event.name, event.id)

    def _note_item(self, told: StreamEvent) -> None:
        """A call's name comes with its item; all else is counted as it grows."""
        item = told.item
        if item is not None and told.type == "response.output_item.added":
            self.facts.characters += len(item.name or "")
            self._calls = self._calls or is_call(item)

    def _note_response(self, told: StreamEvent, response: Response, data: bytes) -> None:
        if told.type not in _ENDS:
            response.status = None
        note(self.facts, response, calls=self._calls)
        self.done = told.type in _ENDS
        if told.type == "response.failed":
            raise failure(response.error, data)
