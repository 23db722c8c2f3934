"""The whole state of auth as changes, for services that keep a copy of it."""

from collections.abc import AsyncIterator

from pantheon.events.v1.change_pb2 import Change
from services.auth import messages
from services.auth.store import identity, keys
from services.runtime import times
from services.runtime.db import ReadConnection


async def snapshot(connection: ReadConnection) -> AsyncIterator[Change]:
    """Organisations, their projects, users, and the keys that work, in an order in which each finds what it names."""
    async for organisation in identity.every_organisation(connection):
        yield messages.organisation_changed(organisation)
    async for project in identity.every_project(connection):
        yield messages.project_changed(project)
    async for user in identity.every_user(connection):
        yield messages.user_changed(user)
    async for key in keys.every_live_key(connection, times.now()):
        yield messages.key_created(key)
