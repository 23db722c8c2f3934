"""Whether a request holds pictures, in any of the formats it may come in. Pure."""

import msgspec

from services.router.chat import UNREADABLE_JSON, ChatRequest

_SPEAKERS = ("messages", "input")
"""The members that hold what was said: chat completions and Messages; Responses."""
_HINTS = (b"image", b"screenshot")
_TYPES = {"image_url", "image", "input_image", "computer_screenshot"}
"""Of parts: chat completions; Messages; Responses, the last of them what a tool has seen."""


def has_pictures(request: ChatRequest) -> bool:
    """Whether a part of what was said, or of what a tool answered, is a picture."""
    return any(_holds(request.body[member]) for member in _SPEAKERS if member in request.body)


def _holds(said: msgspec.Raw) -> bool:
    content = bytes(said)
    if not any(hint in content for hint in _HINTS):
        return False
    try:
        waiting = [msgspec.json.decode(content)]
    except UNREADABLE_JSON:
        return False
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            kind = value.get("type")
            if isinstance(kind, str) and kind in _TYPES:
                return True
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return False
