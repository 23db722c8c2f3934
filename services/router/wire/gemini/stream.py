"""A streamed answer of Gemini's as chunks of a chat completion.

Format: Gemini API reference, "streamGenerateContent" with `alt=sse`: each event holds a whole GenerateContentResponse
with what is new; there is no terminal marker.
"""

import time

from services.router.chat import Facts, Format, Frame
from services.router.sse import Event
from services.router.wire.gemini.answer import Candidate, UsageMetadata, decode
from services.router.wire.gemini.choice import Choice, Json
from services.router.wire.gemini.errors import error_inside
from services.router.wire.gemini.facts import blocked, note_end, note_identity
from services.router.wire.gemini.usage import chat_usage, merged, tokens_of
from services.router.wire.gemini.writing import written


class GeminiStream:
    """See `StreamParser`. Usage comes in every chunk; the frames show it from the finish reason on."""

    format = Format.CHAT

    def __init__(self) -> None:
        self.facts = Facts()
        self.done = False
        self._created = int(time.time())
        self._choices: dict[int, Choice] = {}
        self._usage: UsageMetadata | None = None
        self._unshown = False

    @property
    def may_end(self) -> bool:
        """After the finish reasons: nothing marks the end."""
        return self.facts.ended

    def parse(self, event: Event) -> Frame | None:
        """See `StreamParser`."""
        if event.comment is not None:
            return Frame(comment=event.comment)
        data = event.data or event.bare
        if not data or data.isspace():
            return None
        response = decode(data)
        if response.has_error:
            raise error_inside(response.error)
        note_identity(self.facts, response)
        if response.usage_metadata is not None:
            self._usage = merged(self._usage, response.usage_metadata)
            self._unshown = True
            self.facts.tokens = tokens_of(self._usage)
        choices = [self._choice(candidate) for candidate in response.candidates or ()]
        if not choices and (refused := blocked(response)) is not None:
            note_end(self.facts, 0, "content_filter")
            choices = [{"index": 0, "delta": {"role": "assistant", "content": ""}, **refused}]
        self.facts.counts_so_far = not self.facts.ended
        return self._frame(choices)

    def _choice(self, candidate: Candidate) -> Json:
        index = candidate.index
        choice = self._choices.get(index)
        delta: Json = {}
        if choice is None:
            choice = self._choices[index] = Choice(index, self.facts.response_id)
            delta["role"] = "assistant"
        before = choice.written
        delta.update(choice.read(candidate))
        self.facts.characters += choice.written - before
        end = choice.end_of(candidate)
        note_end(self.facts, index, end["finish_reason"])
        return {"index": index, "delta": delta, **end}

    def _frame(self, choices: list[Json]) -> Frame | None:
        usage = self._unshown and self.facts.ended
        if not choices and not usage:
            return None
        chunk: Json = {
            "id": self.facts.response_id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self.facts.served_model,
            "choices": choices,
        }
        if usage and self._usage is not None:
            chunk["usage"] = chat_usage(self._usage)
            self._unshown = False
        return Frame(written(chunk), usage=usage, usage_only=usage and not choices)
