"""Organisations, projects and users. What belongs to an organisation is only ever found through it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, exists, select
from sqlalchemy.dialects.postgresql import insert

from services.auth.entities import Account, Organisation, Project, User
from services.auth.tables import organisations, projects, users
from services.runtime.db import ReadConnection, WriteConnection

USER_COLUMNS = [column for column in users.c if column is not users.c.password_hash]
"""In the order of `User`'s fields."""


async def add_organisation(connection: WriteConnection, organisation: Organisation) -> bool:
    """False when there is one of this name."""
    return await _add(connection, organisations, asdict(organisation))


async def add_project(connection: WriteConnection, project: Project) -> bool:
    """False when the organisation has one of this name."""
    return await _add(connection, projects, asdict(project))


async def add_user(connection: WriteConnection, user: User, password_hash: str) -> bool:
    """False when there is one with this email."""
    return await _add(connection, users, {**asdict(user), "password_hash": password_hash})


async def list_organisations(connection: ReadConnection, after: UUID | None, limit: int) -> Sequence[Organisation]:
    """Oldest first, those after the id `after`."""
    rows = await connection.execute(_page(select(organisations), organisations, after, limit))
    return [Organisation(*row) for row in rows]


async def list_projects(
    connection: ReadConnection, organisation_id: UUID, after: UUID | None, limit: int
) -> Sequence[Project]:
    """Oldest first, those after the id `after`."""
    query = select(projects).where(projects.c.organisation_id == organisation_id)
    rows = await connection.execute(_page(query, projects, after, limit))
    return [Project(*row) for row in rows]


async def list_users(
    connection: ReadConnection, organisation_id: UUID, after: UUID | None, limit: int
) -> Sequence[User]:
    """Oldest first, those after the id `after`."""
    query = select(*USER_COLUMNS).where(users.c.organisation_id == organisation_id)
    rows = await connection.execute(_page(query, users, after, limit))
    return [User(*row) for row in rows]


async def has_organisation(connection: ReadConnection, organisation_id: UUID) -> bool:
    """Whether there is such an organisation."""
    query = select(exists().where(organisations.c.id == organisation_id))
    return bool((await connection.execute(query)).scalar_one())


async def has_project(connection: ReadConnection, project_id: UUID, organisation_id: UUID) -> bool:
    """Whether the organisation has such a project."""
    query = select(exists().where(projects.c.id == project_id, projects.c.organisation_id == organisation_id))
    return bool((await connection.execute(query)).scalar_one())


async def has_users(connection: ReadConnection) -> bool:
    """Whether there is anybody at all."""
    return bool((await connection.execute(select(exists(select(users.c.id))))).scalar_one())


async def first_project(connection: ReadConnection, organisation_id: UUID) -> UUID:
    """The oldest project of the organisation; each is made with one."""
    query = select(projects.c.id).where(projects.c.organisation_id == organisation_id).order_by(projects.c.id).limit(1)
    project_id: UUID = (await connection.execute(query)).scalar_one()
    return project_id


async def find_user(connection: ReadConnection, user_id: UUID, organisation_id: UUID) -> User | None:
    """The user, if the organisation has it."""
    query = select(*USER_COLUMNS).where(users.c.id == user_id, users.c.organisation_id == organisation_id)
    row = (await connection.execute(query)).one_or_none()
    return User(*row) if row else None


async def find_account(connection: ReadConnection, email: str) -> Account | None:
    """The user with this email, in its normal spelling."""
    query = select(*USER_COLUMNS, users.c.password_hash).where(users.c.email == email)
    row = (await connection.execute(query)).one_or_none()
    return Account(User(*row[:-1]), row[-1]) if row else None


async def every_organisation(connection: ReadConnection) -> AsyncIterator[Organisation]:
    """All of them."""
    async with connection.stream(select(organisations)) as rows:
        async for row in rows:
            yield Organisation(*row)


async def every_project(connection: ReadConnection) -> AsyncIterator[Project]:
    """All of them."""
    async with connection.stream(select(projects)) as rows:
        async for row in rows:
            yield Project(*row)


async def every_user(connection: ReadConnection) -> AsyncIterator[User]:
    """All of them."""
    async with connection.stream(select(*USER_COLUMNS)) as rows:
        async for row in rows:
            yield User(*row)


async def _add(connection: WriteConnection, table: Table, values: dict[str, object]) -> bool:
    result = await connection.execute(insert(table).values(values).on_conflict_do_nothing())
    return result.rowcount == 1


def _page(query: Select[*tuple[Any, ...]], table: Table, after: UUID | None, limit: int) -> Select[*tuple[Any, ...]]:
    if after is not None:
        query = query.where(table.c.id > after)
    return query.order_by(table.c.id).limit(limit)
