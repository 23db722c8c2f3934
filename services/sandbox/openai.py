"""Simulated OpenAI: chat completions, responses, embeddings and the model catalogue.

Shapes, headers and wording follow recorded answers of api.openai.com and OpenAI's API reference.
"""

from collections.abc import Sequence

import msgspec
from starlette.routing import BaseRoute, Route

from services.sandbox import openai_embeddings
from services.sandbox.chat import Answer, ChatRequest
from services.sandbox.errors import ApiError
from services.sandbox.faults import from_model
from services.sandbox.openai_chat import body as chat_body
from services.sandbox.openai_chat import rendering, rules
from services.sandbox.openai_manners import SNAPSHOTS, OpenAIManners, error_object, served
from services.sandbox.openai_responses.dialect import Responses
from services.sandbox.provider import (
    Bill,
    Call,
    Doors,
    Reply,
    is_unknown,
    random_id,
    reasons,
)
from services.sandbox.script import Frame

_decoder = msgspec.json.Decoder(chat_body.ChatBody)


class OpenAI(OpenAIManners):
    """api.openai.com, as far as it makes chat completions, responses and embeddings."""

    prefix = "/openai/v1"

    def routes(self, doors: Doors) -> Sequence[BaseRoute]:
        """Chat completions, responses, embeddings, the catalogue, and one model of it."""
        return (
            Route("/chat/completions", doors.completions(self), methods=["POST"]),
            Route("/responses", doors.completions(Responses()), methods=["POST"]),
            Route("/embeddings", doors.operation(self, openai_embeddings.embed), methods=["POST"]),
            Route("/models", doors.reading(self, _models), methods=["GET"]),
            Route("/models/{model:path}", doors.reading(self, _one), methods=["GET"]),
        )

    def parse(self, call: Call) -> ChatRequest:
        """The request. Raises ApiError 400, or 404 for a model that does not exist."""
        read = chat_body.decode(call.body, _decoder)
        if not read.model:
            raise ApiError(400, "you must provide a model parameter")
        model, _ = from_model(read.model)
        if is_unknown(model):
            text = f"The model `{model}` does not exist or you do not have access to it."
            raise ApiError(404, text, code="model_not_found")
        rules.check(read)
        thinks = reasons(model)
        if thinks:
            _check_reasoning_parameters(read)
        return rules.interpret(read, model=model, reasons=thinks, effort=read.reasoning_effort, shows_reasoning=False)

    def answer_id(self) -> str:
        """`chatcmpl-` and 29 letters and digits."""
        return f"chatcmpl-{random_id(29)}"

    def body(self, request: ChatRequest, answer: Answer, bill: Bill | None) -> bytes:
        """A `chat.completion` object."""
        return rendering.completion(request, answer, served(request), None if bill is None else bill.usage)

    def stream(self, request: ChatRequest, answer: Answer, bill: Bill | None, *, done: bool) -> list[Frame]:
        """`chat.completion.chunk` events; token counts only where they were asked for."""
        usage = bill.usage if bill is not None and request.include_usage else None
        return rendering.chunks(request, answer, served(request), usage, done=done)

    def error_frames(self, request: ChatRequest, answer: Answer) -> list[Frame]:
        """An event that holds an error object, after which nothing comes."""
        text = "The server had an error processing your request. Sorry about that!"
        return [rendering.event({"error": error_object(ApiError(500, text, kind="server_error"))})]


def _models(_: Call) -> Reply:
    """The catalogue."""
    names = sorted({*SNAPSHOTS, *SNAPSHOTS.values(), *openai_embeddings.DIMENSIONS})
    return Reply(_list(list(map(_model, names))), empty=_list([]))


def _one(call: Call) -> Reply:
    """A model of the catalogue. Raises ApiError 404 where there is no such model."""
    name = call.path["model"]
    if is_unknown(name):
        raise ApiError(404, f"The model '{name}' does not exist", param="model", code="model_not_found")
    return Reply(msgspec.json.encode(_model(name)))


def _list(models: list[dict[str, str | int]]) -> bytes:
    return msgspec.json.encode({"object": "list", "data": models})


def _check_reasoning_parameters(read: chat_body.ChatBody) -> None:
    """Raises ApiError 400 for parameters that reasoning models do not take."""
    if read.max_tokens is not None:
        text = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        raise ApiError(400, text, param="max_tokens", code="unsupported_parameter")
    if read.temperature not in (None, 1):
        text = (
            f"Unsupported value: 'temperature' does not support {read.temperature:g} with this model. "
            "Only the default (1) value is supported."
        )
        raise ApiError(400, text, param="temperature", code="unsupported_value")


def _model(name: str) -> dict[str, str | int]:
    return {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "openai"}
