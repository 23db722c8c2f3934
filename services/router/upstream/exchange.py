"""One answer on its way in: filled by the connection, emptied by whoever reads it."""

import asyncio
import contextlib
from typing import Protocol


class Garbled(OSError):
    """The provider's bytes are not what they claim to be."""


class Line(Protocol):
    """What an exchange needs of its connection."""

    def resume(self) -> None:
        """Reads on, now that the buffer is empty."""

    def abort(self) -> None:
        """Closes the connection at once; the exchange on it fails."""

    def linger(self) -> None:
        """Gives the answer a moment to end, so that the connection can be kept; then aborts."""


class Exchange:
    """What has come of one answer and is not read yet. For one reader at a time, who may leave and come back."""

    __slots__ = ("_line", "_loop", "_pieces", "_waiter", "complete", "failure", "headers", "size", "status")

    def __init__(self, line: Line, loop: asyncio.AbstractEventLoop) -> None:
        self.status = 0
        """0 until the head has come."""
        self.headers: dict[bytes, bytes] = {}
        """Names in lower case; the values of a repeated one are joined by commas."""
        self.size = 0
        """Bytes that wait to be read."""
        self.complete = False
        """Whether all of the answer has come. The connection may be serving another exchange by then."""
        self.failure: OSError | None = None
        """Why the rest will not come."""
        self._line = line
        self._loop = loop
        self._pieces: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None

    def begin(self, status: int, headers: dict[bytes, bytes]) -> None:
        """The head has come."""
        self.status, self.headers = status, headers
        self._wake()

    def feed(self, piece: bytes) -> None:
        """A piece of the body has come."""
        self._pieces.append(piece)
        self.size += len(piece)
        self._wake()

    def finish(self) -> None:
        """The end of the body has come."""
        self.complete = True
        self._wake()

    def fail(self, failure: OSError) -> None:
        """Nothing more will come. What has come can still be read."""
        if self._open:
            self.failure = failure
            self._wake()

    def abandon(self) -> None:
        """Nothing more is wanted: closes the connection, unless the answer is complete."""
        if self._open:
            self._line.abort()

    def abandon_from_anywhere(self) -> None:
        """The same, from any thread, and even after the loop's end."""
        if self._open:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self.abandon)

    def let_end(self) -> None:
        """All that was wanted has come: keeps the connection if the answer ends soon."""
        if self._open:
            self._line.linger()

    @property
    def _open(self) -> bool:
        return not self.complete and self.failure is None

    async def head(self) -> None:
        """Waits for the head. Raises the failure, an OSError."""
        while not self.status:
            if self.failure is not None:
                raise self.failure
            await self._change()

    async def piece(self) -> bytes:
        """All that has come and was not read; waits for something to come. Empty at the end of the body.

        Raises the failure, an OSError, after what came before it.
        """
        while not self._pieces:
            if self.complete:
                return b""
            if self.failure is not None:
                raise self.failure
            await self._change()
        pieces, self._pieces, self.size = self._pieces, [], 0
        if not self.complete:
            self._line.resume()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _change(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
