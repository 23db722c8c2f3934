"""Secrets that must be readable again: AES-256-GCM (NIST SP 800-38D) under a key derived from the master key."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY_BYTES = 32
_NONCE_BYTES = 12


class SealBrokenError(Exception):
    """What was sealed can't be opened: another master key, another label, or changed bytes."""


class Sealer:
    """Encrypts for one purpose; what one purpose's sealer made no other opens. The key is HKDF-SHA256 (RFC 5869)."""

    def __init__(self, master_key: bytes, purpose: str) -> None:
        derived = HKDF(SHA256(), _KEY_BYTES, salt=None, info=purpose.encode()).derive(master_key)
        self._cipher = AESGCM(derived)

    def seal(self, plain: bytes, label: str) -> bytes:
        """Nonce, ciphertext and tag. The label is not in it: it says what this is, and opening asks for it again."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, label.encode())

    def open(self, sealed: bytes, label: str) -> bytes:
        """What was sealed under the label.

        Raises:
            SealBrokenError: it can't be opened.
        """
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], label.encode())
        except (InvalidTag, ValueError):
            raise SealBrokenError from None
