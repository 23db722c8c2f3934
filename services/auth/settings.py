"""What the auth service is told from outside."""

import base64
import binascii

from pydantic import Field, SecretStr, field_validator

from services.runtime.settings import ServiceSettings

_MASTER_KEY_BYTES = 32
_PEPPER_LENGTH = 32


class AuthSettings(ServiceSettings):
    """See `ServiceSettings`; secrets have no default."""

    listen: str = "127.0.0.1:50054"
    database_url: SecretStr
    master_key: SecretStr
    """32 random bytes in base64; what must be readable again later is encrypted under a key derived from them."""
    key_pepper: SecretStr = Field(min_length=_PEPPER_LENGTH)
    """At least 32 characters, the same for every process that knows API keys."""
    token_seconds: int = Field(default=900, ge=10, le=86_400)
    """How long a login token works."""

    @field_validator("master_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        if len(_decoded(value)) != _MASTER_KEY_BYTES:
            raise ValueError("expected 32 bytes in base64, as `openssl rand -base64 32` prints them")
        return value

    @property
    def master_key_bytes(self) -> bytes:
        """The master key, 32 bytes."""
        return _decoded(self.master_key)

    @property
    def pepper(self) -> bytes:
        """What API keys and refresh tokens are hashed with."""
        return self.key_pepper.get_secret_value().encode()


def _decoded(value: SecretStr) -> bytes:
    """Either alphabet of base64; empty when it is neither."""
    text = value.get_secret_value().replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
