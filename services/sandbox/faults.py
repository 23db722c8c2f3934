"""What is ordered to go wrong, or merely to be slow, and how it is ordered.

The same directives can be given, in falling precedence, by

- request headers: `x-sandbox-status: 429`, `x-sandbox-retry-after: 2`, `x-sandbox-no-done:`;
- the model name: `gpt-4o:sandbox-status-429:sandbox-retry-after-2`, `gpt-4o:sandbox-no-done`;
- rules on the control endpoint, for the next requests or all, of some models or all (`Rule`).
"""

import fnmatch
import re
from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec

MODEL_MARK = ":sandbox-"
HEADER_PREFIX = "x-sandbox-"

_SUFFIX = re.compile(r"(?P<name>[a-z-]+?)(?:-(?P<value>\d+(?:\.\d+)?))?")
_Status = Annotated[int, msgspec.Meta(ge=400, le=599)]
_Count = Annotated[int, msgspec.Meta(ge=0)]
_Amount = Annotated[float, msgspec.Meta(ge=0)]


class InvalidDirective(ValueError):
    """A directive that does not exist or has an impossible value; the message names it and what is allowed."""


class Directives(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """Orders for one exchange; what is None or False is not ordered."""

    status: _Status | None = None
    """Refuse with this HTTP status, in the provider's error body."""
    retry_after: _Amount | None = None
    """Seconds to name in the refusal's retry headers."""
    reset: bool = False
    """Reset the connection instead of answering."""
    reset_after: _Count | None = None
    """Reset it after so many events of the stream (or half of a body)."""
    hang: bool = False
    """Never answer."""
    stall_after: _Count | None = None
    """Fall silent after so many events of the stream (or half of a body)."""
    error_after: _Count | None = None
    """Send the provider's error event after so many events of the stream, and end it."""
    malformed: bool = False
    """Break the JSON of the body, or of one event amid the stream."""
    truncate: bool = False
    """Close the connection properly amid the body or an event."""
    no_usage: bool = False
    """Leave the token counts out."""
    no_done: bool = False
    """Leave out what marks the end of the stream."""
    usage_drift: _Amount | None = None
    """Multiply the reported token counts (and the cost made of them)."""
    cost_drift: _Amount | None = None
    """Multiply the reported cost alone."""
    first_byte: _Amount | None = None
    """Milliseconds before the status line."""
    first_token: _Amount | None = None
    """Milliseconds before the first token; instead of the sandbox's setting."""
    rate: _Amount | None = None
    """Tokens a second, 0 for all at once; instead of the sandbox's setting."""
    filter_after: _Count | None = None
    """The provider's content filter ends the answer after so many tokens of text."""
    length: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    """Exact tokens of a text answer."""
    empty: bool = False
    """Leave everything out of a list."""

    def over(self, other: "Directives") -> "Directives":
        """These, and where they order nothing, the others."""
        if other is NOTHING:
            return self
        ordered = {
            name: value for name in self.__struct_fields__ if (value := getattr(self, name)) not in (None, False)
        }
        return msgspec.structs.replace(other, **ordered) if ordered else other


NOTHING = Directives()


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order for requests to come: the first rule that fits a request applies to it."""

    directives: Directives
    provider: str | None = None
    """A provider's name; None for all."""
    model: str = "*"
    """A shell pattern for the requested model."""
    reading: bool = False
    """For reads of the model catalogue and of what a key is, instead of completions."""
    times: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """How many requests it applies to; None for all until it is taken back."""


class Rules:
    """The rules in force, oldest first."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []

    def __iter__(self) -> Iterator[Rule]:
        return iter(tuple(self._rules))

    def add(self, rule: Rule) -> None:
        """Puts a rule behind those in force."""
        self._rules.append(rule)

    def clear(self) -> None:
        """Takes back all rules."""
        self._rules.clear()

    def take(self, provider: str, model: str, *, reading: bool = False) -> Directives:
        """The orders for a request, which uses up one time of the rule they come from."""
        for position, rule in enumerate(self._rules):
            if rule.reading is not reading or rule.provider not in (None, provider):
                continue
            if not fnmatch.fnmatchcase(model, rule.model):
                continue
            if rule.times == 1:
                del self._rules[position]
            elif rule.times is not None:
                self._rules[position] = msgspec.structs.replace(rule, times=rule.times - 1)
            return rule.directives
        return NOTHING


def from_headers(headers: Mapping[str, str]) -> Directives:
    """The directives among a request's headers (names in lower case). Raises InvalidDirective."""
    given = {
        name[len(HEADER_PREFIX) :]: value.strip() for name, value in headers.items() if name.startswith(HEADER_PREFIX)
    }
    return _directives(given) if given else NOTHING


def from_model(model: str) -> tuple[str, Directives]:
    """A model's name without its directives, and those. Raises InvalidDirective."""
    if MODEL_MARK not in model:
        return model, NOTHING
    name, *suffixes = model.split(MODEL_MARK)
    given = {}
    for suffix in suffixes:
        match = _SUFFIX.fullmatch(suffix)
        if match is None:
            raise InvalidDirective(f"{MODEL_MARK}{suffix} in the model name: allowed is {MODEL_MARK}<name>[-<number>]")
        given[match["name"]] = match["value"] or ""
    return name, _directives(given)


def _directives(given: Mapping[str, str]) -> Directives:
    """Directives from their written form; an empty value switches on what needs no number."""
    try:
        return msgspec.convert({name: value or "true" for name, value in given.items()}, Directives, strict=False)
    except msgspec.ValidationError as error:
        written = ", ".join(f"{name}={value}" for name, value in given.items())
        allowed = ", ".join(field.encode_name for field in msgspec.structs.fields(Directives))
        raise InvalidDirective(f"{written}: {error}; sandbox directives are {allowed}") from error
