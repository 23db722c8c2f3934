"""Encrypted reasoning, which clients that store nothing send back unchanged: OpenAI's guide "Reasoning models"."""

import base64
import binascii
import hashlib

_MARK = b"\x80\x00sandbox-thought"


def encrypted(thought: str) -> str:
    """The encrypted content of a thought."""
    digest = hashlib.blake2b(thought.encode("utf-8", "surrogatepass"), digest_size=48).digest()
    return base64.urlsafe_b64encode(_MARK + digest).decode()


def is_encrypted(content: str) -> bool:
    """Whether `encrypted` made it."""
    try:
        return base64.urlsafe_b64decode(content).startswith(_MARK)
    except (binascii.Error, ValueError):
        return False
