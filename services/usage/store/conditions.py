"""A `Where` as SQL."""

from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, Table

from services.usage.visibility import Where


def allowed(table: Table, where: Where) -> list[ColumnElement[bool]]:
    """The conditions on a table that has the columns of a series."""
    conditions: list[ColumnElement[bool]] = []
    for column in fields(where):
        values: tuple[Any, ...] = getattr(where, column.name)
        if values:
            conditions.append(table.c[column.name].in_(values))
    return conditions
