import asyncio
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import text

from pantheon.auth.v1.access_pb2 import Role, Scope
from pantheon.auth.v1.auth_service_pb2 import (
    CreateApiKeyRequest,
    GetCurrentUserRequest,
    IntrospectKeyRequest,
    ListApiKeysRequest,
    ListProjectsRequest,
    RevokeApiKeyRequest,
)
from pantheon.auth.v1.key_pb2 import ApiKey
from services.runtime import times
from services.runtime.auth import ALL_SCOPES
from services.runtime.errors import (
    AccessDenied,
    CredentialsInvalid,
    InvalidField,
    RequestRepeated,
    ResourceNotFound,
)
from services.runtime.ids import uuid7, uuid7_floor
from services.runtime.keys import secret_hash
from services.runtime.request_ids import forget_before, keep_forgetting
from services.runtime.tasks import end
from services.runtime.times import to_timestamp
from tests.fixtures.eventually import eventually
from tests.integration.auth.running import PEPPER, Metadata, RunningAuth, bearer, refused

USUAL = [Scope.SCOPE_INFERENCE, Scope.SCOPE_USAGE_READ, Scope.SCOPE_SETTINGS]


def hash_of(secret: str) -> bytes:
    return secret_hash(PEPPER.encode(), secret)


async def names(auth: RunningAuth, metadata: Metadata, **fields: Any) -> list[str]:
    listed = await auth.stub.ListApiKeys(ListApiKeysRequest(**fields), metadata=metadata)
    return [key.name for key in listed.api_keys]


async def test_a_key_acts_as_its_owner_with_the_usual_scopes_on_the_first_project(auth: RunningAuth) -> None:
    user, ada = await auth.user("ada@example.org")
    key, secret = await auth.key(ada, name="laptop")
    assert (key.name, key.user_id, key.organisation_id) == ("laptop", user.id, user.organisation_id)
    assert list(key.scopes) == USUAL
    projects = (await auth.stub.ListProjects(ListProjectsRequest(), metadata=ada)).projects
    assert key.project_id == projects[0].id
    current = await auth.stub.GetCurrentUser(GetCurrentUserRequest(), metadata=bearer(secret))
    assert (current.user, current.project_id) == (user, key.project_id)


async def test_a_secret_is_shown_once_and_only_its_hash_is_kept(auth: RunningAuth) -> None:
    key, secret = await auth.key(await auth.bearer())
    assert secret.startswith("pan-")
    assert len(secret) == 47
    assert key.prefix == secret[:8]
    (stored,) = await auth.rows("SELECT secret_hash FROM api_keys")
    assert stored[0] == hash_of(secret)
    listed = (await auth.stub.ListApiKeys(ListApiKeysRequest(), metadata=await auth.bearer())).api_keys
    assert list(listed) == [key]


async def test_a_service_is_told_who_a_key_is(auth: RunningAuth) -> None:
    user, ada = await auth.user("ada@example.org", Role.ROLE_PROJECT_ADMIN)
    key, secret = await auth.key(ada)
    record = (await auth.internal.IntrospectKey(IntrospectKeyRequest(secret_hash=hash_of(secret)))).key
    assert (record.key_id, record.user_id, record.role) == (key.id, user.id, Role.ROLE_PROJECT_ADMIN)
    assert record.scopes == key.scopes
    with refused(CredentialsInvalid):
        await auth.internal.IntrospectKey(IntrospectKeyRequest(secret_hash=hash_of("pan-unknown")))
    with refused(InvalidField):
        await auth.internal.IntrospectKey(IntrospectKeyRequest(secret_hash=b"short"))


async def test_people_may_not_introspect_keys_whatever_their_role(auth: RunningAuth) -> None:
    _, secret = await auth.key(await auth.bearer())
    request = IntrospectKeyRequest(secret_hash=hash_of(secret))
    with refused(AccessDenied):
        await auth.stub.IntrospectKey(request, metadata=await auth.bearer())
    with refused(AccessDenied):
        await auth.stub.IntrospectKey(request)


async def test_a_revoked_key_is_nobodys_at_once_and_revoking_again_changes_nothing(auth: RunningAuth) -> None:
    admin = await auth.bearer()
    key, secret = await auth.key(admin)
    first = (await auth.stub.RevokeApiKey(RevokeApiKeyRequest(key_id=key.id), metadata=admin)).api_key
    with refused(CredentialsInvalid):
        await auth.stub.GetCurrentUser(GetCurrentUserRequest(), metadata=bearer(secret))
    with refused(CredentialsInvalid):
        await auth.internal.IntrospectKey(IntrospectKeyRequest(secret_hash=hash_of(secret)))
    auth.clock.advance(timedelta(minutes=1))
    again = (await auth.stub.RevokeApiKey(RevokeApiKeyRequest(key_id=key.id), metadata=admin)).api_key
    assert again.HasField("revoke_time")
    assert again == first
    assert await auth.rows("SELECT count(*) FROM audit_log WHERE action = 'api_key.revoked'") == [(1,)]


async def test_a_key_works_until_it_expires(auth: RunningAuth) -> None:
    expires = to_timestamp(auth.clock() + timedelta(hours=1))
    key, secret = await auth.key(await auth.bearer(), expire_time=expires)
    assert key.expire_time == expires
    await auth.stub.GetCurrentUser(GetCurrentUserRequest(), metadata=bearer(secret))
    auth.clock.advance(timedelta(hours=1))
    with refused(CredentialsInvalid):
        await auth.stub.GetCurrentUser(GetCurrentUserRequest(), metadata=bearer(secret))


async def test_keys_of_a_disabled_user_are_nobodys(auth: RunningAuth) -> None:
    _, ada = await auth.user("ada@example.org")
    _, secret = await auth.key(ada)
    await auth.disable("ada@example.org")
    with refused(CredentialsInvalid):
        await auth.stub.GetCurrentUser(GetCurrentUserRequest(), metadata=bearer(secret))


async def test_a_key_is_refused_where_its_scopes_do_not_reach(auth: RunningAuth) -> None:
    _, secret = await auth.key(await auth.bearer())
    with refused(AccessDenied) as told:
        await auth.stub.ListApiKeys(ListApiKeysRequest(), metadata=bearer(secret))
    assert told["required"] == "SCOPE_ADMIN"


async def test_a_key_makes_no_key_that_may_more_than_itself(auth: RunningAuth) -> None:
    _, secret = await auth.key(await auth.bearer(), scopes=[Scope.SCOPE_ADMIN, Scope.SCOPE_INFERENCE])
    made, _ = await auth.key(bearer(secret), scopes=[Scope.SCOPE_INFERENCE])
    assert list(made.scopes) == [Scope.SCOPE_INFERENCE]
    with refused(AccessDenied) as told:
        await auth.key(bearer(secret), scopes=[Scope.SCOPE_INFERENCE, Scope.SCOPE_USAGE_READ])
    assert told == {"method": "/pantheon.auth.v1.AuthService/CreateApiKey", "required": "SCOPE_USAGE_READ"}
    with refused(AccessDenied):
        await auth.key(bearer(secret))


async def test_an_administrator_makes_keys_for_others_but_not_for_mightier_ones(auth: RunningAuth) -> None:
    member, ada = await auth.user("ada@example.org")
    _, admin = await auth.user("b@example.org", Role.ROLE_ORGANISATION_ADMIN)
    mightier, _ = await auth.user("c@example.org", Role.ROLE_PLATFORM_ADMIN)
    key, secret = await auth.key(admin, user_id=member.id)
    assert key.user_id == member.id
    current = await auth.stub.GetCurrentUser(GetCurrentUserRequest(), metadata=bearer(secret))
    assert current.user == member
    with refused(AccessDenied) as told:
        await auth.key(admin, user_id=mightier.id)
    assert told["required"] == "ROLE_PLATFORM_ADMIN"
    with refused(AccessDenied) as told:
        await auth.key(ada, user_id=mightier.id)
    assert told["required"] == "ROLE_ORGANISATION_ADMIN"


@pytest.mark.parametrize(
    ("fields", "field"),
    (
        ({"name": ""}, "api_key.name"),
        ({"scopes": [0]}, "api_key.scopes"),
        ({"scopes": [1, 99]}, "api_key.scopes"),
        ({"user_id": "ada"}, "api_key.user_id"),
        ({"project_id": "default"}, "api_key.project_id"),
        ({"expire_time": Timestamp(seconds=1)}, "api_key.expire_time"),
        ({"expire_time": Timestamp(seconds=2**60)}, "api_key.expire_time"),
    ),
)
async def test_a_key_with_a_field_out_of_bounds_is_refused(
    auth: RunningAuth, fields: dict[str, Any], field: str
) -> None:
    metadata = await auth.bearer()
    with refused(InvalidField) as told:
        await auth.key(metadata, **fields)
    assert told["field"] == field


async def test_keys_are_listed_newest_first_and_live_ones_only_unless_asked(auth: RunningAuth) -> None:
    admin = await auth.bearer()
    old, _ = await auth.key(admin, name="old")
    await auth.key(admin, name="short", expire_time=to_timestamp(auth.clock() + timedelta(seconds=30)))
    await auth.key(admin, name="new")
    await auth.stub.RevokeApiKey(RevokeApiKeyRequest(key_id=old.id), metadata=admin)
    assert await names(auth, admin) == ["new", "short"]
    auth.clock.advance(timedelta(seconds=31))
    assert await names(auth, admin) == ["new"]
    assert await names(auth, admin, include_inactive=True) == ["new", "short", "old"]


async def test_members_list_their_own_keys_and_administrators_all_of_the_organisation(auth: RunningAuth) -> None:
    _, ada = await auth.user("ada@example.org")
    await auth.key(ada, name="ada's")
    await auth.key(await auth.bearer(), name="admin's")
    assert await names(auth, ada) == ["ada's"]
    assert await names(auth, await auth.bearer()) == ["admin's"]
    assert await names(auth, await auth.bearer(), whole_organisation=True) == ["admin's", "ada's"]
    with refused(AccessDenied) as told:
        await names(auth, ada, whole_organisation=True)
    assert told["required"] == "ROLE_ORGANISATION_ADMIN"


async def test_pages_of_keys_go_on_where_the_last_one_ended(auth: RunningAuth) -> None:
    admin = await auth.bearer()
    for number in range(5):
        await auth.key(admin, name=str(number))
    first = await auth.stub.ListApiKeys(ListApiKeysRequest(page_size=2), metadata=admin)
    await auth.key(admin, name="made meanwhile")
    second = ListApiKeysRequest(page_size=3, page_token=first.next_page_token)
    rest = await auth.stub.ListApiKeys(second, metadata=admin)
    assert [key.name for key in (*first.api_keys, *rest.api_keys)] == ["4", "3", "2", "1", "0"]
    assert rest.next_page_token == ""


async def test_a_member_revokes_their_own_keys_and_no_others(auth: RunningAuth) -> None:
    _, ada = await auth.user("ada@example.org")
    own, _ = await auth.key(ada)
    other, secret = await auth.key(await auth.bearer())
    await auth.stub.RevokeApiKey(RevokeApiKeyRequest(key_id=own.id), metadata=ada)
    with refused(ResourceNotFound) as told:
        await auth.stub.RevokeApiKey(RevokeApiKeyRequest(key_id=other.id), metadata=ada)
    assert told == {"resource": "api_key", "id": other.id}
    await auth.stub.GetCurrentUser(GetCurrentUserRequest(), metadata=bearer(secret))


async def test_an_administrator_revokes_keys_of_the_organisation(auth: RunningAuth) -> None:
    _, ada = await auth.user("ada@example.org")
    key, _ = await auth.key(ada)
    await auth.stub.RevokeApiKey(RevokeApiKeyRequest(key_id=key.id), metadata=await auth.bearer())
    assert await names(auth, ada) == []


async def test_a_key_that_is_not_there_cannot_be_revoked(auth: RunningAuth) -> None:
    admin = await auth.bearer()
    with refused(ResourceNotFound):
        await auth.stub.RevokeApiKey(RevokeApiKeyRequest(key_id=str(uuid7())), metadata=admin)
    with refused(InvalidField):
        await auth.stub.RevokeApiKey(RevokeApiKeyRequest(key_id="laptop"), metadata=admin)


async def test_a_request_id_makes_one_key(auth: RunningAuth) -> None:
    admin = await auth.bearer()
    request = CreateApiKeyRequest(api_key=ApiKey(name="laptop"), request_id="r-1")
    made = await auth.stub.CreateApiKey(request, metadata=admin)
    with refused(RequestRepeated) as told:
        await auth.stub.CreateApiKey(request, metadata=admin)
    assert told == {"request_id": "r-1", "id": made.api_key.id}
    assert await names(auth, admin) == ["laptop"]


async def test_a_request_id_is_forgotten_in_time(auth: RunningAuth) -> None:
    admin = await auth.bearer()
    requests = [CreateApiKeyRequest(api_key=ApiKey(name="laptop"), request_id=f"r-{number}") for number in range(5)]
    for request in requests:
        await auth.stub.CreateApiKey(request, metadata=admin)
    await forget_before(auth.db, times.now() - timedelta(minutes=5), batch=2)
    with refused(RequestRepeated):
        await auth.stub.CreateApiKey(requests[0], metadata=admin)
    await forget_before(auth.db, times.now() + timedelta(minutes=5), batch=2)
    assert await auth.rows("SELECT * FROM requests") == []
    await auth.stub.CreateApiKey(requests[0], metadata=admin)
    assert await names(auth, admin) == ["laptop"] * 6


async def test_request_ids_are_kept_for_a_week(auth: RunningAuth) -> None:
    insert = text("INSERT INTO requests VALUES (:caller, 'CreateApiKey', :request, :made)")
    async with auth.db.write() as connection:
        for days in (6, 8):
            made = uuid7_floor(times.now() - timedelta(days=days))
            values = {"caller": uuid7(), "request": f"{days} days ago", "made": made}
            await connection.execute(insert, values)

    async def only_the_newer_is_left() -> bool:
        return await auth.rows("SELECT request_id FROM requests") == [("6 days ago",)]

    forgetting = asyncio.create_task(keep_forgetting(auth.db))
    await eventually(only_the_newer_is_left)
    await end([forgetting])


async def test_what_a_key_did_is_in_the_audit_log_under_that_key(auth: RunningAuth) -> None:
    key, secret = await auth.key(await auth.bearer(), scopes=sorted(ALL_SCOPES))
    made, _ = await auth.key(bearer(secret))
    query = "SELECT actor_key_id::text, subject FROM audit_log WHERE actor_key_id IS NOT NULL"
    assert await auth.rows(query) == [(key.id, made.id)]
