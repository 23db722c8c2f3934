"""Postgres dies under load, again and again: nothing is lost, nothing counts twice."""

import random

import pytest

from services.local.postgres import LocalPostgres
from services.runtime.bus import Bus
from services.runtime.ids import uuid7
from services.usage.schema import migrate_schema
from tests.fixtures.completion_events import Traffic, messages
from tests.fixtures.eventually import eventually
from tests.integration.usage.running import consuming, finish_ids, publish, replica_of, settled

ROUNDS = 4


@pytest.mark.slow
async def test_a_postgres_killed_in_mid_batch_loses_nothing_and_books_nothing_twice(
    own_postgres: LocalPostgres, bus: Bus
) -> None:
    await migrate_schema(own_postgres.dsn())
    traffic, dice = Traffic(seed=2), random.Random(2)
    spools = {uuid7(): [event for _ in range(1_000) for event in traffic.attempt()] for _ in range(3)}
    parts = [part for spool, events in spools.items() for part in messages(spool, events, [20, 5, 60])]
    dice.shuffle(parts)
    async with replica_of(own_postgres.dsn()) as one, replica_of(own_postgres.dsn()) as two:
        async with consuming(one, bus) as consumer, consuming(two, bus) as other:
            for number in range(ROUNDS):
                load = parts[number::ROUNDS]
                await publish(bus, load[:-10])
                await eventually(lambda: one.value("SELECT count(*) FROM ledger"))
                # Batches are under way now, more come while it is down.
                await (own_postgres.stop("immediate") if number % 2 else own_postgres.kill())
                await publish(bus, load[-10:])
                await eventually(lambda: not (consumer.running and other.running))
                await own_postgres.start()
                await eventually(lambda: consumer.running and other.running, timeout=20)
            await settled(bus)
        expected = finish_ids([event for events in spools.values() for event in events])
        assert await one.ids() == expected
        assert await one.fetch("SELECT committed_through FROM spool") == [(2_000,)] * 3
        assert await one.fetch("SELECT FROM open_attempt") == []
        assert await one.value("SELECT sum(requests)::int FROM rollup") == len(expected)
        assert await one.discrepancies() == []
