"""The tables of schema `auth`, as the migrations make them."""

from sqlalchemy import (
    ARRAY,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

metadata = MetaData()
_INSTANT = DateTime(timezone=True)

organisations = Table(
    "organisations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("created_at", _INSTANT, nullable=False),
)

projects = Table(
    "projects",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organisation_id", ForeignKey(organisations.c.id), nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", _INSTANT, nullable=False),
    UniqueConstraint("organisation_id", "name"),
    UniqueConstraint("id", "organisation_id"),
)

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organisation_id", ForeignKey(organisations.c.id), nullable=False),
    Column("email", Text, nullable=False, unique=True),
    Column("display_name", Text, nullable=False),
    Column("role", SmallInteger, nullable=False),
    Column("created_at", _INSTANT, nullable=False),
    Column("disabled_at", _INSTANT),
    Column("password_hash", Text, nullable=False),
    UniqueConstraint("id", "organisation_id"),
)

# A key's owner and project are of its organisation, or it does not exist.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("organisation_id", Uuid, nullable=False),
    Column("project_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    Column("scopes", ARRAY(SmallInteger), nullable=False),
    Column("created_at", _INSTANT, nullable=False),
    Column("expires_at", _INSTANT),
    Column("revoked_at", _INSTANT),
    ForeignKeyConstraint(("project_id", "organisation_id"), (projects.c.id, projects.c.organisation_id)),
    ForeignKeyConstraint(("user_id", "organisation_id"), (users.c.id, users.c.organisation_id)),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("user_id", ForeignKey(users.c.id), nullable=False),
    Column("expires_at", _INSTANT, nullable=False),
    Column("ended_at", _INSTANT),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("secret_hash", LargeBinary, primary_key=True),
    Column("session_id", ForeignKey(sessions.c.id, ondelete="CASCADE"), nullable=False),
    Column("expires_at", _INSTANT, nullable=False),
    Column("used_at", _INSTANT),
)

login_attempts = Table(
    "login_attempts",
    metadata,
    Column("email", Text, primary_key=True),
    Column("first_at", _INSTANT, nullable=False),
    Column("count", Integer, nullable=False),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("public_jwk", Text, nullable=False),
    Column("sealed_jwk", LargeBinary, nullable=False),
    Column("created_at", _INSTANT, nullable=False),
)

requests = Table(
    "requests",
    metadata,
    Column("caller_id", Uuid, primary_key=True),
    Column("method", Text, primary_key=True),
    Column("request_id", Text, primary_key=True),
    Column("made_id", Uuid, nullable=False),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("recorded_at", _INSTANT, nullable=False),
    Column("actor_id", Uuid),
    Column("actor_key_id", Uuid),
    Column("organisation_id", Uuid),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
)
