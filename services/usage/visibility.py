"""Whose usage a caller may see. Pure; the default is to refuse."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from pantheon.auth.v1.access_pb2 import (
    ROLE_ORGANISATION_ADMIN,
    ROLE_PLATFORM_ADMIN,
    ROLE_PROJECT_ADMIN,
    Role,
)
from pantheon.usage.v1.report_pb2 import (
    REPORT_SCOPE_ORGANISATION,
    REPORT_SCOPE_OWN,
    REPORT_SCOPE_PLATFORM,
    REPORT_SCOPE_PROJECT,
    REPORT_SCOPE_UNSPECIFIED,
    ReportFilter,
    ReportScope,
)
from services.runtime.auth import Principal
from services.runtime.errors import AccessDenied, InvalidField

_MOST_VALUES = 1_000
_LEAST_ROLE = {
    REPORT_SCOPE_PROJECT: ROLE_PROJECT_ADMIN,
    REPORT_SCOPE_ORGANISATION: ROLE_ORGANISATION_ADMIN,
    REPORT_SCOPE_PLATFORM: ROLE_PLATFORM_ADMIN,
}


@dataclass(frozen=True, slots=True)
class Where:
    """Which rows a report may count. A column's values are the allowed ones; an empty tuple allows all."""

    organisation_id: tuple[UUID, ...] = ()
    project_id: tuple[UUID, ...] = ()
    user_id: tuple[UUID, ...] = ()
    key_id: tuple[UUID, ...] = ()
    model: tuple[str, ...] = ()
    provider: tuple[str, ...] = ()
    sandbox: tuple[bool, ...] = ()


def visible(asked: ReportFilter, principal: Principal) -> Where:
    """What the filter asks for, kept to what the caller may see.

    Raises:
        AccessDenied: the scope needs a higher role, or the filter names somebody outside the scope.
        InvalidField: an id is not a UUID, or there are too many.
    """
    scope = asked.scope or REPORT_SCOPE_OWN
    _check_role(scope, principal)
    projects = _uuids(asked.project_ids, "filter.project_ids")
    users = _uuids(asked.user_ids, "filter.user_ids")
    organisations: tuple[UUID, ...] = (UUID(principal.organisation_id),)
    if scope == REPORT_SCOPE_OWN:
        users = _only(users, UUID(principal.user_id), "filter.user_ids", scope)
    elif scope == REPORT_SCOPE_PROJECT:
        projects = _only(projects, UUID(principal.project_id), "filter.project_ids", scope)
    elif scope == REPORT_SCOPE_PLATFORM:
        organisations = ()
    return Where(
        organisation_id=organisations,
        project_id=projects,
        user_id=users,
        key_id=_uuids(asked.key_ids, "filter.key_ids"),
        model=_few(asked.models, "filter.models"),
        provider=_few(asked.providers, "filter.providers"),
        sandbox=(asked.sandbox,) if asked.HasField("sandbox") else (),
    )


def _check_role(scope: ReportScope.ValueType, principal: Principal) -> None:
    if scope == REPORT_SCOPE_OWN:
        return
    least = _LEAST_ROLE.get(scope)
    if least is None:
        allowed = ", ".join(name for name, value in ReportScope.items() if value != REPORT_SCOPE_UNSPECIFIED)
        raise InvalidField("filter.scope", scope, allowed)
    if principal.role < least:
        name, required = ReportScope.Name(scope), Role.Name(least)
        raise AccessDenied(f"{name} needs {required}", scope=name, required=required)


def _only(asked: tuple[UUID, ...], own: UUID, field: str, scope: ReportScope.ValueType) -> tuple[UUID, ...]:
    """The caller's own id, which is all the scope allows."""
    for other in asked:
        if other != own:
            name = ReportScope.Name(scope)
            raise AccessDenied(f"{field}: {other} is outside {name}", field=field, value=other, scope=name)
    return (own,)


def _uuids(values: Iterable[str], field: str) -> tuple[UUID, ...]:
    found = []
    for value in _few(values, field):
        try:
            found.append(UUID(value))
        except ValueError:
            raise InvalidField(field, value, "UUIDs") from None
    return tuple(found)


def _few(values: Iterable[str], field: str) -> tuple[str, ...]:
    """Without repetitions, sorted: the same question has the same fingerprint."""
    found = tuple(sorted(set(values)))
    for value in found:
        if "\0" in value:
            raise InvalidField(field, value, "text without U+0000")
    if len(found) > _MOST_VALUES:
        raise InvalidField(field, f"{len(found)} values", f"at most {_MOST_VALUES}")
    return found
