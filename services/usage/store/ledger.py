"""Ledger rows: added in bulk, never changed."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from asyncpg import Connection, Record

from pantheon.usage.v1.ledger_pb2 import LEDGER_STATE_ESTIMATED, ROW_KIND_COMPLETION
from services.usage.entry import Attempt, Ending, Entry, Figures

_OWN = ("id", "kind", "adjusts_id")
COLUMNS = (*_OWN, *Attempt.__struct_fields__, *Ending.__struct_fields__, *Figures.__struct_fields__)
_ATTEMPT = slice(len(_OWN), len(_OWN) + len(Attempt.__struct_fields__))
_ENDING = slice(_ATTEMPT.stop, _ATTEMPT.stop + len(Ending.__struct_fields__))
_FIGURES = slice(_ENDING.stop, None)
_TAGS = Attempt.__struct_fields__.index("tags")


_INSERT = (
    f"INSERT INTO ledger ({', '.join(COLUMNS)}) "  # noqa: S608 - made of constants, as below
    "SELECT * FROM unnest($1::ledger_entry_2[]) ON CONFLICT DO NOTHING RETURNING id"
)
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM ledger WHERE id = ANY($1)"  # noqa: S608
_ESTIMATES = f"{_SELECT} AND kind = {ROW_KIND_COMPLETION} AND state = {LEDGER_STATE_ESTIMATED}"
_PRESENT = "SELECT id FROM ledger WHERE id = ANY($1)"
_WITH_LATER_ATTEMPT = """
    SELECT given.id
    FROM unnest($1::uuid[], $2::uuid[], $3::integer[]) AS given (id, request_id, attempt_number)
    WHERE EXISTS (
        SELECT FROM ledger
        WHERE ledger.request_id = given.request_id AND ledger.attempt_number > given.attempt_number
    )
"""


async def insert(connection: Connection, entries: Sequence[Entry]) -> set[UUID]:
    """Adds rows, in the order of their ids so that replicas never wait in a circle; returns the ids of the new ones."""
    if not entries:
        return set()
    rows = [_row(row) for row in sorted(entries, key=_id)]
    return {record["id"] for record in await connection.fetch(_INSERT, rows)}


async def select(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Entry]:
    """The rows of these ids that there are."""
    return _by_id(await connection.fetch(_SELECT, list(ids)))


async def estimates(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Entry]:
    """Those of these rows that are estimates, as they were first booked."""
    return _by_id(await connection.fetch(_ESTIMATES, list(ids)))


async def present(connection: Connection, ids: Iterable[UUID]) -> set[UUID]:
    """Which of these ids have a row."""
    return {record["id"] for record in await connection.fetch(_PRESENT, list(ids))}


async def with_later_attempt(connection: Connection, entries: Iterable[Entry]) -> set[UUID]:
    """The ids of those entries whose request has a row of a later attempt."""
    rows = [(row.id, row.attempt.request_id, row.attempt.attempt_number) for row in entries]
    if not rows:
        return set()
    return {record["id"] for record in await connection.fetch(_WITH_LATER_ATTEMPT, *zip(*rows, strict=True))}


def entry(values: Sequence[Any]) -> Entry:
    """A row that was read with COLUMNS; the connection's own codec (SQLAlchemy's) has decoded the tags."""
    row_id, kind, adjusts_id = values[: len(_OWN)]
    parts = Attempt(*values[_ATTEMPT]), Ending(*values[_ENDING]), Figures(*values[_FIGURES])
    return Entry(row_id, kind, adjusts_id, *parts)


def _by_id(records: Iterable[Record]) -> dict[UUID, Entry]:
    return {record["id"]: entry(tuple(record.values())) for record in records}


def _id(row: Entry) -> UUID:
    return row.id


def _row(row: Entry) -> tuple[Any, ...]:
    """A `ledger_entry_2`; the connection's codec takes JSON as text."""
    attempt = list(msgspec.structs.astuple(row.attempt))
    attempt[_TAGS] = msgspec.json.encode(row.attempt.tags).decode()
    rest = (*msgspec.structs.astuple(row.ending), *msgspec.structs.astuple(row.figures))
    return (row.id, row.kind, row.adjusts_id, *attempt, *rest)
