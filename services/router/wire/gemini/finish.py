"""Why a model stopped, in chat's words.

Format: Gemini API reference, "FinishReason" and "BlockReason"; Vertex AI's reference for those only it has.
"""

_STOP = "stop"
_LENGTH = "length"
_FILTERED = "content_filter"
_UNTOLD = (None, "", 0, "FINISH_REASON_UNSPECIFIED")
_BY_NUMBER = {1: "STOP", 2: "MAX_TOKENS", 3: "SAFETY", 4: "RECITATION", 5: "OTHER"}
"""As far as both of Google's APIs number alike."""
_IN_CHAT = {
    "STOP": _STOP,
    "MAX_TOKENS": _LENGTH,
    "CONTINUATION": _LENGTH,
    "SAFETY": _FILTERED,
    "RECITATION": _FILTERED,
    "LANGUAGE": _FILTERED,
    "BLOCKLIST": _FILTERED,
    "PROHIBITED_CONTENT": _FILTERED,
    "SPII": _FILTERED,
    "IMAGE_SAFETY": _FILTERED,
    "IMAGE_PROHIBITED_CONTENT": _FILTERED,
    "IMAGE_RECITATION": _FILTERED,
    "ESCALATION": _FILTERED,
    "PUP_LIMITED_DISABLED": _FILTERED,
    "MODEL_ARMOR": _FILTERED,
}


def native_reason(given: str | int | None) -> str | None:
    """Google's own word; None while the model has not stopped."""
    if given in _UNTOLD:
        return None
    return given if isinstance(given, str) else _BY_NUMBER.get(given or 0, str(given))


def finish_reason(native: str, *, called: bool) -> str:
    """Chat's word for Google's. What chat has no word for (a call gone wrong, a reason yet unknown) is a stop.

    A model that made calls stopped for them, unless it was cut off or filtered: Gemini itself calls that a stop.
    """
    reason = _IN_CHAT.get(native, _STOP)
    return "tool_calls" if called and reason == _STOP else reason
