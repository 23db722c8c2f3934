"""What a Claude model takes, by its version: the format changed with the models.

Sources: Claude API docs, "Thinking" (budgets up to 4.5, adaptive from 4.6 on), "Migrating to Claude Opus 4.7" (sampling
parameters are refused from then on), "Structured outputs" (from 4.5 on, and Opus 4.1).
A name without a version is taken for a model of today, so that a new model needs no entry here.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

_NAME = re.compile(r"claude-(?:(?P<family>[a-z]+)-)?(?P<major>\d)(?:[-.](?P<minor>\d)(?!\d))?(?!\d)")
_ADAPTIVE = (4, 6)
_WITHOUT_SAMPLING = (4, 7)
_STRICT = (4, 5)
_STRICT_EARLY = ("opus", (4, 1))


@dataclass(frozen=True, slots=True)
class Generation:
    """`thinks_by_budget`: it is told how many tokens to think; later ones adapt, and are told how much effort to make.

    `samples`: it takes temperature, top_p and top_k. `is_strict`: it can be held to a tool's schema.
    """

    thinks_by_budget: bool = False
    samples: bool = False
    is_strict: bool = True


@lru_cache(maxsize=1024)
def generation_of(model: str) -> Generation:
    """By the provider's name of the model, as `claude-haiku-4-5-20251001` or `claude-3-7-sonnet-latest`."""
    found = _NAME.search(model)
    if found is None:
        return Generation()
    version = int(found["major"]), int(found["minor"] or 0)
    return Generation(
        thinks_by_budget=version < _ADAPTIVE,
        samples=version < _WITHOUT_SAMPLING,
        is_strict=version >= _STRICT or (found["family"], version) == _STRICT_EARLY,
    )
