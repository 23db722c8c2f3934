"""Which generation a model is of, as far as requests differ by it."""

import re
from enum import Enum

_VERSION = re.compile(r"gemini-(\d+)(?:\.(\d+))?")


class Thinking(Enum):
    """How a model is told how much to think."""

    NEVER = "it does not think"
    BUDGET = "by a number of tokens"
    LEVEL = "by a level"


class Generation:
    """What the name of a model tells. A name without a version (`gemini-flash-latest`, a tuned model) is taken for a
    model told by a budget: newer ones understand that, too.
    """

    __slots__ = ("is_lite", "is_pro", "takes_media_in_results", "thinking", "wants_signatures")

    def __init__(self, model: str) -> None:
        found = _VERSION.search(model)
        version = (int(found[1]), int(found[2] or 0)) if found else None
        self.is_pro = "-pro" in model
        self.is_lite = "-lite" in model
        newest = version is not None and version >= (3, 0)
        self.wants_signatures = newest
        self.takes_media_in_results = newest
        if newest:
            self.thinking = Thinking.LEVEL
        elif (version is not None and version < (2, 5)) or "gemma" in model:
            self.thinking = Thinking.NEVER
        else:
            self.thinking = Thinking.BUDGET
