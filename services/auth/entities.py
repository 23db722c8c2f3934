"""What the auth service keeps, as values. Times are UTC; a time that may be None marks that something happened."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pantheon.auth.v1.access_pb2 import Role, Scope


@dataclass(frozen=True, slots=True)
class Organisation:
    """The outermost scope."""

    id: UUID
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Project:
    """What keys and their spend belong to inside an organisation."""

    id: UUID
    organisation_id: UUID
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class User:
    """A person."""

    id: UUID
    organisation_id: UUID
    email: str
    display_name: str
    role: Role.ValueType
    created_at: datetime
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A user and what a password is checked against."""

    user: User
    password_hash: str


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key, without its secret. Scopes are ascending."""

    id: UUID
    organisation_id: UUID
    project_id: UUID
    user_id: UUID
    name: str
    prefix: str
    secret_hash: bytes
    scopes: tuple[Scope.ValueType, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OwnedKey:
    """An API key and the role it acts with: its owner's."""

    key: ApiKey
    role: Role.ValueType


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token as it is kept, with the state of its session: all tokens that came from one login."""

    session_id: UUID
    user: User
    expires_at: datetime
    used_at: datetime | None
    session_ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class LoginAttempts:
    """Attempts to log in with one email since `first_at`, the present one included."""

    first_at: datetime
    count: int


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs login tokens: its public half as JSON, its private one encrypted."""

    id: str
    public_jwk: str
    sealed_jwk: bytes


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something: a user, and the API key used if it was not a login token."""

    user_id: UUID | None
    key_id: UUID | None
    organisation_id: UUID | None
