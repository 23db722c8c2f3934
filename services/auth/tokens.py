"""Rules about tokens: what a login token says, and when a refresh token may be exchanged."""

import enum
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from joserfc import jwt
from joserfc.jwk import OKPKey

from services.auth.entities import RefreshToken, User
from services.runtime.auth import TOKEN_ISSUER
from services.runtime.identity import ALGORITHM

REFRESH_TOKEN_LIFE = timedelta(days=30)
_SECRET_BYTES = 32


class TokenIssuer:
    """Signs login tokens: JWTs (RFC 7519) of issuer, subject, organisation, project, role, and when they expire."""

    def __init__(self, key: OKPKey, life: timedelta) -> None:
        self.life = life
        self._key = key

    def issue(self, user: User, project_id: UUID, now: datetime) -> str:
        """A token for the user, who works on the project unless a request says otherwise."""
        claims = {
            "iss": TOKEN_ISSUER,
            "sub": str(user.id),
            "org": str(user.organisation_id),
            "project": str(project_id),
            "role": user.role,
            "iat": int(now.timestamp()),
            "exp": int((now + self.life).timestamp()),
        }
        header = {"alg": ALGORITHM, "kid": self._key.kid, "typ": "JWT"}
        return jwt.encode(header, claims, self._key, algorithms=[ALGORITHM])


class Exchange(enum.Enum):
    """What comes of a refresh token that was handed in."""

    GRANTED = enum.auto()
    REFUSED = enum.auto()
    REUSED = enum.auto()
    """It was stolen, or its successor was: whoever came first, its whole session ends."""


def new_refresh_token() -> str:
    """256 random bits; 43 characters."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def judge(token: RefreshToken | None, now: datetime) -> Exchange:
    """Whether the token may be exchanged for new ones."""
    if token is None or token.session_ended_at is not None:
        return Exchange.REFUSED
    if token.used_at is not None:
        return Exchange.REUSED
    if token.expires_at <= now or token.user.disabled_at is not None:
        return Exchange.REFUSED
    return Exchange.GRANTED
