"""Token probabilities in chat's shape.

Formats: Gemini API reference, "LogprobsResult"; OpenAI API reference, "Chat" (`logprobs.content`).
"""

from itertools import zip_longest
from typing import Any

from services.router.wire.gemini.answer import LogprobsResult, TokenChance, TopCandidates

_NO_TOP = TopCandidates()


def chat_logprobs(result: LogprobsResult) -> dict[str, Any]:
    """The tokens chosen, each with the likeliest ones of its step."""
    chosen, top = result.chosen_candidates or [], result.top_candidates or []
    steps = zip_longest(chosen, top[: len(chosen)], fillvalue=_NO_TOP)
    content = [
        {**_chance(token), "top_logprobs": [_chance(other) for other in likeliest.candidates or ()]}
        for token, likeliest in steps
        if isinstance(token, TokenChance) and isinstance(likeliest, TopCandidates)
    ]
    return {"content": content, "refusal": None}


def _chance(token: TokenChance) -> dict[str, Any]:
    spelt = list(token.token.encode("utf-8", "replace"))
    return {"token": token.token, "logprob": token.log_probability, "bytes": spelt}
