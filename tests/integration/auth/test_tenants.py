"""Nothing of one organisation can be seen or changed from another."""

from dataclasses import dataclass

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from pantheon.auth.v1.access_pb2 import Role
from pantheon.auth.v1.auth_service_pb2 import (
    CreateUserRequest,
    GetCurrentUserRequest,
    ListApiKeysRequest,
    ListOrganisationsRequest,
    ListProjectsRequest,
    ListUsersRequest,
    RevokeApiKeyRequest,
)
from pantheon.auth.v1.identity_pb2 import Organisation, User
from pantheon.auth.v1.key_pb2 import ApiKey
from services.auth.tables import api_keys
from services.runtime.errors import AccessDenied, InvalidPageToken, ResourceNotFound
from tests.integration.auth.running import PASSWORD, Metadata, RunningAuth, bearer, refused


@dataclass(frozen=True)
class Tenant:
    organisation: Organisation
    admin: User
    metadata: Metadata
    key: ApiKey
    secret: str


async def tenant(auth: RunningAuth, name: str) -> Tenant:
    organisation = await auth.organisation(name)
    admin, metadata = await auth.user(f"admin@{name}.org", Role.ROLE_ORGANISATION_ADMIN, organisation.id)
    key, secret = await auth.key(metadata, name=name)
    return Tenant(organisation, admin, metadata, key, secret)


@pytest.fixture
async def tenants(auth: RunningAuth) -> tuple[Tenant, Tenant]:
    """Two organisations, each with an administrator and the administrator's key."""
    return await tenant(auth, "ours"), await tenant(auth, "theirs")


Tenants = tuple[Tenant, Tenant]


async def test_lists_hold_what_is_ours_only(auth: RunningAuth, tenants: Tenants) -> None:
    ours, _ = tenants
    everything = ListApiKeysRequest(whole_organisation=True, include_inactive=True)
    keys = (await auth.stub.ListApiKeys(everything, metadata=ours.metadata)).api_keys
    users = (await auth.stub.ListUsers(ListUsersRequest(), metadata=ours.metadata)).users
    projects = (await auth.stub.ListProjects(ListProjectsRequest(), metadata=ours.metadata)).projects
    assert list(keys) == [ours.key]
    assert list(users) == [ours.admin]
    assert {project.organisation_id for project in projects} == {ours.organisation.id}


async def test_even_the_platforms_administrator_lists_keys_of_the_own_organisation_only(
    auth: RunningAuth, tenants: Tenants
) -> None:
    request = ListApiKeysRequest(whole_organisation=True)
    assert (await auth.stub.ListApiKeys(request, metadata=await auth.bearer())).api_keys == []


async def test_organisations_are_for_the_platforms_administrator(auth: RunningAuth, tenants: Tenants) -> None:
    with refused(AccessDenied):
        await auth.stub.ListOrganisations(ListOrganisationsRequest(), metadata=tenants[0].metadata)


async def test_their_key_cannot_be_revoked(auth: RunningAuth, tenants: Tenants) -> None:
    ours, theirs = tenants
    request = RevokeApiKeyRequest(key_id=theirs.key.id)
    for metadata in (ours.metadata, await auth.bearer()):
        with refused(ResourceNotFound):
            await auth.stub.RevokeApiKey(request, metadata=metadata)
    await auth.stub.GetCurrentUser(GetCurrentUserRequest(), metadata=bearer(theirs.secret))


async def test_no_key_is_made_for_their_user_or_on_their_project(auth: RunningAuth, tenants: Tenants) -> None:
    ours, theirs = tenants
    for metadata in (ours.metadata, await auth.bearer()):
        with refused(ResourceNotFound) as told:
            await auth.key(metadata, user_id=theirs.admin.id)
        assert told == {"resource": "user", "id": theirs.admin.id}
        with refused(ResourceNotFound) as told:
            await auth.key(metadata, project_id=theirs.key.project_id)
        assert told == {"resource": "project", "id": theirs.key.project_id}


async def test_no_user_is_made_in_their_organisation(auth: RunningAuth, tenants: Tenants) -> None:
    ours, theirs = tenants
    user = User(email="spy@ours.org", role=Role.ROLE_MEMBER)
    request = CreateUserRequest(user=user, password=PASSWORD, organisation_id=theirs.organisation.id)
    with refused(AccessDenied):
        await auth.stub.CreateUser(request, metadata=ours.metadata)


async def test_a_page_token_of_theirs_is_of_no_use(auth: RunningAuth, tenants: Tenants) -> None:
    ours, theirs = tenants
    await auth.key(theirs.metadata)
    page = await auth.stub.ListApiKeys(ListApiKeysRequest(page_size=1), metadata=theirs.metadata)
    with refused(InvalidPageToken):
        request = ListApiKeysRequest(page_size=1, page_token=page.next_page_token)
        await auth.stub.ListApiKeys(request, metadata=ours.metadata)


async def test_the_database_itself_keeps_a_key_in_one_organisation(auth: RunningAuth, tenants: Tenants) -> None:
    ours, theirs = tenants
    for column, value in ((api_keys.c.user_id, theirs.admin.id), (api_keys.c.project_id, theirs.key.project_id)):
        statement = update(api_keys).where(api_keys.c.id == ours.key.id).values({column: value})
        async with auth.db.write() as connection:
            with pytest.raises(IntegrityError):
                await connection.execute(statement)
            await connection.rollback()
