"""What organisations have chosen for use cases."""

from collections import defaultdict
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, delete, select
from sqlalchemy.dialects.postgresql import insert

from services.catalog.entities import Choice
from services.catalog.tables import USE_CASE_CHOICES
from services.catalog.use_cases import USE_CASES, Choices
from services.runtime.db import ReadConnection, WriteConnection, lock_for
from services.runtime.ids import NIL

PLATFORM = NIL
"""Whose choices are the platform's defaults, as they were announced last."""

_NAMES = {number: name for name, number in USE_CASES.items()}


async def lock(connection: WriteConnection, organisation_id: str) -> None:
    """Lets one transaction at a time change the choices of this organisation, those of none included."""
    await lock_for(connection, f"pantheon.catalog.use_cases.{organisation_id}")


async def get(connection: ReadConnection, organisation_id: str) -> Choices:
    """The organisation's choices."""
    query = select(USE_CASE_CHOICES).where(USE_CASE_CHOICES.c.organisation_id == (organisation_id or None))
    return {_NAMES[row.use_case]: _choice(row) for row in await connection.execute(query)}


async def all_organisations(connection: ReadConnection) -> dict[str, Choices]:
    """The choices of all organisations that have made any, by organisation."""
    found: dict[str, dict[str, Choice]] = defaultdict(dict)
    query = select(USE_CASE_CHOICES).where(USE_CASE_CHOICES.c.organisation_id != PLATFORM)
    for row in await connection.execute(query.order_by(USE_CASE_CHOICES.c.organisation_id)):
        found[row.organisation_id][_NAMES[row.use_case]] = _choice(row)
    return dict(found)


async def write(connection: WriteConnection, organisation_id: str, choices: Choices) -> None:
    """Replaces the organisation's choices."""
    table = USE_CASE_CHOICES
    await connection.execute(delete(table).where(table.c.organisation_id == organisation_id))
    rows = [
        {"organisation_id": organisation_id, "use_case": USE_CASES[name], **asdict(choice)}
        for name, choice in choices.items()
    ]
    if rows:
        await connection.execute(insert(table), rows)


def _choice(row: Row[Any]) -> Choice:
    return Choice(row.model, row.provider)
