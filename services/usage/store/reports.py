"""Sums over the roll-ups, for any filter and grouping."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from asyncpg import InvalidParameterValueError
from sqlalchemy import BigInteger, ColumnElement, Numeric, Result, Select, Subquery, Table, cast, func, select, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.exc import DBAPIError

from pantheon.usage.v1.report_pb2 import DIMENSION_DAY, DIMENSION_HOUR, DIMENSION_QUARTER_HOUR, DIMENSION_TAG, Dimension
from services.runtime.db import ReadConnection
from services.runtime.errors import InvalidField
from services.usage.dimensions import COLUMNS, Grouping, Value
from services.usage.entry import MEASURES, MONEY
from services.usage.periods import Period
from services.usage.store.conditions import allowed
from services.usage.sums import added
from services.usage.tables import HISTOGRAM, ROLLUP, SERIES, TAG_ROLLUP
from services.usage.visibility import Where


class Totals(msgspec.Struct, frozen=True):
    """Sums of one group; durations in microseconds, money in USD, None: none is known. Fields are MEASURES."""

    requests: int = 0
    attempts: int = 0
    failed: int = 0
    estimated: int = 0
    unpriced: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost: Decimal | None = None
    provider_reported_cost: Decimal | None = None
    total_us: int = 0


class UsageRow(msgspec.Struct, frozen=True):
    """One group of a usage report."""

    values: tuple[Value, ...]
    totals: Totals


class HistogramRow(msgspec.Struct, frozen=True):
    """The distribution of one metric in one group; slots ascend."""

    values: tuple[Value, ...]
    metric: int
    slots: list[int]
    counts: list[int]
    sum_us: int


def total(rows: Iterable[UsageRow]) -> Totals:
    """The sum of groups."""
    sums = added(msgspec.structs.astuple(row.totals) for row in rows)
    return Totals(*sums) if sums else Totals()


def dearest(row: UsageRow) -> tuple[bool, Decimal, int, tuple[Value, ...]]:
    """Sort key: most expensive first, those of unknown cost last, then by tokens, then by value."""
    cost, tokens = row.totals.cost, row.totals.prompt_tokens + row.totals.completion_tokens
    return cost is None, -(cost or Decimal(0)), -tokens, row.values


async def usage(
    connection: ReadConnection,
    where: Where,
    period: Period,
    grouping: Grouping,
    *,
    after: Sequence[Value] | None = None,
    most: int | None = None,
) -> list[UsageRow]:
    """The groups in the order of their values, those after `after`, at most `most`."""
    table = TAG_ROLLUP if grouping.tag else ROLLUP
    rows, keys = _rows(table, where, period, grouping, MEASURES)
    statement = select(*keys, *(_sum(rows, name) for name in MEASURES)).group_by(*keys).order_by(*keys).limit(most)
    if after:
        statement = statement.where(tuple_(*keys) > tuple_(*after))
    return [
        UsageRow(tuple(row[: len(keys)]), Totals(*row[len(keys) :]))
        for row in await _execute(connection, statement, grouping)
        # Without dimensions there is always one group, even of nothing.
        if keys or row[0] is not None
    ]


async def latencies(
    connection: ReadConnection, where: Where, period: Period, grouping: Grouping, most: int
) -> list[HistogramRow]:
    """The histograms of the first `most` groups in the order of their values, each with one row a metric."""
    rows, keys = _rows(HISTOGRAM, where, period, grouping, ("metric", "slot", "count", "sum_us"))
    merged = (
        select(*keys, rows.c.metric, rows.c.slot, _sum(rows, "count"), _sum(rows, "sum_us"))
        .group_by(*keys, rows.c.metric, rows.c.slot)
        .subquery()
    )
    keys = [merged.c[key.name] for key in keys]
    slots = func.array_agg(aggregate_order_by(merged.c.slot, merged.c.slot))
    counts = func.array_agg(aggregate_order_by(merged.c.count, merged.c.slot))
    statement = (
        select(*keys, merged.c.metric, slots, counts, _sum(merged, "sum_us"))
        .group_by(*keys, merged.c.metric)
        .order_by(*keys, merged.c.metric)
        .limit(2 * most)
    )
    return [
        HistogramRow(tuple(row[: len(keys)]), *row[len(keys) :])
        for row in await _execute(connection, statement, grouping)
    ]


async def _execute(connection: ReadConnection, statement: Select[Any], grouping: Grouping) -> Result[Any]:
    try:
        rows: Result[Any] = await connection.execute(statement)
    except DBAPIError as error:
        # Python and Postgres each have a list of zones, not always the same one.
        if getattr(error.orig, "sqlstate", None) == InvalidParameterValueError.sqlstate:
            raise InvalidField("time_zone", grouping.zone.key, "an IANA name that Postgres knows") from None
        raise
    return rows


def _rows(
    table: Table, where: Where, period: Period, grouping: Grouping, columns: Sequence[str]
) -> tuple[Subquery, list[ColumnElement[Any]]]:
    """The table's rows that count, with the values they are grouped by; and those."""
    values = [_value(table, grouping, dimension) for dimension in grouping.dimensions]
    labels = [f"key_{number}" for number in range(len(values))]
    statement: Select[Any] = (
        select(
            *(value.label(label) for value, label in zip(values, labels, strict=True)),
            *(table.c[name] for name in columns),
        )
        .join(SERIES, SERIES.c.id == table.c.series_id)
        .where(table.c.bucket >= period.start, table.c.bucket < period.end, *allowed(SERIES, where))
    )
    if grouping.tag:
        statement = statement.where(TAG_ROLLUP.c.tag == grouping.tag)
    rows = statement.subquery()
    return rows, [rows.c[label] for label in labels]


def _value(table: Table, grouping: Grouping, dimension: Dimension.ValueType) -> ColumnElement[Any]:
    if dimension == DIMENSION_QUARTER_HOUR:
        return table.c.bucket
    if dimension == DIMENSION_HOUR:
        return func.date_trunc("hour", table.c.bucket, grouping.zone.key)
    if dimension == DIMENSION_DAY:
        return func.date_trunc("day", table.c.bucket, grouping.zone.key)
    column = TAG_ROLLUP.c.value if dimension == DIMENSION_TAG else SERIES.c[COLUMNS[dimension]]
    # By code point, whatever the database's own collation is.
    return column.collate("C") if column.type.python_type is str else column


def _sum(rows: Subquery, column: str) -> ColumnElement[Any]:
    kind = Numeric if column in MONEY else BigInteger
    return cast(func.sum(rows.c[column]), kind).label(column)
