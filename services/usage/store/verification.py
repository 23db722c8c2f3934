"""Compares what is derived from the ledger with the ledger, group by group, in SQL."""

from datetime import datetime
from uuid import UUID

import msgspec
from asyncpg import Connection, Record

from pantheon.usage.v1.ledger_pb2 import ROW_KIND_COMPLETION
from services.runtime.ids import uuid7_floor
from services.usage import latency
from services.usage.entry import MEASURES, MONEY, SERIES_KEY
from services.usage.periods import Period, rfc3339, zone
from services.usage.store.partitions import existing

MOST_DISCREPANCIES = 100

_KEY = ("bucket", *SERIES_KEY)


class Discrepancy(msgspec.Struct, frozen=True):
    """A place where the ledger and what is derived from it differ."""

    check: str
    place: str
    expected: str
    found: str


class Derived(msgspec.Struct, frozen=True):
    """A table derived from the ledger: which of its columns are keys, and how the ledger gives its figures."""

    check: str
    table: str
    keys: tuple[str, ...]
    figures: dict[str, str]
    per_row: str
    """What joins each ledger row with the groups it counts in."""


def _measure(name: str) -> str:
    return f"sum({name})" if name in MONEY else f"coalesce(sum({name}), 0)::bigint"


_MEASURES = {name: _measure(name) for name in MEASURES}
_THRESHOLDS = "{" + ",".join(map(str, latency.THRESHOLDS)) + "}"
_CHECKS = (
    Derived("rollup", "rollup", (), _MEASURES, ""),
    Derived(
        "tag_rollup", "tag_rollup", ("tag", "value"), _MEASURES, "CROSS JOIN jsonb_each_text(tags) AS t (tag, value)"
    ),
    Derived(
        "histogram",
        "histogram",
        ("metric", "slot"),
        {"count": "count(*)", "sum_us": "sum(sample)::bigint"},
        f"""
        CROSS JOIN LATERAL (
            SELECT metric, width_bucket(us, '{_THRESHOLDS}'::bigint[]) AS slot, us AS sample
            FROM (VALUES ({latency.TOTAL}, total_sample_us), ({latency.TTFT}, ttft_sample_us)) AS sampled (metric, us)
            WHERE us IS NOT NULL
        ) AS samples
        """,  # noqa: S608 - made of constants, as below
    ),
)
_DUPLICATES = """
    SELECT attempt_id, count(*) AS found FROM ledger
    WHERE id >= $1 AND id < $2 AND kind = $3
    GROUP BY attempt_id HAVING count(*) > 1 ORDER BY attempt_id LIMIT $4
"""
_HOLES = """
    SELECT id, committed_through, received::text AS found FROM spool
    WHERE committed_through > 0 AND NOT received @> int8range(1, committed_through, '[]')
    ORDER BY id LIMIT $1
"""


async def earliest(connection: Connection) -> datetime | None:
    """When the ledger begins; None while it has no partition."""
    months = await existing(connection)
    return months[0] if months else None


async def count_rows(connection: Connection, period: Period) -> int:
    """Ledger rows of the period."""
    rows: int = await connection.fetchval("SELECT count(*) FROM ledger WHERE id >= $1 AND id < $2", *_ids(period))
    return rows


async def count_groups(connection: Connection, period: Period) -> int:
    """Groups of all derived tables in the period."""
    groups = 0
    for derived in _CHECKS:
        statement = f"SELECT count(*) FROM {derived.table} WHERE bucket >= $1 AND bucket < $2"  # noqa: S608
        groups += await connection.fetchval(statement, period.start, period.end)
    return groups


async def discrepancies(connection: Connection, period: Period) -> list[Discrepancy]:
    """What differs, at most MOST_DISCREPANCIES: derived tables, attempts booked twice, holes below watermarks."""
    found: list[Discrepancy] = []
    for derived in _CHECKS:
        records = await connection.fetch(_comparison(derived), *_ids(period), period.start, period.end)
        found += (_difference(derived, record) for record in records)
    for record in await connection.fetch(_DUPLICATES, *_ids(period), ROW_KIND_COMPLETION, MOST_DISCREPANCIES):
        found.append(Discrepancy("duplicate", f"attempt {record['attempt_id']}", "1 row", f"{record['found']} rows"))
    for record in await connection.fetch(_HOLES, MOST_DISCREPANCIES):
        expected = f"records 1 to {record['committed_through']}"
        found.append(Discrepancy("watermark", f"spool {record['id']}", expected, record["found"]))
    return found[:MOST_DISCREPANCIES]


async def count_set_aside(connection: Connection) -> tuple[int, int]:
    """Dead letters and open attempts."""
    record = await connection.fetchrow(
        "SELECT (SELECT count(*) FROM dead_letter) AS letters, (SELECT count(*) FROM open_attempt) AS attempts"
    )
    return record["letters"], record["attempts"]


async def watermarks(connection: Connection) -> dict[UUID, int]:
    """How far each spool has come."""
    records = await connection.fetch("SELECT id, committed_through FROM spool ORDER BY id")
    return {record["id"]: record["committed_through"] for record in records}


def _ids(period: Period) -> tuple[UUID, UUID]:
    return uuid7_floor(period.start), uuid7_floor(period.end)


def _comparison(derived: Derived) -> str:
    keys = ", ".join((*_KEY, *derived.keys))
    dimensions = ", ".join((*SERIES_KEY, *derived.keys))
    computed = ", ".join(f"{sql} AS {name}" for name, sql in derived.figures.items())
    expected = ", ".join(f"expected.{name}" for name in derived.figures)
    found = ", ".join(f"found.{name}" for name in derived.figures)
    shown = ", ".join(f"expected.{name} AS expected_{name}, found.{name} AS found_{name}" for name in derived.figures)
    return f"""
        WITH expected AS (
            SELECT date_bin('15 minutes', started_at, 'epoch') AS bucket, {dimensions}, {computed}
            FROM ledger {derived.per_row}
            WHERE id >= $1 AND id < $2
            GROUP BY {", ".join(map(str, range(1, len(_KEY) + len(derived.keys) + 1)))}
        ), found AS (
            SELECT bucket, {dimensions}, {", ".join(derived.figures)}
            FROM {derived.table} JOIN series ON series.id = series_id
            WHERE bucket >= $3 AND bucket < $4
        )
        SELECT {keys}, {shown}
        FROM expected FULL JOIN found USING ({keys})
        WHERE ROW ({expected}) IS DISTINCT FROM ROW ({found})
        ORDER BY {keys} LIMIT {MOST_DISCREPANCIES}
    """  # noqa: S608


def _difference(derived: Derived, record: Record) -> Discrepancy:
    differing = [name for name in derived.figures if record[f"expected_{name}"] != record[f"found_{name}"]]
    place = [rfc3339(record["bucket"], zone("")), *(f"{name}={record[name]}" for name in (*SERIES_KEY, *derived.keys))]
    return Discrepancy(
        derived.check,
        " ".join(place),
        ", ".join(f"{name}={record[f'expected_{name}']}" for name in differing),
        ", ".join(f"{name}={record[f'found_{name}']}" for name in differing),
    )
