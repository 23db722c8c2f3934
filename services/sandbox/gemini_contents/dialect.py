"""The ways Gemini is asked for contents: whole, as server-sent events, or as a JSON array that grows."""

from enum import Enum

from services.sandbox.chat import Answer, ChatRequest, Usage
from services.sandbox.errors import ApiError
from services.sandbox.faults import from_model
from services.sandbox.gemini_contents import body as contents_body
from services.sandbox.gemini_contents import refusals, rendering, rules
from services.sandbox.gemini_contents.interpretation import interpret
from services.sandbox.provider import Bill, Call, Ended, Headers, is_invalid, is_unknown, random_id
from services.sandbox.script import Frame

_NO_KEY = (
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other "
    "form of API consumer identity to call this API."
)
_BAD_KEY = "API key not valid. Please pass a valid API key."


class Form(Enum):
    """How an answer comes."""

    WHOLE = "whole"
    EVENTS = "events"
    ARRAY = "array"


class Contents:
    """Gemini's dialect, in one form."""

    name = "gemini"
    keepalive = b""
    body_type = b"application/json; charset=UTF-8"

    def __init__(self, form: Form = Form.WHOLE) -> None:
        self._form = form
        self.stream_type = b"text/event-stream" if form is Form.EVENTS else self.body_type

    def gist(self, call: Call) -> tuple[str | None, bool]:
        """Model and streaming, as the path says."""
        return call.path.get("model"), self._form is not Form.WHOLE

    def authenticate(self, call: Call) -> str:
        """The key in `x-goog-api-key` or `?key=`. Raises ApiError 403 where it is missing, 400 where it is bad."""
        key = call.headers.get("x-goog-api-key") or call.query.get("key") or ""
        if not key:
            raise ApiError(403, _NO_KEY)
        if is_invalid(key):
            raise ApiError(400, _BAD_KEY, code=refusals.API_KEY_INVALID)
        return key

    def parse(self, call: Call) -> ChatRequest:
        """The request. Raises ApiError 400, or 404 for a model that does not exist."""
        model = existing(call.path["model"], "generateContent")
        read = contents_body.decode(call.body, contents_body.GenerateBody)
        rules.check(read, model)
        return interpret(read, model=model, stream=self._form is not Form.WHOLE)

    def answer_id(self) -> str:
        """22 letters and digits."""
        return random_id(22)

    def bill(self, request: ChatRequest, usage: Usage) -> Bill:
        """Tokens; Google names no cost."""
        return Bill(usage)

    def body(self, request: ChatRequest, answer: Answer, bill: Bill | None) -> bytes:
        """A `GenerateContentResponse`."""
        return rendering.indented(rendering.response(request, answer, None if bill is None else bill.usage))

    def stream(self, request: ChatRequest, answer: Answer, bill: Bill | None, *, done: bool) -> list[Frame]:
        """Several of them; only the last is told as the one that reports usage, though all do."""
        parts = list(rendering.chunks(request, answer, None if bill is None else bill.usage, done=done))
        last = len(parts) - 1
        if self._form is Form.EVENTS:
            return [
                rendering.event(part, tokens, reports_usage=bill is not None and position == last)
                for position, (part, tokens) in enumerate(parts)
            ]
        frames = []
        for position, (part, tokens) in enumerate(parts):
            lead = b",\r\n" if position else b"["
            tail = b"]" if position == last and done else b""
            payload = lead + rendering.indented(part) + tail
            frames.append(Frame(payload, tokens, bill is not None and position == last))
        return frames

    def headers(self, request: ChatRequest, answer: Answer, seconds: float) -> Headers:
        """Processing time."""
        return self.reply_headers(seconds)

    def reply_headers(self, seconds: float) -> Headers:
        """Processing time."""
        return ((b"server-timing", b"gfet4t7; dur=%d" % (seconds * 1000)), (b"vary", b"Origin, X-Origin, Referer"))

    def refusal(self, status: int, retry_after: float | None) -> ApiError:
        """A refusal with an ordered status."""
        return ApiError(status, refusals.status_of(status)[1], retry_after=retry_after)

    def error_body(self, error: ApiError) -> bytes:
        """A `google.rpc.Status`; in a list where a list was to come."""
        shape = {"error": refusals.error_object(error)}
        return rendering.indented([shape] if self._form is Form.ARRAY else shape)

    def error_headers(self, error: ApiError, seconds: float) -> Headers:
        """Processing time; when to come again is said in the body."""
        closing = ((b"connection", b"close"),) if error.status == 413 else ()
        return (*self.reply_headers(seconds), *closing)

    def error_frames(self, request: ChatRequest, answer: Answer) -> list[Frame]:
        """A part that holds an error, after which nothing comes."""
        shape = {"error": refusals.error_object(self.refusal(503, None))}
        if self._form is Form.EVENTS:
            return [rendering.event(shape)]
        return [Frame(b",\r\n" + rendering.indented(shape) + b"]")]

    def ended(self, ended: Ended) -> None:
        """Google keeps nothing."""


def existing(name: str, method: str) -> str:
    """A model's name without directives. Raises ApiError 404 where there is no such model."""
    model, _ = from_model(name)
    if is_unknown(model):
        raise refusals.no_model(model, method)
    return model
