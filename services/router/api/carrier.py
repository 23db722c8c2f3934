"""What other providers want back with the next turn, carried through clients in members they never read.

Anthropic's thinking blocks have a `signature` or `data`, OpenAI's reasoning items an `encrypted_content`, that a client
returns as it got it. Reasoning of other providers has more to it (OpenRouter's `format` and `id`, Google's thought
signatures), which has no place of its own there: it travels in these, as base64 of JSON behind a mark, by which it is
known again.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

import msgspec

from services.runtime.errors import ProviderBroken

MARK = "pantheon."
_encode = msgspec.json.Encoder().encode
_object = msgspec.json.Decoder(dict[str, Any])


def sealed(value: Mapping[str, Any]) -> str:
    """The value as such a member."""
    return MARK + base64.urlsafe_b64encode(encoded(value)).decode()


def unsealed(text: str) -> dict[str, Any] | None:
    """What was sealed; None for what was not sealed here."""
    if not text.startswith(MARK):
        return None
    try:
        return _object.decode(base64.urlsafe_b64decode(text[len(MARK) :]))
    except (binascii.Error, ValueError, RecursionError):
        return None


def encoded(value: Mapping[str, Any]) -> bytes:
    """JSON. Half a surrogate pair, as providers send it of an emoji cut in two, is written as it came: escaped.

    Raises:
        ProviderBroken: it is nested too deeply.
    """
    try:
        try:
            return _encode(value)
        except UnicodeEncodeError:
            return json.dumps(value, default=lambda raw: json.loads(bytes(raw))).encode()
    except RecursionError:
        raise ProviderBroken("The answer can't be written: it is nested too deeply", phase="body") from None
