"""The neutral request and answer that surfaces, engine and wire formats share.

Their shape is the field's common one, the JSON of OpenAI's chat completions ("Create chat completion" in OpenAI's API
reference), with what others have added to it: `reasoning`, `reasoning_details` and `cache_control` (OpenRouter), and
`extra_content` (Google). A request keeps each of its members as the bytes it came in, so what nobody here understands
reaches a provider of the same format unchanged; it is translated only for one of another format, through this shape.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

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

NULL = msgspec.Raw(b"null")
"""A member that says nothing, as if it were absent."""

UNREADABLE_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises: it is of another kind or no JSON at all, it is not UTF-8, it is nested too deeply."""


class Format(Enum):
    """What requests and answers are written in."""

    CHAT = "openai_chat"
    RESPONSES = "openai_responses"
    MESSAGES = "anthropic_messages"
    GEMINI = "gemini"
    EMBEDDINGS = "openai_embeddings"
    COUNT_TOKENS = "anthropic_count_tokens"


CHAT_FORMATS = frozenset({Format.CHAT, Format.RESPONSES, Format.MESSAGES})
"""Those in which a completion is asked for."""


def _as_it_is(body: Body) -> Body:
    return body


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One completion to make, of whatever surface.

    `body` is the whole request in `format`, as it came; `to_chat` translates it for a provider that speaks another
    (UnsupportedFeature where it can't be), and `headers` are those that go with it to one that speaks the same.
    `parameters` are those of a surface without a format of its own, under their neutral names, for the provider's
    dialect to spell; `show_usage` says whether the client asked for the usage of a stream; `providers` (empty: the
    catalog's order) and `fallback` are its routing preferences.
    """

    model: str
    body: Body
    size: int
    format: Format = Format.CHAT
    to_chat: Callable[[Body], Body] = _as_it_is
    headers: Mapping[str, str] = field(default_factory=dict)
    parameters: Body = field(default_factory=dict)
    stream: bool = False
    show_usage: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    providers: tuple[str, ...] = ()
    fallback: bool = True
    apply_defaults: bool = False

    def chat(self) -> Body:
        """The request in the common shape. Raises UnsupportedFeature, InvalidField."""
        return self.to_chat(self.body)


@dataclass(slots=True)
class Facts:
    """What an answer says about itself; filled in as it comes.

    `characters` counts what the model has written: text, reasoning, refusals, and names and arguments of tool calls.
    `tokens` and `reported_cost` (USD) are None until the provider tells them; `counts_so_far` says that more tokens
    were to come when it last did. `open_choices` are those, by index, that have begun and not come to a finish reason;
    `ended_choices` those that have.
    """

    response_id: str = ""
    served_model: str = ""
    finish_reason: str = ""
    characters: int = 0
    tokens: Tokens | None = None
    counts_so_far: bool = False
    reported_cost: Decimal | None = None
    open_choices: set[int] = field(default_factory=set, compare=False)
    ended_choices: set[int] = field(default_factory=set, compare=False)

    @property
    def ended(self) -> bool:
        """Whether every choice that began has come to its finish reason."""
        return bool(self.finish_reason) and not self.open_choices


@dataclass(frozen=True, slots=True)
class Frame:
    """One piece of a streamed answer: a chunk in the stream's format, or (`comment`) what keeps connections alive.

    `name` and `id` are the event's, where it has them; `usage` says that the chunk carries the usage,
    `usage_only` that it carries nothing else.
    """

    data: bytes = b""
    name: bytes = b""
    id: bytes = b""
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
