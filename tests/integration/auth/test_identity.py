import asyncio
from typing import Any

import pytest
from google.protobuf.message import Message

from pantheon.auth.v1.access_pb2 import Role
from pantheon.auth.v1.auth_service_pb2 import (
    CreateOrganisationRequest,
    CreateProjectRequest,
    CreateUserRequest,
    ListOrganisationsRequest,
    ListProjectsRequest,
    ListUsersRequest,
)
from pantheon.auth.v1.identity_pb2 import Organisation, Project, User
from services.runtime.errors import (
    AccessDenied,
    InvalidField,
    InvalidPageToken,
    RequestRepeated,
    ResourceExists,
    ResourceNotFound,
)
from services.runtime.ids import uuid7
from tests.integration.auth.running import PASSWORD, Metadata, RunningAuth, refused


def new_user(email: str = "ada@example.org", **fields: Any) -> CreateUserRequest:
    user = User(email=email, role=fields.pop("role", Role.ROLE_MEMBER), display_name=fields.pop("display_name", ""))
    return CreateUserRequest(**{"user": user, "password": PASSWORD, **fields})


async def test_an_organisation_is_made_with_a_default_project(auth: RunningAuth) -> None:
    request = CreateOrganisationRequest(organisation=Organisation(name=" Analytical Engines "))
    made = await auth.stub.CreateOrganisation(request, metadata=await auth.bearer())
    assert made.organisation.name == "Analytical Engines"
    assert made.default_project.name == "default"
    assert made.default_project.organisation_id == made.organisation.id


async def test_an_organisations_name_is_taken_once(auth: RunningAuth) -> None:
    await auth.organisation("Engines")
    with refused(ResourceExists) as metadata:
        await auth.organisation("Engines")
    assert metadata == {"resource": "organisation", "field": "name", "value": "Engines"}


async def test_organisations_are_listed_oldest_first_page_by_page(auth: RunningAuth) -> None:
    for name in ("b", "a", "c"):
        await auth.organisation(name)
    names, token, metadata = [], "", await auth.bearer()
    while True:
        request = ListOrganisationsRequest(page_size=2, page_token=token)
        page = await auth.stub.ListOrganisations(request, metadata=metadata)
        names.append([organisation.name for organisation in page.organisations])
        token = page.next_page_token
        if not token:
            break
    assert names == [["default", "b"], ["a", "c"]]


async def test_projects_belong_to_the_callers_organisation_and_have_names_of_their_own(auth: RunningAuth) -> None:
    organisation = await auth.organisation("Engines")
    _, admin = await auth.user("ada@example.org", Role.ROLE_ORGANISATION_ADMIN, organisation.id)
    request = CreateProjectRequest(project=Project(name="difference"))
    made = (await auth.stub.CreateProject(request, metadata=admin)).project
    assert made.organisation_id == organisation.id
    with refused(ResourceExists):
        await auth.stub.CreateProject(request, metadata=admin)
    await auth.stub.CreateProject(request, metadata=await auth.bearer())
    listed = await auth.stub.ListProjects(ListProjectsRequest(), metadata=admin)
    assert [project.name for project in listed.projects] == ["default", "difference"]
    assert listed.projects[1] == made


async def test_a_user_is_made_in_the_callers_organisation_and_can_log_in(auth: RunningAuth) -> None:
    request = CreateUserRequest(
        user=User(email="Ada@Example.org", display_name="Ada", role=Role.ROLE_MEMBER), password=PASSWORD
    )
    made = (await auth.stub.CreateUser(request, metadata=await auth.bearer())).user
    assert (made.email, made.display_name, made.role) == ("ada@example.org", "Ada", Role.ROLE_MEMBER)
    listed = (await auth.stub.ListUsers(ListUsersRequest(), metadata=await auth.bearer())).users
    assert listed[1] == made
    assert listed[0].organisation_id == made.organisation_id
    assert (await auth.login("ada@example.org")).access_token


async def test_an_email_is_taken_once_on_the_whole_platform(auth: RunningAuth) -> None:
    organisation = await auth.organisation("Engines")
    await auth.user("ada@example.org")
    with refused(ResourceExists) as metadata:
        await auth.user("ADA@example.org", organisation_id=organisation.id)
    assert metadata == {"resource": "user", "field": "email", "value": "ada@example.org"}


@pytest.mark.parametrize(
    ("request_", "field"),
    (
        (new_user(email="ada"), "user.email"),
        (new_user(role=Role.ROLE_UNSPECIFIED), "user.role"),
        (new_user(password="seven77"), "password"),
        (new_user(password="x" * 1025), "password"),
        (new_user(organisation_id="default"), "organisation_id"),
        (new_user(request_id="x" * 65), "request_id"),
        (new_user(display_name="x" * 101), "user.display_name"),
    ),
)
async def test_a_user_with_a_field_out_of_bounds_is_refused(
    auth: RunningAuth, request_: CreateUserRequest, field: str
) -> None:
    with refused(InvalidField) as metadata:
        await auth.stub.CreateUser(request_, metadata=await auth.bearer())
    assert metadata["field"] == field
    assert PASSWORD not in str(metadata)
    assert "seven77" not in str(metadata)


@pytest.mark.parametrize("name", ("", "   ", "x" * 101, "two\nlines", "nul\0"))
async def test_a_name_out_of_bounds_is_refused(auth: RunningAuth, name: str) -> None:
    metadata = await auth.bearer()
    with refused(InvalidField) as told:
        await auth.stub.CreateProject(CreateProjectRequest(project=Project(name=name)), metadata=metadata)
    assert told == {"field": "project.name", "value": name, "allowed": "1 to 100 printable characters"}


async def test_nobody_gives_a_role_above_their_own(auth: RunningAuth) -> None:
    _, admin = await auth.user("ada@example.org", Role.ROLE_ORGANISATION_ADMIN)
    await auth.stub.CreateUser(new_user("b@example.org", role=Role.ROLE_ORGANISATION_ADMIN), metadata=admin)
    with refused(AccessDenied) as told:
        await auth.stub.CreateUser(new_user("c@example.org", role=Role.ROLE_PLATFORM_ADMIN), metadata=admin)
    assert told == {"method": "/pantheon.auth.v1.AuthService/CreateUser", "required": "ROLE_PLATFORM_ADMIN"}


async def test_only_platform_administrators_name_another_organisation(auth: RunningAuth) -> None:
    organisation = await auth.organisation("Engines")
    user, _ = await auth.user("ada@example.org", organisation_id=organisation.id)
    assert user.organisation_id == organisation.id
    _, admin = await auth.user("b@example.org", Role.ROLE_ORGANISATION_ADMIN)
    with refused(AccessDenied):
        await auth.stub.CreateUser(new_user("c@example.org", organisation_id=organisation.id), metadata=admin)
    with refused(ResourceNotFound):
        request = new_user("d@example.org", organisation_id=str(uuid7()))
        await auth.stub.CreateUser(request, metadata=await auth.bearer())


async def test_members_make_and_see_no_users(auth: RunningAuth) -> None:
    _, member = await auth.user("ada@example.org")
    with refused(AccessDenied) as told:
        await auth.stub.CreateUser(new_user(), metadata=member)
    assert told["required"] == "ROLE_ORGANISATION_ADMIN"
    with refused(AccessDenied):
        await auth.stub.ListUsers(ListUsersRequest(), metadata=member)


REPEATABLE: tuple[tuple[str, Message], ...] = (
    ("CreateOrganisation", CreateOrganisationRequest(organisation=Organisation(name="Engines"), request_id="r-1")),
    ("CreateProject", CreateProjectRequest(project=Project(name="difference"), request_id="r-1")),
    ("CreateUser", new_user(request_id="r-1")),
)


@pytest.mark.parametrize(("rpc", "request_"), REPEATABLE)
async def test_a_request_id_is_carried_out_once(auth: RunningAuth, rpc: str, request_: Message) -> None:
    metadata = await auth.bearer()
    outcomes = await asyncio.gather(
        *(getattr(auth.stub, rpc)(request_, metadata=metadata) for _ in range(4)), return_exceptions=True
    )
    (made,) = [outcome for outcome in outcomes if isinstance(outcome, Message)]
    with refused(RequestRepeated) as told:
        await getattr(auth.stub, rpc)(request_, metadata=metadata)
    assert told == {"request_id": "r-1", "id": getattr(made, made.DESCRIPTOR.fields[0].name).id}


async def test_a_request_id_belongs_to_its_caller_and_method(auth: RunningAuth) -> None:
    _, ada = await auth.user("ada@example.org", Role.ROLE_PLATFORM_ADMIN)
    for metadata, name in ((await auth.bearer(), "one"), (ada, "two")):
        project = CreateProjectRequest(project=Project(name=name), request_id="r-1")
        await auth.stub.CreateProject(project, metadata=metadata)
        organisation = CreateOrganisationRequest(organisation=Organisation(name=name), request_id="r-1")
        await auth.stub.CreateOrganisation(organisation, metadata=metadata)


async def test_a_request_that_failed_may_be_repeated(auth: RunningAuth) -> None:
    metadata = await auth.bearer()
    await auth.stub.CreateUser(new_user(), metadata=metadata)
    with refused(ResourceExists):
        await auth.stub.CreateUser(new_user(request_id="r-1"), metadata=metadata)
    await auth.stub.CreateUser(new_user("b@example.org", request_id="r-1"), metadata=metadata)


async def test_a_page_token_is_good_for_its_own_list_only(auth: RunningAuth) -> None:
    organisation = await auth.organisation("Engines")
    _, ada = await auth.user("ada@example.org", Role.ROLE_ORGANISATION_ADMIN, organisation.id)
    await auth.user("b@example.org")
    admin = await auth.bearer()
    token = (await auth.stub.ListUsers(ListUsersRequest(page_size=1), metadata=admin)).next_page_token
    assert token

    async def ask(metadata: Metadata, page_token: str) -> None:
        await auth.stub.ListUsers(ListUsersRequest(page_size=1, page_token=page_token), metadata=metadata)

    for metadata, wrong in ((ada, token), (admin, token[:-2]), (admin, "!"), (admin, "eyJhIjoxfQ")):
        with refused(InvalidPageToken):
            await ask(metadata, wrong)
    with refused(InvalidPageToken):
        await auth.stub.ListProjects(ListProjectsRequest(page_token=token), metadata=admin)
    with refused(InvalidField):
        await auth.stub.ListProjects(ListProjectsRequest(page_size=-1), metadata=admin)


async def test_what_was_made_by_whom_is_in_the_audit_log(auth: RunningAuth) -> None:
    user, _ = await auth.user("ada@example.org")
    records = await auth.rows(
        "SELECT actor.email, log.actor_key_id, log.subject FROM audit_log log JOIN users actor ON actor.id = actor_id "
        "WHERE action = 'user.created'"
    )
    assert records == [("admin@pantheon.local", None, user.id)]
