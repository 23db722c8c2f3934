"""How fast completions get from JetStream into the ledger: real consumer, durable Postgres, everything on.

STARTs and FINISHes of four routers lie in the stream when the clock starts; it stops when the last watermark is
published, which is after its commit. `python -m benchmarks.ingest [--json]`
"""

import asyncio
import statistics
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import zip_longest
from uuid import UUID

import uvloop

from benchmarks.figures import Figure, show
from benchmarks.files import server_directory
from pantheon.events.v1.completion_pb2 import CompletionEvent
from pantheon.events.v1.progress_pb2 import SpoolProgressed
from services.local.nats import LocalNats
from services.local.postgres import LocalPostgres
from services.runtime import logging
from services.runtime.bus import COMPLETIONS, Bus
from services.runtime.db import Database
from services.runtime.ids import uuid7
from services.usage.consumer import PROGRESS_SUBJECT
from services.usage.intake import Intake
from services.usage.schema import migrate_schema
from services.usage.tables import SCHEMA
from tests.fixtures.completion_events import Message, Traffic, messages

_ROUTERS = 4
_WARM_UP_ATTEMPTS = 2_000
_ATTEMPTS = 30_000
_ROUNDS = 3
# So many attempts run at once in a router: that far apart are START and FINISH.
_RUNNING = 300
# What the relay of a busy router sends at a time.
_EVENTS_A_MESSAGE = [20, 90, 40, 150]
_GOAL_EVENTS_A_SECOND = 10_000
_PATIENCE_SECONDS = 120


async def measure() -> list[Figure]:
    """Events committed per second, and the CPU time they cost the usage process: medians of the rounds."""
    with server_directory() as directory:
        async with LocalNats(directory / "nats") as nats, LocalPostgres(directory / "postgres") as postgres:
            await migrate_schema(postgres.dsn())
            db = Database(postgres.dsn(), schema=SCHEMA)
            bus = await Bus.connect(nats.url, name="benchmark")
            await bus.ensure_stream(COMPLETIONS)
            traffic = Traffic(seed=1, users=50)
            await _round(db, bus, traffic, _WARM_UP_ATTEMPTS)
            rounds = [await _round(db, bus, traffic, _ATTEMPTS) for _ in range(_ROUNDS)]
            await bus.close()
            await db.close()
    rates, costs = zip(*rounds, strict=True)
    slowest = f"slowest round {min(rates):,.0f}; half of them STARTs; {_ROUTERS} routers, one replica"
    goal = f"at least {_GOAL_EVENTS_A_SECOND:,}"
    return [
        Figure("usage ingest, JetStream to committed", statistics.median(rates), "events/s", goal, slowest),
        Figure("usage CPU per event", statistics.median(costs), "µs", "", "the usage process alone"),
    ]


async def _round(db: Database, bus: Bus, traffic: Traffic, attempts: int) -> tuple[float, float]:
    """Events per second, and microseconds of CPU per event."""
    events = attempts // _ROUTERS * 2
    spools = [uuid7() for _ in range(_ROUTERS)]
    for interleaved in zip_longest(*(_journal(traffic, spool, attempts // _ROUTERS) for spool in spools)):
        for message in filter(None, interleaved):
            await bus.jetstream.publish(message.subject, message.payload, headers=message.headers)
    intake = Intake.of(db, bus, retention=timedelta(days=400), longest_seconds=1_800)
    done = asyncio.create_task(_committed(bus, dict.fromkeys(spools, events)))
    await asyncio.sleep(0)
    started, cpu = time.perf_counter(), time.process_time()
    consumer = asyncio.create_task(intake.consumer.run())
    async with asyncio.timeout(_PATIENCE_SECONDS):
        await done
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    await intake.consumer.stop(10)
    await consumer
    return events * _ROUTERS / seconds, cpu / (events * _ROUTERS) * 1e6


def _journal(traffic: Traffic, spool: UUID, attempts: int) -> Iterator[Message]:
    """What the relay of one router sends."""
    events: list[CompletionEvent] = []
    running: list[CompletionEvent] = []
    for _ in range(attempts):
        started, finished = traffic.attempt()
        events.append(started)
        running.append(finished)
        if len(running) > _RUNNING:
            events.append(running.pop(traffic.dice.randrange(_RUNNING)))
    return messages(spool, [*events, *running], _EVENTS_A_MESSAGE)


async def _committed(bus: Bus, wanted: dict[UUID, int]) -> None:
    """Returns once the watermark of each spool is where it is wanted."""
    subscription = await bus.nc.subscribe(f"{PROGRESS_SUBJECT}.*")
    while wanted:
        progressed = SpoolProgressed.FromString((await subscription.next_msg(timeout=_PATIENCE_SECONDS)).data)
        spool = UUID(progressed.watermark.spool_id)
        if progressed.watermark.committed_through == wanted.get(spool):
            del wanted[spool]
    await subscription.unsubscribe()


if __name__ == "__main__":
    logging.configure("benchmark", "error")
    show(uvloop.run(measure()))
