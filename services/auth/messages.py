"""What the auth service keeps, as messages of the contract and of its events."""

from datetime import timedelta

from pantheon.auth.v1 import auth_service_pb2, identity_pb2, key_pb2
from pantheon.events.v1.change_pb2 import (
    Change,
    KeyCreated,
    KeyRevoked,
    OrganisationChanged,
    ProjectChanged,
    UserChanged,
)
from services.auth.entities import ApiKey, Organisation, OwnedKey, Project, SigningKey, User
from services.runtime.times import duration, to_timestamp


def organisation(value: Organisation) -> identity_pb2.Organisation:
    """As the contract shows it."""
    return identity_pb2.Organisation(id=str(value.id), name=value.name, create_time=to_timestamp(value.created_at))


def project(value: Project) -> identity_pb2.Project:
    """As the contract shows it."""
    return identity_pb2.Project(
        id=str(value.id),
        organisation_id=str(value.organisation_id),
        name=value.name,
        create_time=to_timestamp(value.created_at),
    )


def user(value: User) -> identity_pb2.User:
    """As the contract shows it."""
    return identity_pb2.User(
        id=str(value.id),
        organisation_id=str(value.organisation_id),
        email=value.email,
        display_name=value.display_name,
        role=value.role,
        create_time=to_timestamp(value.created_at),
        disable_time=to_timestamp(value.disabled_at) if value.disabled_at else None,
    )


def api_key(value: ApiKey) -> key_pb2.ApiKey:
    """As its owner sees it."""
    return key_pb2.ApiKey(
        id=str(value.id),
        name=value.name,
        user_id=str(value.user_id),
        project_id=str(value.project_id),
        organisation_id=str(value.organisation_id),
        prefix=value.prefix,
        scopes=value.scopes,
        create_time=to_timestamp(value.created_at),
        expire_time=to_timestamp(value.expires_at) if value.expires_at else None,
        revoke_time=to_timestamp(value.revoked_at) if value.revoked_at else None,
    )


def key_record(value: OwnedKey) -> key_pb2.KeyRecord:
    """As services know it."""
    key = value.key
    return key_pb2.KeyRecord(
        key_id=str(key.id),
        secret_hash=key.secret_hash,
        user_id=str(key.user_id),
        project_id=str(key.project_id),
        organisation_id=str(key.organisation_id),
        role=value.role,
        scopes=key.scopes,
        expire_time=to_timestamp(key.expires_at) if key.expires_at else None,
    )


def signing_key(value: SigningKey) -> key_pb2.SigningKey:
    """The public half."""
    return key_pb2.SigningKey(key_id=value.id, jwk_json=value.public_jwk)


def tokens(access_token: str, life: timedelta, refresh_token: str) -> auth_service_pb2.Tokens:
    """What a login gives."""
    return auth_service_pb2.Tokens(
        access_token=access_token, expires_in=duration(life.total_seconds()), refresh_token=refresh_token
    )


def organisation_changed(value: Organisation) -> Change:
    """The event."""
    return Change(organisation_changed=OrganisationChanged(organisation=organisation(value)))


def project_changed(value: Project) -> Change:
    """The event."""
    return Change(project_changed=ProjectChanged(project=project(value)))


def user_changed(value: User) -> Change:
    """The event."""
    return Change(user_changed=UserChanged(user=user(value)))


def key_created(value: OwnedKey) -> Change:
    """The event."""
    return Change(key_created=KeyCreated(key=key_record(value)))


def key_revoked(value: ApiKey) -> Change:
    """The event; only for a key that is revoked."""
    revoked_at = to_timestamp(value.revoked_at) if value.revoked_at else None
    return Change(key_revoked=KeyRevoked(key_id=str(value.id), secret_hash=value.secret_hash, revoke_time=revoked_at))
