"""The neutral request and answer that surfaces, engine and wire formats share.

Their shape is the field's common one, the JSON of OpenAI's chat completions ("Create chat completion" in OpenAI's API
reference). A request keeps each of its members as the bytes it came in, so what nobody here understands reaches the
provider unchanged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from services.rating import Tokens
from services.runtime.errors import InvalidField

_MOST_TAGS = 16
_TAG_LENGTH = 64
_TAG_VALUE_LENGTH = 256

CHARACTERS_PER_TOKEN = 4
"""What an estimate takes a token for: the rule of thumb all vendors give for English text.

Other scripts have fewer characters a token and are underestimated; the ledger marks estimates as such.
"""

Body = dict[str, msgspec.Raw]
"""A JSON object whose members are still the bytes they came in."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One completion to make, of whatever surface.

    `body` is the whole request as an OpenAI chat completion; `parameters` are those of a surface that is not OpenAI's
    own, under their neutral names, for the provider's dialect to spell; `show_usage` says whether the client asked for
    the usage of a stream; `providers` (empty: the catalog's order) and `fallback` are its routing preferences.
    """

    model: str
    body: Body
    size: int
    parameters: Body = field(default_factory=dict)
    stream: bool = False
    show_usage: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    providers: tuple[str, ...] = ()
    fallback: bool = True
    apply_defaults: bool = False


@dataclass(slots=True)
class Facts:
    """What an answer says about itself; filled in as it comes.

    `characters` counts what the model has written: text, reasoning, refusals, and names and arguments of tool calls.
    `tokens` and `reported_cost` (USD) are None until the provider tells them. `open_choices` are those, by index, that
    have begun and not come to a finish reason; `ended_choices` those that have.
    """

    response_id: str = ""
    served_model: str = ""
    finish_reason: str = ""
    characters: int = 0
    tokens: Tokens | None = None
    reported_cost: Decimal | None = None
    open_choices: set[int] = field(default_factory=set, compare=False)
    ended_choices: set[int] = field(default_factory=set, compare=False)

    @property
    def ended(self) -> bool:
        """Whether every choice that began has come to its finish reason."""
        return bool(self.finish_reason) and not self.open_choices


@dataclass(frozen=True, slots=True)
class Frame:
    """One piece of a streamed answer: a chunk in the common shape, or (`comment`) what keeps connections alive.

    `usage` says that the chunk carries the usage, `usage_only` that it carries nothing else.
    """

    data: bytes = b""
    comment: bytes | None = None
    usage: bool = False
    usage_only: bool = False


def check_tags(tags: Mapping[str, str]) -> None:
    """Lets at most 16 tags pass, with keys of 1 to 64 and values of at most 256 characters, all of them printable.

    Raises:
        InvalidField: there are more, or one is too long, has no key, or holds what a database or a report can't.
    """
    if len(tags) > _MOST_TAGS:
        raise InvalidField("tags", len(tags), f"at most {_MOST_TAGS} tags")
    for key, value in tags.items():
        if not (0 < len(key) <= _TAG_LENGTH and key.isprintable()):
            raise InvalidField("tags", key, f"keys of 1 to {_TAG_LENGTH} printable characters")
        if len(value) > _TAG_VALUE_LENGTH or not value.isprintable():
            raise InvalidField(f"tags.{key}", value, f"values of at most {_TAG_VALUE_LENGTH} printable characters")
