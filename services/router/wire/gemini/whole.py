"""A whole answer of Gemini's as a chat completion.

Formats: Gemini API reference, "generateContent"; OpenAI API reference, "The chat completion object".
"""

import time

from services.router.chat import Facts
from services.router.wire.base import Answer
from services.router.wire.gemini.answer import Candidate, decode
from services.router.wire.gemini.choice import Choice, Json
from services.router.wire.gemini.errors import error_inside
from services.router.wire.gemini.facts import blocked, note_end, note_identity
from services.router.wire.gemini.usage import chat_usage, tokens_of
from services.router.wire.gemini.writing import written
from services.runtime.errors import ProviderBroken


def parse_whole(body: bytes) -> Answer:
    """The answer in the common shape.

    Raises:
        ProviderBroken: it is not of this format.
        ProviderError: it is an error, though its status is a success.
    """
    response = decode(body)
    if response.has_error:
        raise error_inside(response.error)
    facts = Facts()
    note_identity(facts, response)
    choices = [_choice(candidate, facts) for candidate in response.candidates or ()]
    if not choices:
        refused = blocked(response)
        if refused is None:
            raise ProviderBroken("The answer has no candidates", phase="body")
        note_end(facts, 0, "content_filter")
        choices = [{"index": 0, "message": {"role": "assistant", "content": ""}, **refused}]
    completion: Json = {
        "id": facts.response_id,
        "object": "chat.completion",
        "created": int(time.time()),
        "model": facts.served_model,
        "choices": choices,
    }
    if response.usage_metadata is not None:
        facts.tokens = tokens_of(response.usage_metadata)
        completion["usage"] = chat_usage(response.usage_metadata)
    return Answer(written(completion), facts)


def _choice(candidate: Candidate, facts: Facts) -> Json:
    choice = Choice(candidate.index, facts.response_id)
    said = choice.read(candidate)
    for call in said.get("tool_calls", ()):
        del call["index"]
    facts.characters += choice.written
    end = choice.end_of(candidate)
    note_end(facts, candidate.index, end["finish_reason"])
    message = {"role": "assistant", "content": None if "tool_calls" in said else "", **said}
    return {"index": candidate.index, "message": message, **end}
