"""The log of every completion a simulated provider was asked for.

A request is in it as soon as it has arrived, before anything is answered, and completed when the answer has ended: what
a crashing or departing client left behind is therefore still seen. Reads of the model catalogue are not completions and
are not in it. Prompts, answers and keys never reach the file.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path

import msgspec

from services.sandbox.chat import Usage


class Outcome(Enum):
    """How far an exchange came."""

    OPEN = "open"
    """Seen, not finished."""
    ANSWERED = "answered"
    """The answer, or the refusal, went out whole."""
    CUT = "cut"
    """An ordered fault ended it early."""
    ABANDONED = "abandoned"
    """The client went away first."""


class RequestRecord(msgspec.Struct, kw_only=True):
    """One request. Usage and cost are what the client was told; None when it was not told."""

    sequence: int
    """From 1, without gaps, in order of arrival."""
    provider: str
    attempt_id: str | None
    """The `x-pantheon-attempt-id` header."""
    model: str | None
    """As requested; None when the body did not name one."""
    stream: bool
    arrived_at: datetime
    outcome: Outcome = Outcome.OPEN
    finished_at: datetime | None = None
    status: int | None = None
    """HTTP status; None when no status line was sent."""
    response_id: str | None = None
    usage: Usage | None = None
    cost: Decimal | None = None
    """USD, as reported by providers that report it."""
    events_sent: int = 0
    """Server-sent events written, comments aside."""


class Received(msgspec.Struct, frozen=True):
    """A request's headers (lower case, without credentials) and body, for tests of what a client sends."""

    headers: Mapping[str, str]
    body: bytes


class Recorder:
    """Keeps the newest `capacity` records and `bodies` bodies, and appends to a file what happens to each record.

    The file holds one JSON object a line: `{"event": "arrived" | "finished", "request": {...}}`. Each line is one
    unbuffered write, so that it survives the process.
    """

    def __init__(self, *, capacity: int = 100_000, bodies: int = 0, path: Path | None = None) -> None:
        self._records: deque[RequestRecord] = deque(maxlen=capacity)
        self._received: deque[tuple[int, Received]] = deque(maxlen=bodies)
        self._seen = 0
        self._changed: set[asyncio.Future[None]] = set()
        self._file = None if path is None else os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    @property
    def seen(self) -> int:
        """Requests seen since the start or the last clearing, those no longer kept included."""
        return self._seen

    @property
    def keeps_bodies(self) -> bool:
        """Whether `received` can answer at all."""
        return self._received.maxlen != 0

    def __iter__(self) -> Iterator[RequestRecord]:
        return iter(tuple(self._records))

    def __len__(self) -> int:
        return len(self._records)

    def arrived(
        self, *, provider: str, attempt_id: str | None, model: str | None, stream: bool, received: Received | None
    ) -> RequestRecord:
        """Records a request that has come in whole."""
        self._seen += 1
        record = RequestRecord(
            sequence=self._seen,
            provider=provider,
            attempt_id=attempt_id,
            model=model,
            stream=stream,
            arrived_at=datetime.now(UTC),
        )
        self._records.append(record)
        if received is not None:
            self._received.append((record.sequence, received))
        self._publish("arrived", record)
        return record

    def finished(self, record: RequestRecord, outcome: Outcome) -> None:
        """Completes a record."""
        record.outcome = outcome
        record.finished_at = datetime.now(UTC)
        self._publish("finished", record)

    def received(self, sequence: int) -> Received | None:
        """Headers and body of a request, if still kept."""
        return next((received for number, received in self._received if number == sequence), None)

    def clear(self) -> None:
        """Forgets everything and counts from 1 again; the file is left as it is."""
        self._records.clear()
        self._received.clear()
        self._seen = 0

    def close(self) -> None:
        """Closes the file; nothing is recorded after that."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    async def wait_until(self, condition: Callable[["Recorder"], bool], timeout: float) -> None:
        """Waits for a record that makes the condition true; TimeoutError after `timeout` seconds."""
        async with asyncio.timeout(timeout):
            while not condition(self):
                changed = asyncio.get_running_loop().create_future()
                self._changed.add(changed)
                try:
                    await changed
                finally:
                    self._changed.discard(changed)

    def _publish(self, event: str, record: RequestRecord) -> None:
        if self._file is not None:
            os.write(self._file, msgspec.json.encode({"event": event, "request": record}) + b"\n")
        for changed in self._changed:
            if not changed.done():
                changed.set_result(None)
