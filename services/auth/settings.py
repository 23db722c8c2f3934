"""What the auth service is told from outside."""

from pydantic import Field, SecretStr

from services.runtime.sealing import SealingSettings

_PEPPER_LENGTH = 32


class AuthSettings(SealingSettings):
    """See `ServiceSettings`; secrets have no default."""

    listen: str = "127.0.0.1:50054"
    database_url: SecretStr
    key_pepper: SecretStr = Field(min_length=_PEPPER_LENGTH)
    """At least 32 characters, the same for every process that knows API keys."""
    token_seconds: int = Field(default=900, ge=10, le=86_400)
    """How long a login token works."""

    @property
    def pepper(self) -> bytes:
        """What API keys and refresh tokens are hashed with."""
        return self.key_pepper.get_secret_value().encode()
