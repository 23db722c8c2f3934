"""An answer in the common shape as the events of a response, chunk by chunk.

Format: OpenAI API reference, "Streaming events".
"""

import time
from typing import Any

import msgspec

from services.router.api.carrier import encoded
from services.router.api.frames import event
from services.router.api.responses.errors import ResponseErrors
from services.router.api.responses.namespaces import split_names
from services.router.api.responses.output import Output
from services.router.api.responses.response import begun, ended, key_of, status_of
from services.router.api.responses.said import read
from services.router.attempts import Call
from services.router.chat import Facts
from services.router.receipts import Receipt


class ResponseEvents:
    """Writes the events of one response, and counts them for an error that may come after."""

    def __init__(self, call: Call, numbered: ResponseErrors) -> None:
        self._numbered = numbered
        self._call = call
        self._written: list[bytes] = []
        self._response = begun(call, int(time.time()))
        self._output = Output(key_of(call), self._emit, split_names(call.request.body))
        self._model = ""
        self._finish_reason = ""

    def begin(self) -> bytes:
        """The events before anything has come."""
        self._emit("response.created", response=self._response)
        self._emit("response.in_progress", response=self._response)
        return self._taken()

    def add(self, chunk: bytes) -> bytes:
        """The events that a chunk makes; empty for one that says nothing. Raises ProviderBroken as `read` does."""
        model, choice, said = read(chunk, whole=False)
        self._model = model or self._model
        self._finish_reason = choice.finish_reason or self._finish_reason
        self._output.take(choice, said)
        return self._taken()

    def end(self, facts: Facts, receipt: Receipt) -> bytes:
        """The last events, once the answer is booked: what was open is done, and so is the response.

        Its `pantheon` says what a whole answer's headers would have said.
        """
        output = self._output.end(status_of(self._finish_reason))
        response = ended(self._response, output, self._finish_reason, self._model, facts.tokens, int(time.time()))
        cost = msgspec.Raw(receipt.amount.encode()) if receipt.amount else None
        response["pantheon"] = {"request_id": self._call.id, "model": self._call.plan.model, "cost": cost}
        self._emit(f"response.{response['status']}", response=response)
        return self._taken()

    def _emit(self, kind: str, **members: Any) -> None:
        told = {"type": kind, "sequence_number": self._numbered.count, **members}
        self._written.append(event(kind, encoded(told)))
        self._numbered.count += 1

    def _taken(self) -> bytes:
        written = b"".join(self._written)
        self._written.clear()
        return written
