from datetime import timedelta

from pantheon.auth.v1.access_pb2 import Role
from pantheon.auth.v1.auth_service_pb2 import (
    CreateProjectRequest,
    IntrospectKeyRequest,
    ListProjectsRequest,
    RevokeApiKeyRequest,
)
from pantheon.auth.v1.identity_pb2 import Project
from pantheon.events.v1.change_feed_service_pb2 import GetSnapshotRequest, ListChangesRequest
from pantheon.events.v1.change_feed_service_pb2_grpc import ChangeFeedServiceStub
from pantheon.events.v1.change_pb2 import Change
from services.runtime.errors import AccessDenied, ResourceNotFound
from services.runtime.keys import secret_hash
from services.runtime.times import to_timestamp
from tests.integration.auth.running import PEPPER, RunningAuth, refused


async def snapshot(auth: RunningAuth) -> list[Change]:
    return [change async for part in auth.feed.GetSnapshot(GetSnapshotRequest()) for change in part.changes]


async def changes(auth: RunningAuth, after: int) -> list[Change]:
    return list((await auth.feed.ListChanges(ListChangesRequest(after_revision=after))).changes)


def kinds(events: list[Change]) -> list[str | None]:
    return [event.WhichOneof("event") for event in events]


async def test_every_change_is_an_event_of_the_next_revision(auth: RunningAuth) -> None:
    (last,) = (change.revision for change in (await snapshot(auth))[:1])
    admin = await auth.bearer()
    organisation = await auth.organisation("Engines")
    user, _ = await auth.user("ada@example.org", Role.ROLE_PROJECT_ADMIN)
    project = await auth.stub.CreateProject(CreateProjectRequest(project=Project(name="p")), metadata=admin)
    key, secret = await auth.key(admin, project_id=project.project.id)
    revoked = (await auth.stub.RevokeApiKey(RevokeApiKeyRequest(key_id=key.id), metadata=admin)).api_key

    events = await changes(auth, last)

    assert [event.revision for event in events] == list(range(last + 1, last + 7))
    assert kinds(events) == [
        "organisation_changed",
        "project_changed",
        "user_changed",
        "project_changed",
        "key_created",
        "key_revoked",
    ]
    assert events[0].organisation_changed.organisation == organisation
    assert events[2].user_changed.user == user
    assert events[3].project_changed.project == project.project
    record = events[4].key_created.key
    assert (record.key_id, record.project_id, record.role) == (key.id, project.project.id, Role.ROLE_PLATFORM_ADMIN)
    assert events[5].key_revoked.secret_hash == secret_hash(PEPPER.encode(), secret) == record.secret_hash
    assert events[5].key_revoked.revoke_time == revoked.revoke_time


async def test_a_snapshot_has_all_that_lives_and_no_dead_key(auth: RunningAuth) -> None:
    admin = await auth.bearer()
    live, secret = await auth.key(admin, expire_time=to_timestamp(auth.clock() + timedelta(hours=1)))
    revoked, _ = await auth.key(admin)
    await auth.stub.RevokeApiKey(RevokeApiKeyRequest(key_id=revoked.id), metadata=admin)
    _, ada = await auth.user("ada@example.org")
    await auth.key(ada)
    await auth.disable("ada@example.org")

    state = await snapshot(auth)

    assert kinds(state) == ["organisation_changed", "project_changed", "user_changed", "user_changed", "key_created"]
    digest = secret_hash(PEPPER.encode(), secret)
    introspected = await auth.internal.IntrospectKey(IntrospectKeyRequest(secret_hash=digest))
    assert state[-1].key_created.key == introspected.key
    assert introspected.key.key_id == live.id
    assert state[3].user_changed.user.HasField("disable_time")
    projects = (await auth.stub.ListProjects(ListProjectsRequest(), metadata=admin)).projects
    assert state[1].project_changed.project == projects[0]


async def test_a_request_that_fails_leaves_no_event(auth: RunningAuth) -> None:
    await auth.organisation("Engines")
    (last,) = {change.revision for change in await snapshot(auth)}
    _, ada = await auth.user("ada@example.org")
    with refused(ResourceNotFound):
        await auth.stub.RevokeApiKey(RevokeApiKeyRequest(key_id="01890000-0000-7000-8000-000000000000"), metadata=ada)
    assert kinds(await changes(auth, last)) == ["user_changed"]


async def test_events_hold_no_secret(auth: RunningAuth) -> None:
    _, secret = await auth.key(await auth.bearer())
    for event in (*await snapshot(auth), *await changes(auth, 0)):
        assert secret.encode() not in event.SerializeToString()
        assert b"argon2" not in event.SerializeToString()


async def test_people_may_not_follow_the_feed(auth: RunningAuth) -> None:
    with refused(AccessDenied):
        await ChangeFeedServiceStub(auth.people).ListChanges(ListChangesRequest(), metadata=await auth.bearer())
