"""Simulated OpenAI: `POST /responses`."""

from services.sandbox.chat import Answer, ChatRequest
from services.sandbox.errors import ApiError
from services.sandbox.faults import from_model
from services.sandbox.openai_chat import refusals
from services.sandbox.openai_manners import OpenAIManners, served
from services.sandbox.openai_responses import body as responses_body
from services.sandbox.openai_responses import rendering, rules
from services.sandbox.openai_responses.interpretation import interpret
from services.sandbox.provider import Bill, Call, is_unknown, random_id, reasons
from services.sandbox.script import Frame


class Responses(OpenAIManners):
    """OpenAI's Responses API. Nothing is stored, so that no response can be continued or fetched."""

    def parse(self, call: Call) -> ChatRequest:
        """The request. Raises ApiError 400, also for a model that does not exist."""
        read = responses_body.decode(call.body)
        if not read.model:
            raise refusals.missing("model")
        model, _ = from_model(read.model)
        if is_unknown(model):
            text = f"The requested model '{model}' does not exist."
            raise ApiError(400, text, param="model", code="model_not_found")
        rules.check(read, reasons=reasons(model))
        return interpret(read, model=model, reasons=reasons(model))

    def answer_id(self) -> str:
        """`resp_` and 48 letters and digits."""
        return f"resp_{random_id(48)}"

    def body(self, request: ChatRequest, answer: Answer, bill: Bill | None) -> bytes:
        """A `response` object."""
        return rendering.response(request, answer, served(request), None if bill is None else bill.usage)

    def stream(self, request: ChatRequest, answer: Answer, bill: Bill | None, *, done: bool) -> list[Frame]:
        """Numbered events, the last of which repeats the whole response."""
        return rendering.events(request, answer, served(request), None if bill is None else bill.usage, done=done)

    def error_frames(self, request: ChatRequest, answer: Answer) -> list[Frame]:
        """`response.failed`, after which nothing comes."""
        return [rendering.failure(request, answer, served(request))]
