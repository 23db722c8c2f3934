"""Roll-ups: sums added to what is there, group by group in the order of their keys."""

from asyncpg import Connection

from services.usage.entry import MEASURES, MONEY
from services.usage.sums import Row, Sums


def _type(measure: str) -> str:
    return "numeric" if measure in MONEY else "bigint"


def _sum(table: str, measure: str) -> str:
    if measure in MONEY:
        # The sum of the known ones; unknown only while none is known.
        return f"{measure} = coalesce({table}.{measure} + excluded.{measure}, {table}.{measure}, excluded.{measure})"
    return f"{measure} = {table}.{measure} + excluded.{measure}"


def _upsert(table: str, key: dict[str, str], measures: tuple[str, ...]) -> str:
    columns = {"bucket": "bigint", "series_id": "bigint", **key, **{name: _type(name) for name in measures}}
    arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(columns.values(), 1))
    rest = list(columns)[1:]
    updates = ", ".join(_sum(table, name) for name in measures)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608 - made of constants
        f"SELECT to_timestamp(bucket / 1000), {', '.join(rest)} "
        f"FROM unnest({arrays}) AS added ({', '.join(columns)}) "
        f"ON CONFLICT (bucket, {', '.join(['series_id', *key])}) "
        f"DO UPDATE SET {updates}"
    )


_ROLLUP = _upsert("rollup", {}, MEASURES)
_TAG_ROLLUP = _upsert("tag_rollup", {"tag": "text", "value": "text"}, MEASURES)
_HISTOGRAM = _upsert("histogram", {"metric": "smallint", "slot": "smallint"}, ("count", "sum_us"))


async def add(connection: Connection, sums: Sums) -> None:
    """Adds the sums to the three tables, always in this order."""
    for statement, rows in ((_ROLLUP, sums.rollups), (_HISTOGRAM, sums.histograms), (_TAG_ROLLUP, sums.tags)):
        await _add(connection, statement, rows)


async def _add(connection: Connection, statement: str, rows: list[Row]) -> None:
    if rows:
        await connection.execute(statement, *zip(*rows, strict=True))
