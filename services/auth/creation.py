"""What belongs together when something new is kept: its row, its event, its audit record."""

from services.auth import messages
from services.auth.entities import ApiKey, Organisation, OwnedKey, Project, User
from services.auth.store import identity, keys
from services.auth.writing import Write
from services.runtime.errors import ResourceExists, ResourceNotFound
from services.runtime.ids import uuid7

FIRST_PROJECT = "default"


async def add_organisation(write: Write, organisation: Organisation) -> Project:
    """Keeps the organisation with a first project, which is returned.

    Raises:
        ResourceExists: the name is taken.
    """
    if not await identity.add_organisation(write.connection, organisation):
        raise ResourceExists("organisation", "name", organisation.name)
    await write.publish(messages.organisation_changed(organisation))
    await write.record("organisation.created", str(organisation.id))
    project = Project(uuid7(), organisation.id, FIRST_PROJECT, write.now)
    await add_project(write, project)
    return project


async def add_project(write: Write, project: Project) -> None:
    """Keeps the project.

    Raises:
        ResourceExists: the organisation has one of this name.
    """
    if not await identity.add_project(write.connection, project):
        raise ResourceExists("project", "name", project.name)
    await write.publish(messages.project_changed(project))
    await write.record("project.created", str(project.id))


async def add_user(write: Write, user: User, password_hash: str) -> None:
    """Keeps the user.

    Raises:
        ResourceNotFound: there is no such organisation.
        ResourceExists: the email is taken.
    """
    if not await identity.has_organisation(write.connection, user.organisation_id):
        raise ResourceNotFound("organisation", str(user.organisation_id))
    if not await identity.add_user(write.connection, user, password_hash):
        raise ResourceExists("user", "email", user.email)
    await write.publish(messages.user_changed(user))
    await write.record("user.created", str(user.id))


async def add_key(write: Write, key: OwnedKey) -> None:
    """Keeps the key, whose owner and project were found in its organisation."""
    await keys.add_key(write.connection, key.key)
    await write.publish(messages.key_created(key))
    await write.record("api_key.created", str(key.key.id))


async def revoke_key(write: Write, key: ApiKey) -> None:
    """Keeps that the key was revoked at its `revoked_at`."""
    await keys.mark_revoked(write.connection, key)
    await write.publish(messages.key_revoked(key))
    await write.record("api_key.revoked", str(key.id))
