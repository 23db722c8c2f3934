"""From a TestModelRequest to the neutral request."""

from pantheon.router.v1.completion_pb2 import CompletionSpec
from pantheon.router.v1.message_pb2 import Message, MessageRole, Part, TextPart
from pantheon.router.v1.router_service_pb2 import TestModelRequest
from services.router.api.grpc_request import to_request
from services.router.chat import ChatRequest
from services.router.trial.trial import PROMPT
from services.runtime.errors import InvalidField

_LONGEST_PROMPT = 32_768


def prompt_of(request: TestModelRequest) -> str:
    """What to ask. Raises InvalidField where it is too long."""
    if len(request.prompt) > _LONGEST_PROMPT:
        raise InvalidField("prompt", f"{len(request.prompt)} characters", f"at most {_LONGEST_PROMPT} characters")
    return request.prompt or PROMPT


def trial_request(model: str, prompt: str) -> ChatRequest:
    """The completion, streamed so that the first token is seen. Raises InvalidField where no model is named."""
    message = Message(role=MessageRole.MESSAGE_ROLE_USER, parts=[Part(text=TextPart(text=prompt))])
    return to_request(CompletionSpec(model=model, messages=[message]), stream=True)
