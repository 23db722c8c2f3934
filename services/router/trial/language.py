"""Which language a text is in, by py3langid (97 languages, byte n-grams)."""

import asyncio
from functools import cache

_CONFIDENT = 0.7
"""Below it a text is too short, or too much of a mixture, to tell."""
_LONGEST = 4_096


async def same_language(one: str, other: str) -> bool | None:
    """Whether two texts are in the same language; None where that can't be told of either.

    In a thread: the first call reads a model of some megabytes, and requests go on meanwhile.
    """
    return await asyncio.to_thread(_same, one, other)


def _same(one: str, other: str) -> bool | None:
    first, second = _language(one), _language(other)
    return None if first is None or second is None else first == second


def _language(text: str) -> str | None:
    name, confidence = _identifier().classify(text[:_LONGEST])
    return name if confidence >= _CONFIDENT else None


@cache
def _identifier():  # type: ignore[no-untyped-def]  # noqa: ANN202 - its type is known only where it is imported
    # Late: it brings numpy, which a router that tests no model has no use for.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
