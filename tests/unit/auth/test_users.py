from datetime import UTC, datetime, timedelta

import pytest

from pantheon.auth.v1.access_pb2 import Role
from services.auth import users
from services.auth.entities import LoginAttempts
from services.runtime.errors import AccessDenied, InvalidField, RateLimited
from tests.unit.auth.callers import caller

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
METHOD = "/pantheon.auth.v1.AuthService/CreateUser"


@pytest.mark.parametrize(
    ("given", "kept"),
    (
        ("ada@example.org", "ada@example.org"),
        (" Ada@Example.ORG\t", "ada@example.org"),
        ("a+b@localhost", "a+b@localhost"),
        ("Jose\u0301@example.org", "jos\u00e9@example.org"),
    ),
)
def test_an_email_is_kept_in_one_spelling(given: str, kept: str) -> None:
    assert users.email("email", given) == kept


@pytest.mark.parametrize(
    "given", ("", "ada", "@example.org", "ada@", "a@b@c", "a b@c", "ada@ex\0ample.org", "a" * 243 + "@example.org")
)
def test_what_is_no_email_is_refused(given: str) -> None:
    with pytest.raises(InvalidField) as refusal:
        users.email("user.email", given)
    assert refusal.value.metadata["field"] == "user.email"


@pytest.mark.parametrize("length", (8, 1024))
def test_a_password_has_8_to_1024_characters(length: int) -> None:
    assert users.password("password", "é" * length) == "é" * length


@pytest.mark.parametrize("length", (0, 7, 1025))
def test_a_password_of_another_length_is_refused_without_being_told(length: int) -> None:
    with pytest.raises(InvalidField) as refusal:
        users.password("password", "s" * length)
    assert refusal.value.metadata == {
        "field": "password",
        "value": f"{length} characters",
        "allowed": "8 to 1024 characters",
    }


@pytest.mark.parametrize("role", (Role.ROLE_UNSPECIFIED, Role.ValueType(5), Role.ValueType(99)))
def test_a_role_nobody_can_have_is_refused(role: Role.ValueType) -> None:
    with pytest.raises(InvalidField, match=r"ROLE_MEMBER \(10\)"):
        users.role("user.role", role)


@pytest.mark.parametrize("given", sorted(set(Role.values()) - {Role.ROLE_UNSPECIFIED}))
def test_a_role_is_given_by_those_who_have_at_least_that(given: Role.ValueType) -> None:
    assert users.role("user.role", given) == given
    users.check_gives(caller(given), given, METHOD)
    with pytest.raises(AccessDenied) as refusal:
        users.check_gives(caller(Role.ValueType(given - 1)), given, METHOD)
    assert refusal.value.metadata == {"method": METHOD, "required": Role.Name(given)}


def test_what_only_some_callers_may_ask_for_needs_their_role() -> None:
    users.check_role(caller(Role.ROLE_PLATFORM_ADMIN), Role.ROLE_ORGANISATION_ADMIN, METHOD)
    with pytest.raises(AccessDenied, match="ROLE_ORGANISATION_ADMIN"):
        users.check_role(caller(Role.ROLE_PROJECT_ADMIN), Role.ROLE_ORGANISATION_ADMIN, METHOD)


def test_ten_attempts_are_allowed_in_a_quarter_of_an_hour() -> None:
    first = NOW - timedelta(minutes=5, milliseconds=1)
    users.check_attempts(LoginAttempts(first, 10), NOW)
    with pytest.raises(RateLimited) as refusal:
        users.check_attempts(LoginAttempts(first, 11), NOW)
    assert refusal.value.metadata == {"limit": "login_attempts", "retry_after_seconds": "600"}
