import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from pantheon.auth.v1.access_pb2 import Role, Scope
from pantheon.auth.v1.key_pb2 import ApiKey as Asked
from services.auth import keys
from services.auth.entities import ApiKey
from services.runtime.auth import Principal
from services.runtime.errors import AccessDenied, InvalidField, ResourceNotFound
from services.runtime.times import to_timestamp
from tests.unit.auth.callers import ORGANISATION_ID, PROJECT_ID, USER_ID, caller

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
METHOD = "/pantheon.auth.v1.AuthService/CreateApiKey"
OTHER = "01890000-0000-7000-8000-0000000000ff"


def kept_key(user_id: str = USER_ID, organisation_id: str = ORGANISATION_ID) -> ApiKey:
    return ApiKey(
        id=UUID(OTHER),
        organisation_id=UUID(organisation_id),
        project_id=UUID(PROJECT_ID),
        user_id=UUID(user_id),
        name="laptop",
        prefix="pan-3fK9",
        secret_hash=bytes(32),
        scopes=(Scope.SCOPE_INFERENCE,),
        created_at=NOW,
    )


def test_a_secret_is_pan_and_256_random_bits() -> None:
    secrets = {keys.new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(re.fullmatch(r"pan-[A-Za-z0-9_-]{43}", secret) for secret in secrets)


def test_four_characters_of_a_secret_are_kept_to_recognise_it_by() -> None:
    assert keys.shown_prefix("pan-3fK9abcdefgh") == "pan-3fK9"


def test_scopes_are_each_once_and_in_order() -> None:
    asked = (Scope.SCOPE_ADMIN, Scope.SCOPE_INFERENCE, Scope.SCOPE_ADMIN)
    assert keys.scopes("api_key.scopes", asked) == (Scope.SCOPE_INFERENCE, Scope.SCOPE_ADMIN)


def test_no_scopes_mean_all_but_administration() -> None:
    assert keys.scopes("api_key.scopes", ()) == (1, 2, 3)


@pytest.mark.parametrize("scope", (Scope.SCOPE_UNSPECIFIED, Scope.ValueType(99)))
def test_an_unknown_scope_is_refused(scope: Scope.ValueType) -> None:
    with pytest.raises(InvalidField, match=r"SCOPE_INFERENCE \(1\)"):
        keys.scopes("api_key.scopes", (Scope.SCOPE_INFERENCE, scope))


def test_a_key_gets_no_scope_its_maker_lacks() -> None:
    maker = caller(scopes=frozenset({Scope.SCOPE_ADMIN, Scope.SCOPE_INFERENCE}))
    keys.check_has(maker, (Scope.SCOPE_INFERENCE,), METHOD)
    with pytest.raises(AccessDenied) as refusal:
        keys.check_has(maker, (Scope.SCOPE_INFERENCE, Scope.SCOPE_SETTINGS), METHOD)
    assert refusal.value.metadata == {"method": METHOD, "required": "SCOPE_SETTINGS"}


def test_a_key_that_expires_never_says_nothing() -> None:
    assert keys.expiry("api_key.expire_time", Asked(), NOW) is None


def test_a_key_may_expire_at_any_time_to_come() -> None:
    soon = NOW + timedelta(microseconds=1)
    assert keys.expiry("api_key.expire_time", Asked(expire_time=to_timestamp(soon)), NOW) == soon


@pytest.mark.parametrize(
    "expire_time", (to_timestamp(NOW), Timestamp(seconds=-(2**60)), Timestamp(seconds=2**60), Timestamp())
)
def test_an_expiry_that_is_past_or_no_date_is_refused(expire_time: Timestamp) -> None:
    with pytest.raises(InvalidField) as refusal:
        keys.expiry("api_key.expire_time", Asked(expire_time=expire_time), NOW)
    assert refusal.value.metadata["allowed"].startswith("an instant after 2026-05-04T12:00:00+00:00")


@pytest.mark.parametrize(
    ("who", "key"),
    (
        (caller(Role.ROLE_MEMBER), kept_key()),
        (caller(Role.ROLE_ORGANISATION_ADMIN), kept_key(user_id=OTHER)),
    ),
)
def test_ones_own_keys_and_those_one_administers_may_be_revoked(who: Principal, key: ApiKey) -> None:
    keys.check_may_revoke(who, key)


@pytest.mark.parametrize(
    ("who", "key"),
    (
        (caller(Role.ROLE_MEMBER), kept_key(user_id=OTHER)),
        (caller(Role.ROLE_PROJECT_ADMIN), kept_key(user_id=OTHER)),
        (caller(Role.ROLE_ORGANISATION_ADMIN), kept_key(user_id=OTHER, organisation_id=OTHER)),
        (caller(Role.ROLE_PLATFORM_ADMIN), kept_key(user_id=OTHER, organisation_id=OTHER)),
    ),
)
def test_keys_of_others_are_not_even_there(who: Principal, key: ApiKey) -> None:
    with pytest.raises(ResourceNotFound):
        keys.check_may_revoke(who, key)
