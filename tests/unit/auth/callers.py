"""Callers for tests of rules."""

from pantheon.auth.v1.access_pb2 import Role
from services.runtime.auth import ALL_SCOPES, Principal

USER_ID = "01890000-0000-7000-8000-000000000001"
ORGANISATION_ID = "01890000-0000-7000-8000-000000000002"
PROJECT_ID = "01890000-0000-7000-8000-000000000003"


def caller(role: Role.ValueType = Role.ROLE_MEMBER, scopes: frozenset[int] = ALL_SCOPES) -> Principal:
    return Principal(USER_ID, ORGANISATION_ID, PROJECT_ID, "", role, scopes)
