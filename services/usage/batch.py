"""From messages of the stream to one batch that is committed as a whole. Pure.

The format of a message is that of `CompletionBatch` in pantheon/events/v1/completion.proto.
"""

from collections.abc import Mapping
from hashlib import sha256
from uuid import UUID

import msgspec
from google.protobuf.message import DecodeError

from pantheon.events.v1.completion_pb2 import CompletionBatch, CompletionEvent, CompletionFinished, CompletionStarted
from pantheon.usage.v1.ledger_pb2 import LEDGER_STATE_ESTIMATED
from services.usage.entry import Entry
from services.usage.events import Bounds, entry_of, finish_id, withdrawal_of
from services.usage.fields import PoisonError

SPOOL_HEADER = "Pantheon-Spool"
FIRST_HEADER = "Pantheon-First"
LAST_HEADER = "Pantheon-Last"

_LAST_NUMBER = 2**63 - 2


class SpoolRange(msgspec.Struct, frozen=True, gc=False):
    """Records `first` to `last`, inclusive, of one spool."""

    spool: UUID
    first: int
    last: int


class DeadLetter(msgspec.Struct, frozen=True, gc=False):
    """What can't be booked: one event, or a message whose events can't be told apart."""

    spool: UUID | None
    number: int | None
    reason: str
    payload: bytes

    @property
    def digest(self) -> bytes:
        """The same for the same letter delivered again."""
        return sha256(f"{self.spool}|{self.number}|".encode() + self.payload).digest()


class Delivery(msgspec.Struct, frozen=True):
    """One message: its range and events, or why it can't be read (then it may still have a range)."""

    range: SpoolRange | None
    events: tuple[CompletionEvent, ...]
    letter: DeadLetter | None

    @property
    def size(self) -> int:
        """How many events it stands for, as far as is known; at least 1."""
        return max(1, len(self.events))


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """An event of a batch and where it came from."""

    spool: UUID
    number: int
    event: CompletionEvent

    def letter(self, reason: str) -> DeadLetter:
        """The event as a dead letter."""
        return DeadLetter(self.spool, self.number, reason, self.event.SerializeToString(deterministic=True))


class Start(msgspec.Struct, frozen=True, gc=False):
    """An attempt that began, to be kept until its FINISH comes."""

    finish_id: UUID
    arrival: Arrival


class Batch(msgspec.Struct):
    """What one transaction takes. Each FINISH id is in `finishes` once."""

    size: int = 0
    ranges: list[SpoolRange] = msgspec.field(default_factory=list)
    starts: dict[UUID, Start] = msgspec.field(default_factory=dict)
    finishes: dict[UUID, tuple[Entry, Arrival]] = msgspec.field(default_factory=dict)
    undispatched: dict[UUID, tuple[Entry, Arrival]] = msgspec.field(default_factory=dict)
    """Attempts that were never sent, as withdrawals."""
    letters: list[DeadLetter] = msgspec.field(default_factory=list)

    def spools(self) -> list[UUID]:
        """The spools it has news of, in the order in which they are locked."""
        return sorted({arrived.spool for arrived in self.ranges})

    def add(self, delivery: Delivery, bounds: Bounds) -> None:
        """Sorts the events of a message into the batch; what can't be booked becomes a dead letter."""
        self.size += delivery.size
        if delivery.letter is not None:
            self.letters.append(delivery.letter)
        if delivery.range is None:
            return
        self.ranges.append(delivery.range)
        for number, event in enumerate(delivery.events, delivery.range.first):
            arrival = Arrival(delivery.range.spool, number, event)
            try:
                self._sort(arrival, bounds)
            except PoisonError as error:
                self.letters.append(arrival.letter(str(error)))

    def _sort(self, arrival: Arrival, bounds: Bounds) -> None:
        match arrival.event.WhichOneof("event"):
            case "finished":
                self._finish(arrival, arrival.event.finished, bounds)
            case "started":
                self._start(arrival, arrival.event.started, bounds)
            case "lease_closed" | "checkpointed":
                # Nothing is booked for these; that they were received is.
                return
            case _:
                raise PoisonError("an event of a kind this version does not know")

    def _start(self, arrival: Arrival, started: CompletionStarted, bounds: Bounds) -> None:
        row_id = finish_id(started, bounds)
        self.starts[row_id] = Start(row_id, arrival)

    def _finish(self, arrival: Arrival, finished: CompletionFinished, bounds: Bounds) -> None:
        if finished.not_dispatched:
            withdrawal = withdrawal_of(finished, bounds)
            self.undispatched[withdrawal.id] = (withdrawal, arrival)
            return
        entry = entry_of(finished, bounds)
        present = self.finishes.get(entry.id)
        # Of an estimate and the truth in one batch only the truth is booked: nothing to correct.
        if present is None or present[0].ending.state == LEDGER_STATE_ESTIMATED:
            self.finishes[entry.id] = (entry, arrival)


def read(headers: Mapping[str, str] | None, payload: bytes) -> Delivery:
    """Reads one message.

    The records of one that can't be read count as received: the router can do nothing but send the same bytes again.
    """
    try:
        covered = _range(headers or {})
    except ValueError as error:
        return Delivery(None, (), DeadLetter(None, None, f"headers: {error}", payload))
    try:
        events = tuple(CompletionBatch.FromString(payload).events)
    except DecodeError as error:
        return Delivery(
            covered, (), DeadLetter(covered.spool, covered.first, f"not a CompletionBatch: {error}", payload)
        )
    if len(events) != covered.last - covered.first + 1:
        reason = f"headers name records {covered.first} to {covered.last}, the message holds {len(events)}"
        return Delivery(covered, (), DeadLetter(covered.spool, covered.first, reason, payload))
    return Delivery(covered, events, None)


def _range(headers: Mapping[str, str]) -> SpoolRange:
    try:
        covered = SpoolRange(UUID(headers[SPOOL_HEADER]), int(headers[FIRST_HEADER]), int(headers[LAST_HEADER]))
    except KeyError as error:
        raise ValueError(f"{error.args[0]} is missing") from None
    if not 1 <= covered.first <= covered.last <= _LAST_NUMBER:
        raise ValueError(f"{covered.first} to {covered.last} is not a range of records")
    return covered
