"""Signatures of thinking, and thinking that is not shown: opaque to clients, who have to send them back unchanged.

After Anthropic's guide "Extended thinking". `REDACTION` stands in a prompt to order redacted thinking, as documented
there for tests.
"""

import base64
import binascii
import hashlib

REDACTION = "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING"

_SIGNED = b"\x12\x0csandbox-sign"
_HIDDEN = b"\x12\x0csandbox-hide"


def signature(thinking: str) -> str:
    """The signature of a thought."""
    return base64.b64encode(_SIGNED + _digest(thinking)).decode()


def signs(signed: str, thinking: str) -> bool:
    """Whether a signature belongs to a thought; one whose text was omitted is taken on trust."""
    made = _decoded(signed)
    return made.startswith(_SIGNED) and (not thinking or made == _SIGNED + _digest(thinking))


def redacted(thinking: str) -> str:
    """The data of a thought that is not shown."""
    return base64.b64encode(_HIDDEN + _digest(thinking)).decode()


def is_redacted(data: str) -> bool:
    """Whether `redacted` made it."""
    return _decoded(data).startswith(_HIDDEN)


def _digest(thinking: str) -> bytes:
    return hashlib.blake2b(thinking.encode("utf-8", "surrogatepass"), digest_size=48).digest()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
