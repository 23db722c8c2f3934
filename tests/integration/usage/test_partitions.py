"""The ledger's partitions: made once, dropped when they are past the retention."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from services.runtime import times
from services.runtime.ids import uuid7
from services.usage.store.partitions import month_of, name_of, next_month
from tests.fixtures.completion_events import Traffic, message
from tests.integration.usage.running import Replica


async def tables(replica: Replica) -> set[str]:
    return {name for (name,) in await replica.fetch("SELECT inhrelid::regclass::text FROM pg_inherits")}


async def test_replicas_that_need_the_same_partition_make_it_once(replica: Replica, other_replica: Replica) -> None:
    months = {month_of(times.now()), next_month(month_of(times.now()))}
    await asyncio.gather(*(one.partitions.ensure(months) for one in (replica, other_replica) for _ in range(3)))
    assert {name_of(month) for month in months} <= await tables(replica)


async def test_a_partition_is_dropped_when_all_of_it_is_past_the_retention(
    replica: Replica, other_replica: Replica, traffic: Traffic
) -> None:
    old, recent = times.now() - timedelta(days=150), times.now()
    events = [traffic.attempt(at)[1] for at in (old, recent)]
    spool = uuid7()
    await replica.take(message(spool, 1, events))
    month_end = next_month(month_of(old))
    await replica.partitions.drop(month_end - timedelta(days=1))
    assert await replica.value("SELECT count(*) FROM ledger") == 2
    await other_replica.partitions.drop(month_end)
    assert await replica.ids() == [events[1].finished.event_id]
    # Reports go further back than the ledger; verification begins with it.
    assert await replica.value("SELECT sum(attempts)::int FROM rollup") == 2
    assert await replica.discrepancies() == []


async def test_a_partition_that_another_replica_dropped_is_made_again(
    replica: Replica, other_replica: Replica, traffic: Traffic
) -> None:
    old = times.now() - timedelta(days=150)
    late = message(uuid7(), 1, [traffic.attempt(old)[1]])
    await replica.partitions.ensure({month_of(old)})
    await other_replica.partitions.drop(times.now() - timedelta(days=100))
    with pytest.raises(asyncpg.CheckViolationError, match="no partition"):
        await replica.take(late)
    committed = await replica.take(late)
    assert (committed.booked.rows, committed.dead_letters) == (1, 0)
