from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pantheon.auth.v1.access_pb2 import (
    ROLE_MEMBER,
    ROLE_ORGANISATION_ADMIN,
    ROLE_PLATFORM_ADMIN,
    ROLE_PROJECT_ADMIN,
)
from pantheon.usage.v1.report_pb2 import (
    REPORT_SCOPE_ORGANISATION,
    REPORT_SCOPE_OWN,
    REPORT_SCOPE_PLATFORM,
    REPORT_SCOPE_PROJECT,
    REPORT_SCOPE_UNSPECIFIED,
    ReportFilter,
)
from services.runtime.auth import ALL_SCOPES, Principal
from services.runtime.errors import AccessDenied, InvalidField, PantheonError
from services.usage.visibility import Where, visible

USER, ORGANISATION, PROJECT, KEY, OTHER = (uuid4() for _ in range(5))
ROLES = (ROLE_MEMBER, ROLE_PROJECT_ADMIN, ROLE_ORGANISATION_ADMIN, ROLE_PLATFORM_ADMIN)
SCOPES = (REPORT_SCOPE_OWN, REPORT_SCOPE_PROJECT, REPORT_SCOPE_ORGANISATION, REPORT_SCOPE_PLATFORM)


def caller(role: int) -> Principal:
    return Principal(str(USER), str(ORGANISATION), str(PROJECT), "", role, ALL_SCOPES)


def seen(role: int, **asked: Any) -> Where:
    return visible(ReportFilter(**asked), caller(role))


def test_one_sees_one_s_own_unless_one_asks_for_more() -> None:
    own = Where(organisation_id=(ORGANISATION,), user_id=(USER,))
    for role in ROLES:
        assert seen(role) == seen(role, scope=REPORT_SCOPE_OWN) == own
    assert seen(ROLE_MEMBER, scope=REPORT_SCOPE_UNSPECIFIED, user_ids=[str(USER)]) == own


def test_each_scope_is_as_wide_as_its_name() -> None:
    assert seen(ROLE_PROJECT_ADMIN, scope=REPORT_SCOPE_PROJECT) == Where((ORGANISATION,), (PROJECT,))
    assert seen(ROLE_ORGANISATION_ADMIN, scope=REPORT_SCOPE_ORGANISATION) == Where((ORGANISATION,))
    assert seen(ROLE_PLATFORM_ADMIN, scope=REPORT_SCOPE_PLATFORM) == Where()


def test_a_filter_narrows_what_a_scope_allows() -> None:
    where = seen(
        ROLE_PROJECT_ADMIN,
        scope=REPORT_SCOPE_PROJECT,
        user_ids=[str(OTHER)],
        key_ids=[str(KEY)],
        models=["b", "a", "b"],
        providers=["openai"],
    )
    assert where == Where((ORGANISATION,), (PROJECT,), (OTHER,), (KEY,), ("a", "b"), ("openai",))


def test_simulated_and_real_completions_are_told_apart_where_one_asks_for_it() -> None:
    assert seen(ROLE_MEMBER).sandbox == ()
    assert seen(ROLE_MEMBER, sandbox=False).sandbox == (False,)
    assert seen(ROLE_MEMBER, sandbox=True).sandbox == (True,)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_needs_its_role(role: int, scope: Any) -> None:
    # Roles and scopes are both ordered by power.
    if ROLES.index(role) >= SCOPES.index(scope):
        seen(role, scope=scope)
    else:
        with pytest.raises(AccessDenied, match="needs ROLE_"):
            seen(role, scope=scope)


@pytest.mark.parametrize(
    ("scope", "field"), ((REPORT_SCOPE_OWN, "user_ids"), (REPORT_SCOPE_PROJECT, "project_ids"))
)  # fmt: skip
def test_nobody_reaches_out_of_a_scope_by_a_filter(scope: Any, field: str) -> None:
    with pytest.raises(AccessDenied) as denied:
        seen(ROLE_PLATFORM_ADMIN, scope=scope, **{field: [str(OTHER)]})
    assert denied.value.metadata["field"] == f"filter.{field}"
    assert denied.value.metadata["value"] == str(OTHER)


@pytest.mark.parametrize("field", ("project_ids", "user_ids", "key_ids"))
def test_what_is_not_an_id_is_refused(field: str) -> None:
    with pytest.raises(InvalidField, match=f"filter.{field}"):
        seen(ROLE_PLATFORM_ADMIN, scope=REPORT_SCOPE_PLATFORM, **{field: ["everybody"]})


def test_too_long_a_filter_is_refused() -> None:
    with pytest.raises(InvalidField, match=r"filter\.models"):
        seen(ROLE_MEMBER, models=[f"vendor/{number}" for number in range(1_001)])


@given(
    role=st.sampled_from(ROLES),
    scope=st.integers(0, 5),
    users=st.lists(st.sampled_from((USER, OTHER)), max_size=2),
    projects=st.lists(st.sampled_from((PROJECT, OTHER)), max_size=2),
)
def test_only_platform_administrators_ever_leave_their_organisation(
    role: int, scope: Any, users: list[UUID], projects: list[UUID]
) -> None:
    try:
        where = seen(role, scope=scope, user_ids=map(str, users), project_ids=map(str, projects))
    except PantheonError:
        return
    assert where.organisation_id == (ORGANISATION,) or role == ROLE_PLATFORM_ADMIN
    if role == ROLE_MEMBER:
        assert where.user_id == (USER,)
    if role == ROLE_PROJECT_ADMIN:
        assert where.user_id == (USER,) or where.project_id == (PROJECT,)
