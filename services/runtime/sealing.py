"""Secrets that must be readable again, in envelopes: AES-256-GCM (NIST SP 800-38D) under master keys that can change.

An envelope is: version (1 byte), id of the master key (8), the data key wrapped (12 nonce, 32, 16 tag), the secret
under the data key (12 nonce, as many bytes as it has, 16 tag). Each secret has a data key of its own, so a change of
the master key wraps 32 bytes anew and leaves the secret itself alone.
"""

import base64
import binascii
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr, field_validator

from services.runtime.settings import ServiceSettings

_VERSION = b"\x01"
_ID_BYTES = 8
_KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_WRAPPED = len(_VERSION) + _ID_BYTES
HEAD_BYTES = _WRAPPED
"""So many bytes at the beginning of an envelope tell its master key."""
_SECRET = _WRAPPED + _NONCE_BYTES + _KEY_BYTES + _TAG_BYTES


class SealBrokenError(Exception):
    """What was sealed can't be opened: none of the master keys, another label, or changed bytes."""


class SealingSettings(ServiceSettings):
    """Settings of a process that keeps secrets. To be inherited beside other settings."""

    master_key: SecretStr
    """32 random bytes in base64. Behind it, after commas, earlier ones: what they sealed can be read until
    `pantheon keys rotate-master` has sealed it anew."""

    @field_validator("master_key")
    @classmethod
    def _are_keys(cls, value: SecretStr) -> SecretStr:
        if any(len(key) != _KEY_BYTES for key in _decoded(value)):
            raise ValueError(
                "expected 32 bytes in base64, as `openssl rand -base64 32` prints them, or several of these"
            )
        return value

    @property
    def master_keys(self) -> tuple[bytes, ...]:
        """The present master key, then earlier ones; 32 bytes each."""
        return _decoded(self.master_key)


class Sealer:
    """Encrypts for one purpose; what one purpose's sealer made no other opens. Keys are HKDF-SHA256 (RFC 5869)."""

    def __init__(self, master_keys: Sequence[bytes], purpose: str) -> None:
        """`master_keys`: the present one, then earlier ones."""
        ciphers = {_derived(key, f"{purpose} id", _ID_BYTES): AESGCM(_derived(key, purpose)) for key in master_keys}
        self._ciphers = ciphers
        self._present = next(iter(ciphers))

    def seal(self, plain: bytes, label: str) -> bytes:
        """The envelope. The label is not in it: it says what this is, and opening asks for it again."""
        data_key = os.urandom(_KEY_BYTES)
        return self._wrap(data_key, label) + _encrypted(AESGCM(data_key), plain, label)

    def open(self, sealed: bytes, label: str) -> bytes:
        """What was sealed under the label.

        Raises:
            SealBrokenError: it can't be opened.
        """
        return _decrypted(AESGCM(self._unwrap(sealed, label)), sealed[_SECRET:], label)

    def resealed(self, sealed: bytes, label: str) -> bytes | None:
        """The same secret under the present master key; None where it is so already.

        Raises:
            SealBrokenError: it can't be opened.
        """
        data_key = self._unwrap(sealed, label)
        if sealed[len(_VERSION) : _WRAPPED] == self._present:
            return None
        return self._wrap(data_key, label) + sealed[_SECRET:]

    def knows(self, head: bytes) -> bool:
        """Whether an envelope that begins so, `HEAD_BYTES` at least, is sealed under one of the master keys."""
        return head.startswith(_VERSION) and head[len(_VERSION) : _WRAPPED] in self._ciphers

    def _wrap(self, data_key: bytes, label: str) -> bytes:
        return _VERSION + self._present + _encrypted(self._ciphers[self._present], data_key, label)

    def _unwrap(self, sealed: bytes, label: str) -> bytes:
        if not self.knows(sealed):
            raise SealBrokenError
        return _decrypted(self._ciphers[sealed[len(_VERSION) : _WRAPPED]], sealed[_WRAPPED:_SECRET], label)


def _derived(master_key: bytes, purpose: str, length: int = _KEY_BYTES) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=purpose.encode()).derive(master_key)


def _encrypted(cipher: AESGCM, plain: bytes, label: str) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, label.encode())


def _decrypted(cipher: AESGCM, sealed: bytes, label: str) -> bytes:
    try:
        return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], label.encode())
    except (InvalidTag, ValueError):
        raise SealBrokenError from None


def _decoded(value: SecretStr) -> tuple[bytes, ...]:
    return tuple(_from_base64(part.strip()) for part in value.get_secret_value().split(","))


def _from_base64(text: str) -> bytes:
    """Either alphabet of base64; empty when it is neither."""
    text = text.replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
