"""RPCs about organisations, projects and users."""

from uuid import UUID

from pantheon.auth.v1.access_pb2 import Role
from pantheon.auth.v1.auth_service_pb2 import (
    CreateOrganisationRequest,
    CreateOrganisationResponse,
    CreateProjectRequest,
    CreateProjectResponse,
    CreateUserRequest,
    CreateUserResponse,
    GetCurrentUserRequest,
    GetCurrentUserResponse,
    ListOrganisationsRequest,
    ListOrganisationsResponse,
    ListProjectsRequest,
    ListProjectsResponse,
    ListUsersRequest,
    ListUsersResponse,
)
from services.auth import creation, fields, messages, users
from services.auth.entities import Organisation, Project, User
from services.auth.pages import Page
from services.auth.resources import Resources
from services.auth.store import identity
from services.auth.writing import actor, method_name, writing
from services.runtime.auth import Principal, current_principal
from services.runtime.errors import ResourceNotFound
from services.runtime.ids import uuid7
from services.runtime.rpc import RpcContext


class IdentityRpcs:
    """Organisations, their projects and users. Whose is always the caller's verified identity."""

    resources: Resources

    async def GetCurrentUser(self, request: GetCurrentUserRequest, context: RpcContext) -> GetCurrentUserResponse:
        caller = current_principal()
        async with self.resources.db.read() as connection:
            user = await identity.find_user(connection, UUID(caller.user_id), UUID(caller.organisation_id))
        if user is None:
            raise ResourceNotFound("user", caller.user_id)
        return GetCurrentUserResponse(user=messages.user(user), project_id=caller.project_id)

    async def CreateOrganisation(
        self, request: CreateOrganisationRequest, context: RpcContext
    ) -> CreateOrganisationResponse:
        now = self.resources.clock()
        organisation = Organisation(uuid7(), fields.name("organisation.name", request.organisation.name), now)
        async with writing(self.resources.outbox, actor(current_principal()), now) as write:
            await write.claim("CreateOrganisation", request.request_id, organisation.id)
            project = await creation.add_organisation(write, organisation)
        return CreateOrganisationResponse(
            organisation=messages.organisation(organisation), default_project=messages.project(project)
        )

    async def ListOrganisations(
        self, request: ListOrganisationsRequest, context: RpcContext
    ) -> ListOrganisationsResponse:
        page = Page.asked(request.page_size, request.page_token, "organisations")
        async with self.resources.db.read() as connection:
            rows = await identity.list_organisations(connection, page.after, page.limit)
        shown, next_page = page.cut(rows)
        return ListOrganisationsResponse(organisations=map(messages.organisation, shown), next_page_token=next_page)

    async def CreateProject(self, request: CreateProjectRequest, context: RpcContext) -> CreateProjectResponse:
        caller, now = current_principal(), self.resources.clock()
        name = fields.name("project.name", request.project.name)
        project = Project(uuid7(), UUID(caller.organisation_id), name, now)
        async with writing(self.resources.outbox, actor(caller), now) as write:
            await write.claim("CreateProject", request.request_id, project.id)
            await creation.add_project(write, project)
        return CreateProjectResponse(project=messages.project(project))

    async def ListProjects(self, request: ListProjectsRequest, context: RpcContext) -> ListProjectsResponse:
        organisation_id = UUID(current_principal().organisation_id)
        page = Page.asked(request.page_size, request.page_token, "projects", organisation_id)
        async with self.resources.db.read() as connection:
            rows = await identity.list_projects(connection, organisation_id, page.after, page.limit)
        shown, next_page = page.cut(rows)
        return ListProjectsResponse(projects=map(messages.project, shown), next_page_token=next_page)

    async def CreateUser(self, request: CreateUserRequest, context: RpcContext) -> CreateUserResponse:
        caller, now = current_principal(), self.resources.clock()
        user = User(
            id=uuid7(),
            organisation_id=_organisation_of_new_user(caller, request.organisation_id),
            email=users.email("user.email", request.user.email),
            display_name=fields.display_name("user.display_name", request.user.display_name),
            role=users.role("user.role", request.user.role),
            created_at=now,
        )
        users.check_gives(caller, user.role, method_name("CreateUser"))
        password_hash = await self.resources.passwords.hash(users.password("password", request.password))
        async with writing(self.resources.outbox, actor(caller), now) as write:
            await write.claim("CreateUser", request.request_id, user.id)
            await creation.add_user(write, user, password_hash)
        return CreateUserResponse(user=messages.user(user))

    async def ListUsers(self, request: ListUsersRequest, context: RpcContext) -> ListUsersResponse:
        organisation_id = UUID(current_principal().organisation_id)
        page = Page.asked(request.page_size, request.page_token, "users", organisation_id)
        async with self.resources.db.read() as connection:
            rows = await identity.list_users(connection, organisation_id, page.after, page.limit)
        shown, next_page = page.cut(rows)
        return ListUsersResponse(users=map(messages.user, shown), next_page_token=next_page)


def _organisation_of_new_user(caller: Principal, asked: str) -> UUID:
    organisation_id = UUID(caller.organisation_id)
    if asked and (named := fields.identifier("organisation_id", asked)) != organisation_id:
        users.check_role(caller, Role.ROLE_PLATFORM_ADMIN, method_name("CreateUser"))
        return named
    return organisation_id
