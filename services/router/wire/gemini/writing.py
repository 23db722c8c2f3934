"""JSON for clients, also of what providers should not have sent."""

import json
from typing import Any

import msgspec

from services.runtime.errors import ProviderBroken

_encode = msgspec.json.Encoder().encode


def written(answer: dict[str, Any]) -> bytes:
    """The JSON. Half a surrogate pair, as sent of an emoji cut in two, is escaped: the other half follows.

    Raises:
        ProviderBroken: it is nested too deeply.
    """
    try:
        return _encode(answer)
    except UnicodeEncodeError:
        pass
    try:
        return json.dumps(answer, default=_plain, separators=(",", ":")).encode()
    except RecursionError:
        raise ProviderBroken("The answer can't be read: it is nested too deeply", phase="body") from None


def compact(raw: msgspec.Raw) -> str:
    """JSON as it came but for white space; bytes that are no UTF-8 are replaced.

    Raises:
        ProviderBroken: it is no JSON after all: what is kept as it came has only been skipped over.
    """
    try:
        return msgspec.json.format(bytes(raw), indent=-1).decode("utf-8", "replace")
    except (msgspec.DecodeError, RecursionError) as error:
        raise ProviderBroken(f"The answer can't be read: {error}", phase="body") from None


def _plain(value: object) -> Any:
    return json.loads(bytes(value)) if isinstance(value, msgspec.Raw) else str(value)
