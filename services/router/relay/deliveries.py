"""Where each record stands on its way to the ledger, and what has to be sent again. Pure.

A record above the watermark is unsent, in flight, or acknowledged by JetStream. Only the watermark ends its story.
"""

from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.router.relay.ranges import Ranges

# Beyond so many acknowledged messages neighbours are merged: a ledger that lags for hours must not fill the memory.
_SEPARATE_MESSAGES = 4096
_MERGED_RECORDS = 8192


@dataclass(frozen=True, slots=True, order=True)
class Delivery:
    """Records first to last, acknowledged as the stream's message `sequence` (of several merged ones: the latest)."""

    first: int
    last: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Due:
    """Records to be published next. `repeated`: JetStream has acknowledged them before."""

    first: int
    last: int
    repeated: bool


class Deliveries:
    """The records of one spool above its watermark."""

    def __init__(self, watermark: int) -> None:
        self.watermark = watermark
        self.in_flight = 0
        self._offered = watermark
        self._unsent = Ranges()
        self._lost = Ranges()
        self._acknowledged: list[Delivery] = []

    @property
    def acknowledged(self) -> Sequence[Delivery]:
        """What JetStream has, as far as is known, and the ledger is not known to have; by number."""
        return tuple(self._acknowledged)

    def offer(self, durable: int) -> None:
        """Everything through `durable` may be published."""
        if durable > self._offered:
            self._unsent.add(self._offered + 1, durable)
            self._offered = durable

    def due(self) -> Due | None:
        """The lowest records to be published; None: there are none."""
        candidates = [Due(*pair, repeated=False) for pair in list(self._unsent)[:1]]
        candidates += [Due(*pair, repeated=True) for pair in list(self._lost)[:1]]
        return min(candidates, key=lambda candidate: candidate.first, default=None)

    def sent(self, first: int, last: int) -> None:
        """A message with these records is on its way."""
        self.in_flight += 1
        self._unsent.remove(first, last)
        self._lost.remove(first, last)

    def acknowledge(self, first: int, last: int, sequence: int) -> None:
        """JetStream has stored the message."""
        self.in_flight -= 1
        if last <= self.watermark:
            return
        insort(self._acknowledged, Delivery(first, last, sequence))
        if len(self._acknowledged) > _SEPARATE_MESSAGES:
            self._merge()

    def fail(self, due: Due) -> None:
        """The message was refused, or nobody knows what became of it."""
        self.in_flight -= 1
        (self._lost if due.repeated else self._unsent).add(max(due.first, self.watermark + 1), due.last)

    def confirm(self, watermark: int) -> None:
        """The ledger has everything through `watermark`."""
        if watermark <= self.watermark:
            return
        self.watermark = watermark
        self._offered = max(self._offered, watermark)
        self._unsent.remove(0, watermark)
        self._lost.remove(0, watermark)
        self._acknowledged = [delivery for delivery in self._acknowledged if delivery.last > watermark]

    def repeat(self, deliveries: Iterable[Delivery]) -> int:
        """These were acknowledged, and are lost: publishes them again. Returns how many records that is."""
        lost = set(deliveries) & set(self._acknowledged)
        self._acknowledged = [delivery for delivery in self._acknowledged if delivery not in lost]
        records = 0
        for delivery in lost:
            first = max(delivery.first, self.watermark + 1)
            self._lost.add(first, delivery.last)
            records += delivery.last - first + 1
        return records

    def vanished(self, known: Iterable[Delivery], last_sequence: int) -> list[Delivery]:
        """Those of `known` that the stream has forgotten: it ends before them, as after a power failure."""
        return [delivery for delivery in known if delivery.sequence > last_sequence]

    def passed_over(self, known: Sequence[Delivery], floor: int, most_records: int) -> list[Delivery]:
        """Those of `known` that the consumer is done with, or can't get any more, while the ledger lacks them.

        `floor` is the sequence up to which that is so. The ledger's first gap begins right above the watermark; of
        what lies behind the gap nothing is known, since it may well be in the ledger. So it is the run of records
        from there on, `most_records` at the most; when the watermark has moved, one looks again.
        """
        run: list[Delivery] = []
        expected = self.watermark + 1
        for delivery in known:
            if delivery.last < expected:
                continue
            if delivery.first > expected or delivery.sequence > floor or expected - self.watermark > most_records:
                break
            run.append(delivery)
            expected = delivery.last + 1
        return run

    def _merge(self) -> None:
        merged = self._acknowledged[:1]
        for delivery in self._acknowledged[1:]:
            last = merged[-1]
            if delivery.first == last.last + 1 and delivery.last - last.first < _MERGED_RECORDS:
                merged[-1] = Delivery(last.first, delivery.last, max(last.sequence, delivery.sequence))
            else:
                merged.append(delivery)
        self._acknowledged = merged
