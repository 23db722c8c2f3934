"""A model's reasoning, between reasoning items and what the common shape says of it.

Formats: OpenAI API reference, "Reasoning" (items with `summary`, `content` and `encrypted_content`, which clients
return as they got them); OpenRouter, "Reasoning tokens" (`reasoning_details`); Google, "OpenAI compatibility"
(`extra_content`, which holds thought signatures).

What another provider wants back with the next turn (signatures, redacted thinking) has no member of its own in an item.
It travels in `encrypted_content`, sealed, and is known again there; what is not sealed is OpenAI's.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from services.router.api.carrier import sealed, unsealed
from services.router.api.responses.content import NOTHING, is_given
from services.router.wire.reading import member

Detail = dict[str, Any]
_OPENAI: Final = "openai-responses-v1"
"""What OpenRouter calls reasoning that only OpenAI's Responses API can read."""
_GROWING: Final = ("text", "summary")


class _Text(msgspec.Struct):
    text: msgspec.Raw = NOTHING


_texts = msgspec.json.Decoder(list[_Text])


@dataclass(slots=True)
class Thoughts:
    """What an assistant's message has beside text and calls.

    `details` are its `reasoning_details`; `calls` (by id) and `message` what calls and message have of `extra_content`.
    `late` says that it was known only when the text it belongs to had been written.
    """

    details: list[Detail] = field(default_factory=list)
    calls: dict[str, Any] = field(default_factory=dict)
    message: Any = None
    late: bool = False
    _growing: dict[str, list[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.details or self.calls or self.message)

    def add(self, more: "Thoughts") -> None:
        """Takes those of another item of the same turn."""
        self.details += more.details
        self.calls |= more.calls
        self.message = more.message or self.message

    @property
    def opaque(self) -> bool:
        """Whether there is more than text to it."""
        hidden = any(detail.get("signature") or detail.get("data") for detail in self.details)
        return hidden or bool(self.calls or self.message)

    def grow(self, pieces: Iterable[Detail]) -> None:
        """Takes pieces of details as a stream has them: those of one index, or of one kind in succession, are one."""
        for piece in pieces:
            last = self.details[-1] if self.details else {}
            same = all(piece.get(name) == last.get(name) for name in ("type", "index")) and "data" not in piece
            if not (last and same):
                self._end_growth()
                self.details.append(dict(piece))
                continue
            for name, value in piece.items():
                known = last.get(name)
                if name in _GROWING and isinstance(known, str) and isinstance(value, str):
                    self._growing.setdefault(name, [known]).append(value)
                elif value is not None:
                    last[name] = value

    def _end_growth(self) -> None:
        for name, texts in self._growing.items():
            self.details[-1][name] = "".join(texts)
        self._growing.clear()

    def seal(self) -> str | None:
        """As `encrypted_content`; None where the summary says it all."""
        if not self.opaque:
            return None
        self._end_growth()
        parts = {"details": self.details, "calls": self.calls, "message": self.message, "late": self.late}
        return sealed({name: value for name, value in parts.items() if value})


def thoughts_of(encrypted: str | None, summary: msgspec.Raw, content: msgspec.Raw, place: str) -> Thoughts:
    """What a reasoning item says. One that has but an id is kept at OpenAI, and says nothing. Raises InvalidField."""
    carried = unsealed(encrypted) if encrypted else None
    if carried is not None:
        return _carried(carried)
    details: list[Detail] = []
    if is_given(summary):
        texts = member(_texts, summary, f"{place}.summary")
        details += [{"type": "reasoning.summary", "summary": part.text} for part in texts if is_given(part.text)]
    if is_given(content):
        texts = member(_texts, content, f"{place}.content")
        details += [{"type": "reasoning.text", "text": part.text} for part in texts if is_given(part.text)]
    if encrypted:
        details.append({"type": "reasoning.encrypted", "data": encrypted, "format": _OPENAI})
    return Thoughts(details)


def _carried(value: dict[str, Any]) -> Thoughts:
    """What was sealed here, as far as it is what was sealed: a client may have sealed it itself."""
    details, calls = value.get("details"), value.get("calls")
    found = [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []
    return Thoughts(
        found, calls if isinstance(calls, dict) else {}, value.get("message"), late=value.get("late") is True
    )
