"""Simulated OpenRouter: chat completions with their cost, the model catalogue, and the record of a generation.

Shapes, headers and wording follow recorded answers of openrouter.ai and OpenRouter's API reference.
"""

import math
import time
from collections.abc import Mapping, Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from services.sandbox import openrouter_models
from services.sandbox import openrouter_rendering as rendering
from services.sandbox.chat import Answer, ChatRequest, Usage
from services.sandbox.errors import ApiError
from services.sandbox.faults import from_model
from services.sandbox.generations import Generations
from services.sandbox.openai_chat import body as chat_body
from services.sandbox.openai_chat import rules
from services.sandbox.prices import cost_of
from services.sandbox.provider import (
    Bill,
    Call,
    Doors,
    Ended,
    Headers,
    bearer_key,
    is_invalid,
    is_unknown,
    random_id,
    reasons,
)
from services.sandbox.script import Frame

REFUSALS: Mapping[int, tuple[str, str | None]] = {
    400: ("Provider returned error", "invalid_request"),
    401: ("User not found.", None),
    403: ("Request blocked: prompt injection patterns detected", None),
    404: ("No endpoints found for this model.", None),
    408: ("Request timed out", "timeout"),
    409: ("Conflict", None),
    429: ("Rate limit exceeded", "rate_limit_exceeded"),
    500: ("Internal Server Error", "server"),
    502: ("Provider returned error", "provider_unavailable"),
    503: ("Provider overloaded", "provider_overloaded"),
    529: ("Provider returned error", "provider_overloaded"),
}
"""Message and `error_type` of a refusal with an ordered status."""

_NO_KEY = "No cookie auth credentials found"


class Reasoning(msgspec.Struct, frozen=True):
    """OpenRouter's `reasoning` object."""

    effort: str | None = None
    enabled: bool | None = None
    exclude: bool | None = None
    max_tokens: int | None = None


class Body(chat_body.ChatBody, frozen=True, kw_only=True):
    """OpenAI's body with what OpenRouter adds to it; `models` are fallbacks, of which the first serves."""

    models: list[str] | None = None
    reasoning: Reasoning | None = None


_decoder = msgspec.json.Decoder(Body)


class OpenRouter:
    """openrouter.ai, as far as it makes chat completions."""

    name = "openrouter"
    prefix = "/openrouter/api/v1"
    keepalive = b": OPENROUTER PROCESSING\n\n"
    stream_type = b"text/event-stream"
    body_type = b"application/json"

    def __init__(self) -> None:
        self._generations = Generations()

    def routes(self, doors: Doors) -> Sequence[BaseRoute]:
        """Chat completions, the catalogue (which is public), what a key is, and one generation."""
        return (
            Route("/chat/completions", doors.completions(self), methods=["POST"]),
            Route("/models", doors.reading(self, openrouter_models.listed, public=True), methods=["GET"]),
            Route("/key", doors.reading(self, openrouter_models.key), methods=["GET"]),
            Route("/generation", self._generation, methods=["GET"]),
        )

    def gist(self, call: Call) -> tuple[str | None, bool]:
        """Model and streaming, as the body says."""
        return chat_body.gist(call.body)

    def authenticate(self, call: Call) -> str:
        """The bearer key. Raises ApiError 401 where it is missing, or bad."""
        key = bearer_key(call.headers)
        if key is None:
            raise ApiError(401, _NO_KEY)
        if is_invalid(key):
            raise ApiError(401, REFUSALS[401][0])
        return key

    def parse(self, call: Call) -> ChatRequest:
        """The request. Raises ApiError 400, also for a model that does not exist."""
        read = chat_body.decode(call.body, _decoder)
        name = read.model or next(iter(read.models or ()), None)
        if name is None:
            raise ApiError(400, "No models provided")
        model, _ = from_model(name)
        if is_unknown(model):
            raise ApiError(400, f"{model} is not a valid model ID")
        if read.messages is None:
            raise ApiError(400, 'Input required: specify "prompt" or "messages"')
        rules.check(read)
        wish = read.reasoning or Reasoning()
        effort = wish.effort or read.reasoning_effort
        asked = wish.enabled is True or wish.max_tokens is not None or effort not in (None, "none")
        thinks = (asked or reasons(model)) and wish.enabled is not False and effort != "none"
        return rules.interpret(read, model=model, reasons=thinks, effort=effort, shows_reasoning=not wish.exclude)

    def answer_id(self) -> str:
        """`gen-`, the time, and 20 letters and digits."""
        return f"gen-{int(time.time())}-{random_id(20)}"

    def bill(self, request: ChatRequest, usage: Usage) -> Bill:
        """Tokens and what they cost by the price list."""
        return Bill(usage, cost_of(request.model, usage).total)

    def body(self, request: ChatRequest, answer: Answer, bill: Bill | None) -> bytes:
        """A `chat.completion` object, behind the white space that kept the connection open."""
        return rendering.completion(request, answer, bill)

    def stream(self, request: ChatRequest, answer: Answer, bill: Bill | None, *, done: bool) -> list[Frame]:
        """`chat.completion.chunk` events; the last of them repeats the finish and holds the bill."""
        return rendering.chunks(request, answer, bill, done=done)

    def headers(self, request: ChatRequest, answer: Answer, seconds: float) -> Headers:
        """The id of the generation."""
        return ((b"x-generation-id", answer.id.encode()),)

    def reply_headers(self, seconds: float) -> Headers:
        """OpenRouter adds none."""
        return ()

    def refusal(self, status: int, retry_after: float | None) -> ApiError:
        """A refusal with an ordered status."""
        message, error_type = REFUSALS.get(status, REFUSALS[500 if status >= 500 else 400])
        return ApiError(status, message, code=error_type, retry_after=retry_after)

    def error_body(self, error: ApiError) -> bytes:
        """OpenRouter's error object, whose code is the HTTP status."""
        return msgspec.json.encode({"error": rendering.error(error)})

    def error_headers(self, error: ApiError, seconds: float) -> Headers:
        """When to come again."""
        headers = [] if error.retry_after is None else [(b"retry-after", b"%d" % math.ceil(error.retry_after))]
        if error.status == 413:
            headers.append((b"connection", b"close"))
        return headers

    def error_frames(self, request: ChatRequest, answer: Answer) -> list[Frame]:
        """A chunk with an error that finishes the choice, after which nothing comes."""
        failure = ApiError(502, "Provider disconnected unexpectedly", code="provider_unavailable")
        return [rendering.failure(request, answer, failure)]

    def ended(self, ended: Ended) -> None:
        """Keeps the generation to be asked about."""
        self._generations.add(ended)

    async def _generation(self, request: Request) -> Response:
        wanted = request.query_params.get("id", "")
        try:
            self.authenticate(Call(body=b"", headers=request.headers))
            found = self._generations.find(wanted)
            if found is None:
                raise ApiError(404, f"Generation {wanted} not found")
        except ApiError as error:
            return Response(self.error_body(error), error.status, media_type="application/json")
        return Response(found, media_type="application/json")
