"""A whole answer in the common shape as a response object."""

import time
from typing import Any

from services.rating import Tokens
from services.router.api.carrier import encoded
from services.router.api.responses.namespaces import split_names
from services.router.api.responses.output import Output
from services.router.api.responses.response import begun, ended, key_of, status_of
from services.router.api.responses.said import read
from services.router.attempts import Call


def response_of(call: Call, answer: bytes, tokens: Tokens | None) -> bytes:
    """The response, as JSON. Raises ProviderBroken where the answer is not of the common shape."""
    model, choice, said = read(answer, whole=True)
    said.number_calls()
    output = Output(key_of(call), _to_nobody, split_names(call.request.body))
    output.take(choice, said)
    now = int(time.time())
    finish_reason = choice.finish_reason or ""
    items = output.end(status_of(finish_reason))
    return encoded(ended(begun(call, now), items, finish_reason, model, tokens, now))


def _to_nobody(kind: str, **members: Any) -> None:
    """Where the steps of a whole answer go."""
