"""Everything that writes the ledger, wired together."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Self

from services.runtime.bus import Bus
from services.runtime.db import Database
from services.usage.booking import Booking
from services.usage.consumer import Consumer
from services.usage.dead_letter_limit import DeadLetterLimit
from services.usage.events import Bounds
from services.usage.ingest import Ingest
from services.usage.store.partitions import Partitions
from services.usage.store.series import SeriesIndex
from services.usage.sweeper import Sweeper


@dataclass(frozen=True, slots=True)
class Intake:
    """One replica's writers; each has a method that runs in the background."""

    consumer: Consumer
    sweeper: Sweeper
    partitions: Partitions

    @classmethod
    def of(cls, db: Database, bus: Bus, *, retention: timedelta, longest_seconds: float) -> Self:
        """The writers of this database, fed by this bus."""
        partitions = Partitions(db, retention)
        booking = Booking(SeriesIndex(db), partitions)
        bounds = partial(Bounds.now, retention)
        consumer = Consumer(bus, Ingest(db, booking), bounds, DeadLetterLimit())
        return cls(consumer, Sweeper(db, booking, bounds, timedelta(seconds=longest_seconds)), partitions)
